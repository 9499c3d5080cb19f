//! Incidents: opened, followed, closed.

use std::sync::Arc;

use jiff::Timestamp;

use crate::check::Check;
use crate::correlate::Window;
use crate::inbox::reader::Reader;
use crate::inbox::{Arrival, Changes, InboxError};
use crate::incident::ChangeEvent;
use crate::record::told::Told;

/// What is open, and what was changed lately.
#[derive(Debug, Default)]
pub struct Incidents {}

impl Incidents {
    /// As the file knows them.
    pub fn restore(
        _reader: &Reader,
        _checks: &[Arc<Check>],
        _now: Timestamp,
    ) -> Result<Self, InboxError> {
        Ok(Self {})
    }

    /// Takes in how a run ended.
    pub fn told(&mut self, _told: Told) {}

    /// Takes up another list of checks.
    pub fn change(&mut self, _checks: &[Arc<Check>]) {}

    /// Takes in a change.
    pub fn changed(&mut self, _change: ChangeEvent) {}

    /// Takes in an event: it may tell of a change. It may come again after a failed write.
    pub fn event(&mut self, _arrival: &Arrival) {}

    /// Takes in whether this monitor is blind.
    pub fn blind(&mut self, _why: Option<Arc<str>>) {}

    /// Takes in how a window was judged.
    pub fn window(&mut self, _window: &Window) {}

    /// Time passes.
    pub fn tick(&mut self, _now: Timestamp) {}

    /// What is to be written, if anything. It stays to be written until [`Self::written`].
    pub fn unwritten(&mut self) -> Option<Changes> {
        None
    }

    /// It was written.
    pub fn written(&mut self) {}
}

//! Minutes of each endpoint: what its probes saw, how its users fared.

use std::sync::Arc;

use jiff::Timestamp;

use crate::check::Check;
use crate::correlate::Window;
use crate::inbox::Changes;
use crate::inbox::InboxError;
use crate::inbox::reader::{Reader, StoredEvent};
use crate::record::told::Told;

/// Every open minute.
#[derive(Debug, Default)]
pub struct Windows {}

impl Windows {
    /// As the file knows them.
    pub fn restore(
        _reader: &Reader,
        _checks: &[Arc<Check>],
        _now: Timestamp,
    ) -> Result<Self, InboxError> {
        Ok(Self {})
    }

    /// Takes in how a run ended.
    pub fn told(&mut self, _told: &Told) {}

    /// Takes up another list of checks.
    pub fn change(&mut self, _checks: &[Arc<Check>]) {}

    /// Takes in events; gives the windows that were judged for the first time, or otherwise than
    /// before.
    pub fn fold(
        &mut self,
        _reader: &Reader,
        _events: &[StoredEvent],
        _now: Timestamp,
    ) -> Vec<Window> {
        Vec::new()
    }

    /// What is to be written, if anything.
    pub fn unwritten(&mut self) -> Option<Changes> {
        None
    }

    /// It was written.
    pub fn written(&mut self) {}

    /// It was not: what is known of events is what the file says.
    pub fn forget(&mut self, _reader: &Reader) {}
}

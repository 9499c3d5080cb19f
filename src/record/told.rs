//! What the recorder tells of each run to whoever follows what happens.

use std::sync::Arc;

use jiff::Timestamp;

use super::row::Row;
use crate::check::Check;
use crate::health::State;
use crate::outcome::Outcome;

/// How a slot ended, and what that made of the check's health.
#[derive(Debug, Clone)]
pub struct Told {
    /// The check.
    pub check: Arc<Check>,
    /// How it ended.
    pub row: Row,
    /// The health that it had, and has now.
    pub health: (State, State),
    /// Since when it has that: for down, the first failure that led to it.
    pub since: Timestamp,
    /// What was seen, where it ran.
    pub outcome: Option<Arc<Outcome>>,
}

/// What the recorder tells.
#[derive(Debug, Clone)]
pub enum News {
    /// How a slot ended.
    Run(Box<Told>),
    /// Another list of checks.
    Checks(Vec<Arc<Check>>),
    /// Why this monitor is blind; none while it sees.
    Blind(Option<Arc<str>>),
}

/// Takes it in, without waiting.
pub type Tell = Box<dyn Fn(News) + Send>;

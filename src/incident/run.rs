//! What an incident is told of a run.

use jiff::Timestamp;

use super::cause::Cause;
use crate::check::CheckId;
use crate::check::origin::Expect;
use crate::health::State;
use crate::outcome::verdict::Verdict;

/// One run, and what it made of its check's health.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The check.
    pub check: CheckId,
    /// Whether it wants to get in.
    pub expect: Expect,
    /// When it began.
    pub at: Timestamp,
    /// How it ended; none where there was no run.
    pub verdict: Option<Verdict>,
    /// Why it did not pass.
    pub cause: Option<Cause>,
    /// Whether it was made to confirm another.
    pub confirm: bool,
    /// The health of the check now.
    pub health: State,
    /// Since when it has that: for down, the first failure that led to it.
    pub since: Timestamp,
}

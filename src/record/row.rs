//! One line of the ledger: how a slot ended, in the form that is counted and kept.

use std::time::Duration;

use jiff::Timestamp;

use crate::outcome::phase::{Phase, PhaseTimes};
use crate::outcome::reason::Reason;
use crate::outcome::verdict::Verdict;
use crate::outcome::{Outcome, lag};
use crate::schedule::slot::{Purpose, Slot};
use crate::schedule::{End, SlotEnd};

/// How a slot counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunResult {
    /// The expectation was met.
    Success,
    /// It was not.
    Failure,
    /// The run says nothing about the endpoint.
    Inconclusive,
    /// There was no run.
    Missed,
}

impl RunResult {
    /// Every result.
    pub const ALL: [Self; 4] = [Self::Success, Self::Failure, Self::Inconclusive, Self::Missed];

    /// The word in labels and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Inconclusive => "inconclusive",
            Self::Missed => "missed",
        }
    }

    /// The result that a word stands for.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.as_str() == text)
    }

    /// The verdict of a run with this result; none where there was no run.
    pub fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Success => Some(Verdict::Pass),
            Self::Failure => Some(Verdict::Fail),
            Self::Inconclusive => Some(Verdict::Inconclusive),
            Self::Missed => None,
        }
    }
}

impl From<Verdict> for RunResult {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Success,
            Verdict::Fail => Self::Failure,
            Verdict::Inconclusive => Self::Inconclusive,
        }
    }
}

/// How a slot, or several missed ones in a row, ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The slot, the first of several.
    pub slot: Slot,
    /// How many slots this row stands for.
    pub slots: u64,
    /// How it counts.
    pub result: RunResult,
    /// Why it did not pass.
    pub reason: Option<Reason>,
    /// Where it ended, when it did not pass.
    pub phase: Option<Phase>,
    /// When the run began; the due time where there was none.
    pub at: Timestamp,
    /// How long after its due time it began.
    pub delay: Duration,
    /// How long it took.
    pub phases: PhaseTimes,
    /// The status of the answer to the upgrade.
    pub http_status: Option<u16>,
    /// How long this process was held up during the run.
    pub stalled: Duration,
}

impl Row {
    /// Of a slot of which nothing is known yet.
    pub fn blank(slot: Slot) -> Self {
        Self {
            slot,
            slots: 1,
            result: RunResult::Inconclusive,
            reason: None,
            phase: None,
            at: slot.planned,
            delay: Duration::ZERO,
            phases: PhaseTimes::default(),
            http_status: None,
            stalled: Duration::ZERO,
        }
    }

    /// The row of a slot's end.
    pub fn new(end: &SlotEnd<Outcome>) -> Self {
        let at = end.slot.planned.checked_add(end.delay).unwrap_or(end.slot.planned);
        let blank = Self { at, delay: end.delay, ..Self::blank(end.slot) };
        match &end.end {
            End::Ran(outcome) => Self {
                result: outcome.verdict.into(),
                reason: outcome.failure.as_ref().map(|failure| failure.reason()),
                phase: outcome.failure.as_ref().and_then(|failure| failure.phase()),
                at: outcome.started_at,
                phases: outcome.observation.phases,
                http_status: outcome.observation.http_status,
                stalled: outcome.observation.stalled,
                ..blank
            },
            End::Panicked => Self { reason: Some(Reason::ProbePanicked), ..blank },
            End::CutOff => Self { reason: Some(Reason::ShuttingDown), ..blank },
            End::Missed { slots } => Self { result: RunResult::Missed, slots: *slots, ..blank },
        }
    }

    /// Whether it counts in figures, or for health alone.
    pub fn counts(&self) -> bool {
        self.slot.purpose == Purpose::Scheduled
    }

    /// Whether its times are the endpoint's: it ran in its turn, told something, and was not held
    /// up by ourselves.
    pub fn times_count(&self) -> bool {
        let tells = matches!(self.result, RunResult::Success | RunResult::Failure);
        tells && self.counts() && lag::times_hold(self.stalled)
    }
}

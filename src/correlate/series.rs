//! Minutes and hours of one endpoint's users.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::conversation::Outcome;
use super::journal::Journal;
use super::{Correlation, Minute, Probes, Users};

/// Minutes that are kept.
pub const KEPT_MINUTES: i64 = 48 * 60;

/// Hours that are kept: nine weeks.
pub const KEPT_HOURS: i64 = 9 * 7 * 24;

/// Minutes for which a window stays open: it is judged again where it turns out otherwise.
pub const OPEN_MINUTES: i64 = 24 * 60;

/// An hour of event time: hours since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hour(pub i64);

impl Hour {
    /// The hour that a minute is in.
    pub fn of(minute: Minute) -> Self {
        Self(minute.0.div_euclid(60))
    }

    /// Its first minute.
    pub fn begin(self) -> Minute {
        Minute(self.0.saturating_mul(60))
    }
}

/// Conversations that began, and that ended, by how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// They began.
    pub started: u32,
    /// They ended as conversations do.
    pub ok: u32,
    /// They broke.
    pub failed: u32,
    /// They ended, nobody knows how.
    pub unknown: u32,
}

impl Counts {
    /// Those that ended, however.
    pub fn ended(&self) -> u32 {
        self.ok.saturating_add(self.failed).saturating_add(self.unknown)
    }

    /// One more that ended so, or one less.
    fn end(&mut self, outcome: Outcome, sign: Sign) {
        let count = match outcome {
            Outcome::Ok => &mut self.ok,
            Outcome::Failed => &mut self.failed,
            Outcome::Unknown => &mut self.unknown,
        };
        *count = sign.step(*count);
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.started = self.started.saturating_add(other.started);
        self.ok = self.ok.saturating_add(other.ok);
        self.failed = self.failed.saturating_add(other.failed);
        self.unknown = self.unknown.saturating_add(other.unknown);
    }
}

/// Whether something is added or taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// One more.
    Plus,
    /// One less.
    Minus,
}

impl Sign {
    fn step(self, count: u32) -> u32 {
        match self {
            Self::Plus => count.saturating_add(1),
            Self::Minus => count.saturating_sub(1),
        }
    }
}

/// How a window was judged, and by which counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// What the probes saw.
    pub probes: Probes,
    /// How the users fared.
    pub users: Users,
    /// What the two say together.
    pub correlation: Correlation,
    /// Its conversations.
    pub counts: Counts,
}

/// A minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MinuteRow {
    /// Its conversations.
    pub counts: Counts,
    /// Whether events could arrive during it: without that, their absence tells nothing.
    pub watched: bool,
    /// How it was judged last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<Judged>,
    /// It was counted as a minute of a blind spot, and is not again.
    pub blind_spot: bool,
    /// The same for a false alarm.
    pub false_alarm: bool,
}

/// An hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HourRow {
    /// Its conversations.
    pub counts: Counts,
    /// Minutes during which events could arrive.
    pub watched: u8,
    /// Its minutes by result, in the order of [`Correlation::ALL`].
    pub correlations: [u8; 5],
}

/// Every kept minute and hour.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// By minute.
    pub minutes: Journal<Minute, MinuteRow>,
    /// By hour.
    pub hours: Journal<Hour, HourRow>,
    /// The first minute after which windows may be otherwise than they were judged.
    pub dirty: Option<Minute>,
    /// Rows before this one are gone, and are not made again.
    floor: Option<Minute>,
}

impl Series {
    /// One conversation that began in a minute, more or less.
    pub fn start(&mut self, minute: Minute, sign: Sign) {
        self.count(minute, |counts| counts.started = sign.step(counts.started));
    }

    /// One conversation that ended in a minute, more or less.
    pub fn end(&mut self, minute: Minute, outcome: Outcome, sign: Sign) {
        self.count(minute, |counts| counts.end(outcome, sign));
    }

    fn count(&mut self, minute: Minute, change: impl Fn(&mut Counts)) {
        if self.keeps(minute) {
            change(&mut self.minutes.change(minute).counts);
        }
        if self.floor.is_none_or(|floor| Hour::of(minute).0 >= oldest_hour(floor).0) {
            change(&mut self.hours.change(Hour::of(minute)).counts);
            // What is usual is told from hours whose minutes are gone, too.
            self.soil(minute);
        }
    }

    /// Whether the row of a minute is kept.
    pub fn keeps(&self, minute: Minute) -> bool {
        self.floor.is_none_or(|floor| minute >= floor)
    }

    /// What was judged from this minute on may be otherwise.
    pub fn soil(&mut self, minute: Minute) {
        self.dirty = Some(self.dirty.map_or(minute, |dirty| dirty.min(minute)));
    }

    /// Events could arrive during this minute.
    pub fn watch(&mut self, minute: Minute) {
        if self.minutes.get(minute).is_some_and(|row| row.watched) || !self.keeps(minute) {
            return;
        }
        self.minutes.change(minute).watched = true;
        let hour = self.hours.change(Hour::of(minute));
        hour.watched = hour.watched.saturating_add(1).min(60);
        self.soil(minute);
    }

    /// Writes down how a minute was judged; gives what it was before.
    pub fn judge(&mut self, minute: Minute, judged: Judged) -> Option<Judged> {
        let before = self.minutes.get(minute).and_then(|row| row.judged);
        if before == Some(judged) {
            return before;
        }
        self.minutes.change(minute).judged = Some(judged);
        if before.map(|before| before.correlation) != Some(judged.correlation) {
            let hour = self.hours.change(Hour::of(minute));
            for (slot, correlation) in hour.correlations.iter_mut().zip(Correlation::ALL) {
                if before.is_some_and(|before| before.correlation == correlation) {
                    *slot = slot.saturating_sub(1);
                }
                if judged.correlation == correlation {
                    *slot = slot.saturating_add(1);
                }
            }
        }
        before
    }

    /// Forgets what is too old by `now`; the first minutes that are kept after that.
    pub fn expire(&mut self, now: Minute) {
        let floor = Minute(now.0 - KEPT_MINUTES);
        // Where a clock that was ahead comes back, what is yet to come is kept again.
        if self.floor != Some(floor) {
            self.floor = Some(floor);
            self.minutes.forget_before(floor);
            self.hours.forget_before(oldest_hour(floor));
        }
    }

    /// The changes are written down.
    pub fn settle(&mut self) {
        self.minutes.settle();
        self.hours.settle();
    }

    /// They are not, and never were.
    pub fn undo(&mut self) {
        self.minutes.undo();
        self.hours.undo();
    }
}

/// The first hour that is kept where minutes are from this one on.
pub fn oldest_hour(floor: Minute) -> Hour {
    Hour(Hour::of(Minute(floor.0 + KEPT_MINUTES)).0 - KEPT_HOURS)
}

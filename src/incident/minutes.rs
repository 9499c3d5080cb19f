//! How the users fared, minute by minute.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::correlate::{Correlation, Minute, Probes, Users, Window};

/// Minutes that an incident keeps one by one: a day. Older ones are in the sums.
const KEPT: usize = 1440;

/// One minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserMinute {
    /// Which.
    pub minute: Minute,
    /// When it began.
    pub at: Timestamp,
    /// What the probes saw.
    pub probes: Probes,
    /// How the users fared.
    pub users: Users,
    /// What the two say together.
    pub correlation: Correlation,
    /// Conversations that began in it.
    pub started: u32,
    /// Conversations that ended or failed in it.
    pub ended: u32,
    /// Those of them that failed.
    pub failed: u32,
}

impl UserMinute {
    /// Of a window.
    pub fn of(window: &Window) -> Self {
        let Window { minute, probes, users, correlation, started, ended, failed, .. } = *window;
        let at = minute.begin();
        Self { minute, at, probes, users, correlation, started, ended, failed }
    }

    /// Whether both sides said something.
    pub fn judged(&self) -> bool {
        self.correlation != Correlation::Unjudged
    }

    /// Whether it was bad for users.
    pub fn bad(&self) -> bool {
        matches!(self.users, Users::Failing | Users::Silent)
    }
}

/// Sums over minutes: counts alone, nothing about anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Affected {
    /// Conversations that failed in minutes that were bad for users.
    pub failed: u64,
    /// Conversations that ended or failed in those minutes.
    pub ended: u64,
    /// Minutes in which conversations failed beyond chance.
    pub failing_minutes: u64,
    /// Minutes in which nobody wrote beyond chance.
    pub silent_minutes: u64,
}

impl Affected {
    fn add(&mut self, minute: &UserMinute) {
        if minute.bad() {
            self.failed += u64::from(minute.failed);
            self.ended += u64::from(minute.ended);
            self.failing_minutes += u64::from(minute.users == Users::Failing);
            self.silent_minutes += u64::from(minute.users == Users::Silent);
        }
    }
}

/// Minutes in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Minutes {
    kept: Vec<UserMinute>,
    /// What was left out.
    older: Affected,
}

impl Minutes {
    /// Takes in a minute, in the place of an earlier judgement of it. Gives whether that is new.
    pub fn put(&mut self, minute: UserMinute) -> bool {
        match self.kept.binary_search_by_key(&minute.minute, |kept| kept.minute) {
            Ok(at) => match self.kept.get_mut(at) {
                Some(kept) if *kept != minute => *kept = minute,
                Some(_) | None => return false,
            },
            // Beyond what is kept: it was counted, or comes a day late.
            Err(0) if self.kept.len() >= KEPT => return false,
            Err(at) => self.kept.insert(at, minute),
        }
        if self.kept.len() > KEPT {
            let oldest = self.kept.remove(0);
            self.older.add(&oldest);
        }
        true
    }

    /// Leaves out what began before this, uncounted.
    pub fn forget_before(&mut self, at: Timestamp) {
        self.kept.retain(|minute| minute.at >= at);
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &UserMinute> + ExactSizeIterator {
        self.kept.iter()
    }

    /// Sums from a minute on; those before it stand there for comparison.
    pub fn affected(&self, from: Minute) -> Affected {
        let counted = self.kept.iter().filter(|minute| minute.minute >= from);
        counted.fold(self.older, |mut sum, minute| {
            sum.add(minute);
            sum
        })
    }
}

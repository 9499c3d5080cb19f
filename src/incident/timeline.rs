//! What happened, entry by entry.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ChangeSource;
use super::cause::{Cause, Whose};
use super::notice::Event;
use super::record::{Ended, Trouble};
use super::severity::Severity;
use crate::correlate::{Correlation, Users};

/// Entries of the beginning that are kept whatever comes.
const FIRST: usize = 300;

/// Entries of the end that are kept beside them.
const LAST: usize = 200;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// The first run that failed.
    FirstBad {
        /// Of which check.
        check: String,
        /// Why.
        cause: Option<Cause>,
    },
    /// A run failed otherwise than those before it.
    Failed {
        /// Of which check.
        check: String,
        /// Why.
        cause: Option<Cause>,
    },
    /// A run that was made to confirm another.
    Confirmed {
        /// Of which check.
        check: String,
        /// Whether it passed.
        passed: bool,
        /// Why not.
        cause: Option<Cause>,
    },
    /// A check is down.
    Down {
        /// Which.
        check: String,
        /// Why.
        cause: Option<Cause>,
    },
    /// A check is up again.
    Up {
        /// Which.
        check: String,
    },
    /// A check says nothing any more: it was down when it was last seen.
    NotSeen {
        /// Which.
        check: String,
    },
    /// A check was taken out of the config.
    Removed {
        /// Which.
        check: String,
    },
    /// The monitor cannot tell good from bad.
    Blind {
        /// Why.
        why: String,
    },
    /// It sees again.
    Sees,
    /// Something was changed.
    Change {
        /// Where that is known from.
        source: ChangeSource,
        /// What.
        what: String,
        /// By whom.
        who: Option<String>,
    },
    /// A minute of the users: one that was bad, or that says something else than the one before.
    Users {
        /// How they fared.
        users: Users,
        /// What that says together with the probes.
        correlation: Correlation,
        /// Conversations that ended or failed.
        ended: u32,
        /// Those that failed.
        failed: u32,
    },
    /// The incident was opened.
    Opened {
        /// As what.
        trouble: Trouble,
        /// How bad.
        severity: Severity,
    },
    /// It went on within five minutes of its end.
    Reopened {
        /// As what.
        trouble: Trouble,
    },
    /// It is another trouble, or worse or better, or somebody else's.
    Changed {
        /// What it is now.
        trouble: Trouble,
        /// How bad it is now.
        severity: Severity,
        /// Whose it is now.
        whose: Whose,
    },
    /// Somebody was told.
    Notified {
        /// Who, by the name in the config.
        target: String,
        /// Of what.
        event: Event,
    },
    /// It was closed.
    Closed {
        /// Why.
        why: Ended,
    },
}

/// Entries in the order in which they became known; those in the middle are left out beyond a
/// number.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Timeline {
    entries: Vec<Entry>,
    /// How many were left out.
    pub omitted: u64,
}

impl Timeline {
    /// Adds an entry, once.
    pub fn add(&mut self, at: Timestamp, what: What) -> bool {
        let entry = Entry { at, what };
        if self.entries.contains(&entry) {
            return false;
        }
        self.entries.push(entry);
        if self.entries.len() > FIRST + LAST {
            self.entries.remove(FIRST);
            self.omitted += 1;
        }
        true
    }

    /// Takes an entry out again; gives whether it was there.
    pub fn remove(&mut self, at: Timestamp, what: What) -> bool {
        let (entry, before) = (Entry { at, what }, self.entries.len());
        self.entries.retain(|known| *known != entry);
        self.entries.len() < before
    }

    /// In the order in which they became known.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let mut timeline = Timeline::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        for second in 0..1000 {
            assert!(timeline.add(at(second), What::Sees));
            assert!(!timeline.add(at(second), What::Sees));
        }
        assert_eq!((timeline.entries.len(), timeline.omitted), (500, 500));
        assert_eq!(timeline.entries[299].at, at(299));
        assert_eq!(timeline.entries[300].at, at(800));
    }
}

//! What was read and heard of the organisation, and why more was not.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use crate::event::key::Key;
use crate::genesys::channel::backlog::Gap;
use crate::genesys::channel::topic::Fault;
use crate::genesys::statuspage::Summary;

/// Gaps that are shown.
const MAX_GAPS: usize = 16;

/// A word, and a sentence.
pub type Trouble = (&'static str, String);

/// What is asked again and again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Feed {
    /// When it was answered last.
    pub read_at: Option<Timestamp>,
    /// How much it was then.
    pub count: u64,
    /// Why it is not answered now.
    pub trouble: Option<Trouble>,
}

/// The public status page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusPage {
    /// When it was read last.
    pub read_at: Option<Timestamp>,
    /// What it said then of the region.
    pub summary: Option<Arc<Summary>>,
    /// Why it cannot be read now.
    pub trouble: Option<Trouble>,
}

/// The notification channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channel {
    /// Whether a socket is open.
    pub connected_at: Option<Timestamp>,
    /// When the last frame came.
    pub last_frame_at: Option<Timestamp>,
    /// Why there is no socket.
    pub trouble: Option<Trouble>,
    /// What is subscribed to.
    pub topics: Vec<Key>,
    /// What is not, and why.
    pub faults: BTreeMap<Key, Fault>,
    /// Times in which events may have been missed, oldest first.
    pub gaps: VecDeque<Missed>,
}

/// A time in which events may have been missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// When.
    pub gap: Gap,
    /// How many of them were found since.
    pub found: u64,
    /// Whether that is all there were; none where it was not asked for yet.
    pub whole: Option<Result<bool, String>>,
}

impl Feed {
    /// It was answered.
    pub fn succeeded(&mut self, now: Timestamp, count: usize) {
        *self = Self { read_at: Some(now), count: count as u64, trouble: None };
    }

    /// It was not.
    pub fn failed(&mut self, code: &'static str, why: String) {
        self.trouble = Some((code, why));
    }
}

impl StatusPage {
    /// It was read.
    pub fn read(&mut self, now: Timestamp) {
        (self.read_at, self.trouble) = (Some(now), None);
    }
}

impl Channel {
    /// A socket is open.
    pub fn opened(&mut self, now: Timestamp) {
        (self.connected_at, self.trouble) = (Some(now), None);
    }

    /// It is not.
    pub fn failed(&mut self, code: &'static str, why: String) {
        (self.connected_at, self.trouble) = (None, Some((code, why)));
    }

    /// Events may have been missed.
    pub fn missed(&mut self, gap: Gap) {
        self.gaps.push_back(Missed { gap, found: 0, whole: None });
        if self.gaps.len() > MAX_GAPS {
            self.gaps.pop_front();
        }
    }

    /// They were asked for.
    pub fn filled(&mut self, gap: &Gap, found: u64, whole: Result<bool, String>) {
        if let Some(missed) = self.gaps.iter_mut().find(|missed| missed.gap == *gap) {
            (missed.found, missed.whole) = (found, Some(whole));
        }
    }
}

/// Whether the log does not have this trouble yet.
pub fn is_news(before: &Option<Trouble>, code: &str) -> bool {
    before.as_ref().is_none_or(|(known, _)| *known != code)
}

//! So many within so long.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// What happened within the last while, up to a number.
#[derive(Debug, Clone)]
pub struct Window {
    /// So many may.
    pub most: usize,
    /// Within so long.
    pub length: SignedDuration,
    passed: VecDeque<Timestamp>,
}

impl Window {
    /// Nothing has happened.
    pub fn new(most: usize, length: SignedDuration) -> Self {
        Self { most, length, passed: VecDeque::new() }
    }

    /// The same, within a minute.
    pub fn minute(most: usize) -> Self {
        Self::new(most, SignedDuration::from_mins(1))
    }

    /// Whether one more may; it counts where it may.
    pub fn takes(&mut self, now: Timestamp) -> bool {
        self.forget(now);
        let takes = self.passed.len() < self.most;
        if takes {
            self.passed.push_back(now);
        }
        takes
    }

    /// How many count now.
    pub fn count(&mut self, now: Timestamp) -> usize {
        self.forget(now);
        self.passed.len()
    }

    /// Whole seconds until one less counts, rounded up.
    pub fn seconds_left(&self, now: Timestamp) -> i64 {
        let oldest = self.passed.front().copied().unwrap_or(now);
        let left = (self.length - now.duration_since(oldest)).as_millis();
        (i64::try_from(left).unwrap_or(0).max(0) + 999) / 1000
    }

    fn forget(&mut self, now: Timestamp) {
        while self.passed.front().is_some_and(|first| now.duration_since(*first) >= self.length) {
            self.passed.pop_front();
        }
    }
}

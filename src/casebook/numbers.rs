//! What the casebook counts for `/metrics`.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use super::tables::Whose;

/// Counts since the daemon began, and how far the casebook is behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Numbers {
    /// Of each endpoint that takes users; and of those of whom nothing tells whose they are.
    pub endpoints: BTreeMap<Whose, Counted>,
    /// How long ago the last one arrived that something was made of, while others wait.
    pub lag: Duration,
}

/// Counts of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Conversations that ended, in the order of `Outcome::ALL`.
    pub conversations: [u64; 3],
    /// Windows as they were judged first, in the order of `Correlation::ALL`.
    pub windows: [u64; 5],
    /// Windows that turned out otherwise.
    pub revised: u64,
    /// Minutes in which users failed unseen, each once.
    pub blind_spots: u64,
    /// Minutes in which probes failed alone, each once.
    pub false_alarms: u64,
}

impl AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        let add = |to: &mut [u64], from: &[u64]| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        };
        add(&mut self.conversations, &other.conversations);
        add(&mut self.windows, &other.windows);
        self.revised += other.revised;
        self.blind_spots += other.blind_spots;
        self.false_alarms += other.false_alarms;
    }
}

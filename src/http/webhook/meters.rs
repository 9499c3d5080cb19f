//! The numbers of one receiver. They are there from its begin, so that a first event is a rise.

use metrics::{Counter, counter};

use super::answer::Rejection;
use crate::inbox::meters::{self, Received};

/// What a receiver counts.
#[derive(Debug)]
pub struct Meters {
    taken: meters::Meters,
    rejected: Vec<(&'static str, Counter)>,
}

impl Meters {
    /// Those of a receiver of this name.
    pub fn new(source: &str) -> Self {
        let rejected = |reason: &'static str| counter!("watchpost_events_rejected_total", "source" => source.to_owned(), "reason" => reason);
        let rejected = Rejection::REASONS.iter().map(|reason| (*reason, rejected(reason)));
        let meters = Self { taken: meters::Meters::new(source), rejected: rejected.collect() };
        for (_, counter) in &meters.rejected {
            counter.increment(0);
        }
        meters
    }

    /// An event was taken in.
    pub fn received(&self, event: Received) {
        self.taken.received(event);
    }

    /// A request was not taken in.
    pub fn rejected(&self, rejection: Rejection) {
        let reason = rejection.reason();
        if let Some((_, counter)) = self.rejected.iter().find(|(known, _)| *known == reason) {
            counter.increment(1);
        }
    }
}

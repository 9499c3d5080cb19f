//! How many connections a minute a deployment is given, over everything that knocks at it: the
//! limit that stands behind this is shared with real customers.

use std::collections::{HashMap, HashSet, VecDeque};

use tokio::time::{Duration, Instant};

use crate::event::key::Key;

const MINUTE: Duration = Duration::from_secs(60);

/// The connections of every deployment.
#[derive(Debug, Default)]
pub struct Budget {
    /// When each of the last minute's was taken, the earliest first.
    taken: HashMap<Key, VecDeque<Instant>>,
}

impl Budget {
    /// Takes one connection, where there is one left: no minute has more than this, whenever it
    /// begins. A bucket that fills would give nearly twice as many in its first.
    pub fn take(&mut self, deployment: &Key, per_minute: u32, now: Instant) -> bool {
        let taken = self.taken.entry(deployment.clone()).or_default();
        let is_over = |at: &Instant| now.saturating_duration_since(*at) >= MINUTE;
        while taken.front().is_some_and(is_over) {
            taken.pop_front();
        }
        let enough = taken.len() < per_minute as usize;
        if enough {
            taken.push_back(now);
        }
        enough
    }

    /// Forgets all deployments but these.
    pub fn retain(&mut self, known: &HashSet<&Key>) {
        self.taken.retain(|deployment, _| known.contains(deployment));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    #[test]
    fn a_minute_has_its_worth_and_no_more() {
        let (mut budget, begin) = (Budget::default(), Instant::now());
        let mut take =
            |name, second| budget.take(&key(name), 20, begin + Duration::from_secs(second));
        assert!((0..10).all(|_| take("a", 0)) && (0..10).all(|_| take("a", 30)));
        assert!(!take("a", 59), "all of this minute's");
        assert!(take("b", 59), "each deployment has its own");
        assert!((0..10).all(|_| take("a", 60)) && !take("a", 89), "the first ten are a minute old");
        assert!((0..20).all(|_| take("a", 3600)) && !take("a", 3600), "none is saved up");
        assert!(!take("a", 1), "a clock that steps back gives nothing");
    }

    proptest! {
        /// No minute has more than its worth.
        #[test]
        fn however_it_is_asked_it_gives_no_more(steps in prop::collection::vec(0..5_000_u64, 1..300), per_minute in 1..40_u32) {
            let (mut budget, begin) = (Budget::default(), Instant::now());
            let mut now = begin;
            let mut taken = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                if budget.take(&key("a"), per_minute, now) {
                    taken.push(now);
                }
            }
            for (index, at) in taken.iter().enumerate() {
                let minute = taken[index..].iter().filter(|other| **other < *at + Duration::from_secs(60));
                prop_assert!(minute.count() <= per_minute as usize);
            }
        }
    }
}

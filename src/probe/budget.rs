//! How many connections a minute a deployment is given, over everything that knocks at it: the
//! limit that stands behind this is shared with real customers.

use std::collections::{HashMap, HashSet};

use tokio::time::{Duration, Instant};

use crate::event::key::Key;

/// The connections of every deployment.
#[derive(Debug, Default)]
pub struct Budget {
    purses: HashMap<Key, Purse>,
}

/// What is left of one deployment's.
#[derive(Debug, Clone, Copy)]
struct Purse {
    left: f64,
    at: Instant,
}

impl Budget {
    /// Takes one connection, where there is one left: a minute's worth may be saved up.
    pub fn take(&mut self, deployment: &Key, per_minute: u32, now: Instant) -> bool {
        let most = f64::from(per_minute);
        let full = Purse { left: most, at: now };
        let purse = self.purses.entry(deployment.clone()).or_insert(full);
        let passed = now.saturating_duration_since(purse.at).as_secs_f64();
        let left = (purse.left + passed * most / Duration::from_secs(60).as_secs_f64()).min(most);
        let enough = left >= 1.0;
        *purse = Purse { left: if enough { left - 1.0 } else { left }, at: purse.at.max(now) };
        enough
    }

    /// Forgets all deployments but these.
    pub fn retain(&mut self, known: &HashSet<&Key>) {
        self.purses.retain(|deployment, _| known.contains(deployment));
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
    fn a_minutes_worth_is_there_and_fills_again() {
        let (mut budget, begin) = (Budget::default(), Instant::now());
        let mut take =
            |name, second| budget.take(&key(name), 20, begin + Duration::from_secs(second));
        assert!((0..20).all(|_| take("a", 0)) && !take("a", 0));
        assert!(take("b", 0), "each deployment has its own");
        assert!(!take("a", 2) && take("a", 3) && !take("a", 3), "one in three seconds");
        assert!((0..20).all(|_| take("a", 3600)) && !take("a", 3600), "no more is saved up");
        assert!(!take("a", 1), "a clock that steps back gives nothing");
    }

    proptest! {
        /// In no minute there are more than a minute's worth beside what was saved up.
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
                prop_assert!(minute.count() <= 2 * per_minute as usize);
            }
        }
    }
}

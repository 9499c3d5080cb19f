//! Whether a call is tried again, and when. Pure: time and chance are passed in.

use std::time::Duration;

use tokio::time::Instant;

use super::Kind;

/// What the first wait is at the most; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// What any is at the most.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Longest that is added where the server said how long to wait, so that not all come back at once.
const SPREAD: Duration = Duration::from_millis(250);

/// The share of calls that may be repeated.
const PER_CALL: f64 = 0.1;

/// As many may be repeated without any calls before them, and so many in a row.
const RESERVE: f64 = 3.0;

/// No more than these are saved up.
const MAX_SAVED: f64 = 10.0;

/// Time in which one more may be repeated, however few calls there are.
const ONE_IN: Duration = Duration::from_secs(30);

/// How long to wait before the next try; `None` where there must be none. `asked` is what the server
/// said, `attempt` counts from 1.
pub fn wait(
    kind: &Kind,
    asked: Option<Duration>,
    attempt: u32,
    idempotent: bool,
    chance: f64,
) -> Option<Duration> {
    let chance = chance.clamp(0.0, 1.0);
    let doubled = FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    let jittered = doubled.min(LONGEST_WAIT).mul_f64(chance);
    match kind {
        // It was not taken in, so that nothing can happen twice.
        Kind::RateLimited { wait } => Some(wait.saturating_add(SPREAD.mul_f64(chance))),
        Kind::ServerError { .. } | Kind::Network { .. } | Kind::TimedOut if idempotent => {
            Some(asked.map_or(jittered, |asked| asked.saturating_add(SPREAD.mul_f64(chance))))
        }
        _ => None,
    }
}

/// How many calls may be repeated: a share of all, so that a service that is down is not asked
/// several times as often as one that is well.
#[derive(Debug)]
pub struct Budget {
    saved: f64,
    at: Instant,
}

impl Budget {
    /// One with its reserve.
    pub fn new(now: Instant) -> Self {
        Self { saved: RESERVE, at: now }
    }

    /// A call is made.
    pub fn earn(&mut self, now: Instant) {
        self.refill(now);
        self.saved = (self.saved + PER_CALL).min(MAX_SAVED);
    }

    /// A call would be repeated: whether it may be.
    pub fn spend(&mut self, now: Instant) -> bool {
        self.refill(now);
        let enough = self.saved >= 1.0;
        if enough {
            self.saved -= 1.0;
        }
        enough
    }

    fn refill(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.at);
        self.at = self.at.max(now);
        let refilled = self.saved + since.as_secs_f64() / ONE_IN.as_secs_f64();
        // Time alone saves no more than the reserve.
        self.saved = refilled.min(RESERVE).max(self.saved);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::{prop_assert, proptest};

    use super::*;
    use crate::outcome::quoted::Quoted;

    fn failed() -> Kind {
        Kind::ServerError { said: Quoted::default() }
    }

    #[test]
    fn what_may_happen_twice_is_not_repeated() {
        let limited = Kind::RateLimited { wait: Duration::from_secs(7) };
        assert_eq!(wait(&limited, None, 1, false, 0.0), Some(Duration::from_secs(7)));
        assert_eq!(wait(&failed(), None, 1, false, 0.0), None);
        assert_eq!(wait(&failed(), None, 1, true, 1.0), Some(FIRST_WAIT));
        assert_eq!(wait(&failed(), None, 2, true, 1.0), Some(FIRST_WAIT * 2));
        assert_eq!(wait(&failed(), None, u32::MAX, true, 1.0), Some(LONGEST_WAIT));
        let asked = Some(Duration::from_secs(9));
        assert_eq!(wait(&failed(), asked, 1, true, 0.0), asked);
        for kind in [
            Kind::NotFound,
            Kind::Unauthorized,
            Kind::WrongSecret,
            Kind::TooLarge { limit: 1 },
            Kind::NotJson { why: Quoted::default() },
            Kind::Throttled { wait: Duration::ZERO },
            Kind::Conflict { said: Quoted::default() },
        ] {
            assert_eq!(wait(&kind, None, 1, true, 0.5), None, "{kind}");
        }
    }

    #[test]
    fn a_lone_call_may_be_repeated_and_a_storm_may_not() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        assert_eq!((0..10).filter(|_| budget.spend(now)).count(), 3);
        assert!(budget.spend(now + ONE_IN));
        assert!(!budget.spend(now + ONE_IN));
        // However long nothing is asked, no more than the reserve comes of it.
        let later = now + ONE_IN * 1000;
        assert_eq!((0..10).filter(|_| budget.spend(later)).count(), 3);
    }

    proptest! {
        #[test]
        fn nobody_is_asked_again_too_early(
            asked in 0_u64..4000, attempt in any::<u32>(), chance in 0.0..1.0_f64
        ) {
            let asked = Duration::from_secs(asked);
            let kind = Kind::RateLimited { wait: asked };
            let waited = wait(&kind, None, attempt, true, chance).unwrap();
            prop_assert!(waited >= asked && waited <= asked + SPREAD);
            prop_assert!(wait(&failed(), Some(asked), attempt, true, chance).unwrap() >= asked);
            prop_assert!(wait(&failed(), None, attempt, true, chance).unwrap() <= LONGEST_WAIT);
        }

        #[test]
        fn repetitions_stay_a_share_of_calls(steps in vec((any::<bool>(), 0_u64..5_000), 1..500)) {
            let mut now = Instant::now();
            let begin = now;
            let mut budget = Budget::new(now);
            let (mut calls, mut repeated) = (0.0, 0.0);
            for (call, ms) in steps {
                now += Duration::from_millis(ms);
                if call {
                    budget.earn(now);
                    calls += 1.0;
                } else if budget.spend(now) {
                    repeated += 1.0;
                }
            }
            let by_time = (now - begin).as_secs_f64() / ONE_IN.as_secs_f64();
            prop_assert!(repeated <= RESERVE + calls * PER_CALL + by_time + 1e-6);
        }
    }
}

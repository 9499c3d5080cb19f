//! Judgement over a streak of runs: up, down or not known yet. Pure.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::health_policy::HealthPolicy;
use crate::outcome::verdict::Verdict;

/// Intervals without a conclusive run after which what was known is history.
const FORGET_AFTER: u32 = 3;

/// Whether a check's expectation is met, over more than one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// No conclusive run yet, or none for three intervals. Not up, and not down.
    Unknown,
    /// Met.
    Up,
    /// Not met.
    Down,
}

impl State {
    /// By what people look first: what is wrong, then what nobody knows, then what is well.
    pub fn turn(self) -> u8 {
        match self {
            Self::Down => 0,
            Self::Unknown => 1,
            Self::Up => 2,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        })
    }
}

/// The health of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    state: State,
    /// Since when the state holds: for `Down`, since the first failure that led to it.
    since: Timestamp,
    /// Failures among the last conclusive runs, the newest in the lowest bit.
    failures: u32,
    /// How many conclusive runs there were, up to the width of the bits.
    seen: u8,
    /// Passes without a failure in between.
    passes: u8,
    /// The first failure since the last pass.
    failing_since: Option<Timestamp>,
    /// Confirm runs that are still to come.
    confirms: u8,
    /// When the last conclusive run began.
    known_at: Option<Timestamp>,
}

/// What one run did to a check's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Step {
    /// The state that was left and the one that was entered.
    pub change: Option<(State, State)>,
    /// Another run is wanted soon.
    pub confirm: bool,
}

impl Health {
    /// Nothing is known.
    pub fn unknown(now: Timestamp) -> Self {
        Self {
            state: State::Unknown,
            since: now,
            failures: 0,
            seen: 0,
            passes: 0,
            failing_since: None,
            confirms: 0,
            known_at: None,
        }
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Since when it holds.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The first failure since the last pass, if the last conclusive run failed.
    pub fn failing_since(&self) -> Option<Timestamp> {
        self.failing_since
    }

    /// Passes in a row; a check that is down is up again once there are enough of them.
    pub fn passes(&self) -> u8 {
        self.passes
    }

    /// Takes in a run. An inconclusive one changes nothing by itself: see [`Self::expire`].
    pub fn observe(&mut self, verdict: Verdict, at: Timestamp, policy: &HealthPolicy) -> Step {
        let failed = match verdict {
            Verdict::Pass => false,
            Verdict::Fail => true,
            Verdict::Inconclusive => return Step::default(),
        };
        self.known_at = Some(at);
        self.failures = (self.failures << 1) | u32::from(failed);
        self.seen = self.seen.saturating_add(1).min(HealthPolicy::MAX_WINDOW);
        let first_failure = failed && self.failing_since.is_none();
        if failed {
            self.passes = 0;
            self.failing_since.get_or_insert(at);
        } else {
            self.passes = self.passes.saturating_add(1);
            self.failing_since = None;
            self.confirms = 0;
        }

        let before = self.state;
        self.state = self.next_state(failed, policy);
        let change = (before != self.state).then(|| {
            let first_bad = (self.state == State::Down).then_some(self.failing_since).flatten();
            self.since = first_bad.unwrap_or(at);
            (before, self.state)
        });
        if first_failure && self.state != State::Down {
            self.confirms = policy.confirm_runs();
        }
        Step { change, confirm: self.take_confirm(failed) }
    }

    /// Forgets what is older than three intervals: a check whose runs have said nothing since
    /// then, or that has not run at all, is neither up nor down any more.
    pub fn expire(&mut self, now: Timestamp, interval: Duration) -> Step {
        let Some(known_at) = self.known_at else { return Step::default() };
        let age = Duration::try_from(known_at.duration_until(now));
        // A clock that went backwards proves nothing.
        if age.is_ok_and(|age| age <= interval * FORGET_AFTER) {
            return Step::default();
        }
        let before = self.state;
        *self = Self::unknown(now);
        let change = (before != State::Unknown).then_some((before, State::Unknown));
        Step { change, confirm: false }
    }

    fn next_state(&self, failed: bool, policy: &HealthPolicy) -> State {
        let window = u32::MAX >> (u32::from(HealthPolicy::MAX_WINDOW - policy.down_window()));
        let bad = (self.failures & window).count_ones();
        match self.state {
            State::Down if self.passes >= policy.up_after() => State::Up,
            State::Down => State::Down,
            _ if bad >= u32::from(policy.down_after()) => State::Down,
            State::Unknown if failed => State::Unknown,
            State::Unknown | State::Up => State::Up,
        }
    }

    fn take_confirm(&mut self, failed: bool) -> bool {
        let wanted = failed && self.state != State::Down && self.confirms > 0;
        if wanted {
            self.confirms -= 1;
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// Feeds `P`, `F` and `I`, one a second; gives the state after each.
    fn states(runs: &str, policy: &HealthPolicy) -> String {
        let mut health = Health::unknown(at(0));
        let step = |(second, run): (usize, char)| {
            let verdict = match run {
                'P' => Verdict::Pass,
                'F' => Verdict::Fail,
                _ => Verdict::Inconclusive,
            };
            health.observe(verdict, at(second as i64), policy);
            match health.state() {
                State::Unknown => '?',
                State::Up => 'u',
                State::Down => 'd',
            }
        };
        runs.chars().enumerate().map(step).collect()
    }

    #[test]
    fn down_is_three_of_the_last_five_and_up_three_in_a_row() {
        let policy = HealthPolicy::default();
        for (runs, expected) in [
            ("PPP", "uuu"),
            ("PFPF", "uuuu"),
            ("PFFF", "uuud"),
            ("PFPFPF", "uuuuud"),
            ("FFF", "??d"),
            ("FPFP", "?uuu"),
            ("PFFFPPP", "uuudddu"),
            ("PFFFPPFPPP", "uuuddddddu"),
            ("PFFPPPPPFF", "uuuuuuuuuu"),
        ] {
            assert_eq!(states(runs, &policy), expected, "{runs}");
        }
    }

    #[test]
    fn an_inconclusive_run_neither_harms_nor_heals() {
        let policy = HealthPolicy::default();
        assert_eq!(states("IIII", &policy), "????");
        assert_eq!(states("PFIFIF", &policy), "uuuuud");
        assert_eq!(states("FFFPIPIP", &policy), "??ddd ddu".replace(' ', ""));
    }

    #[test]
    fn the_widest_window_holds() {
        let policy = HealthPolicy::new(32, 32, 1, 0, Duration::from_secs(5)).unwrap();
        let runs = "F".repeat(32);
        assert!(states(&runs, &policy).ends_with("?d"));
    }

    #[test]
    fn down_is_dated_from_the_first_failure() {
        let policy = HealthPolicy::default();
        let mut health = Health::unknown(at(0));
        health.observe(Verdict::Pass, at(0), &policy);
        for second in [30, 35, 40] {
            health.observe(Verdict::Fail, at(second), &policy);
        }
        assert_eq!((health.state(), health.since()), (State::Down, at(30)));
        for second in [60, 90, 120] {
            health.observe(Verdict::Pass, at(second), &policy);
        }
        assert_eq!((health.state(), health.since()), (State::Up, at(120)));
    }

    #[test]
    fn a_first_failure_is_confirmed_twice_at_most() {
        let policy = HealthPolicy::default();
        let mut health = Health::unknown(at(0));
        let mut confirms = |verdict| health.observe(verdict, at(0), &policy).confirm;
        assert!(!confirms(Verdict::Pass));
        assert!(confirms(Verdict::Fail));
        assert!(!confirms(Verdict::Pass), "a pass ends it");
        assert!(confirms(Verdict::Fail));
        assert!(!confirms(Verdict::Fail), "that is three of five: down already");
        assert!(!confirms(Verdict::Fail), "and down wants no proof");
    }

    #[test]
    fn two_confirm_runs_make_a_dead_endpoint_down() {
        let policy = HealthPolicy::default();
        let mut health = Health::unknown(at(0));
        for _ in 0..10 {
            health.observe(Verdict::Pass, at(0), &policy);
        }
        assert!(health.observe(Verdict::Fail, at(1), &policy).confirm);
        assert!(health.observe(Verdict::Fail, at(2), &policy).confirm);
        let last = health.observe(Verdict::Fail, at(3), &policy);
        assert_eq!(last, Step { change: Some((State::Up, State::Down)), confirm: false });
    }

    #[test]
    fn what_nothing_has_confirmed_for_three_intervals_is_forgotten() {
        let policy = HealthPolicy::default();
        let interval = Duration::from_secs(30);
        for (verdict, before) in [(Verdict::Pass, State::Up), (Verdict::Fail, State::Down)] {
            let mut health = Health::unknown(at(0));
            for _ in 0..3 {
                health.observe(verdict, at(0), &policy);
            }
            assert_eq!(health.expire(at(90), interval), Step::default());
            assert_eq!(health.state(), before);
            let step = health.expire(at(91), interval);
            assert_eq!(step.change, Some((before, State::Unknown)));
            assert_eq!((health.state(), health.since()), (State::Unknown, at(91)));
            assert_eq!(health.expire(at(500), interval), Step::default(), "once is enough");
        }
    }

    #[test]
    fn a_clock_that_went_backwards_proves_nothing() {
        let mut health = Health::unknown(at(0));
        health.observe(Verdict::Pass, at(10), &HealthPolicy::default());
        health.expire(at(0), Duration::from_secs(30));
        assert_eq!(health.state(), State::Unknown);
    }
}

//! What must be seen at a door, held against what was seen. Pure.

use std::net::SocketAddr;

use crate::outcome::Outcome;
use crate::outcome::failure::Failure;
use crate::outcome::reason::Reason;
use crate::outcome::verdict::Verdict;

/// What must come of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it does not pass, where it does not.
    pub reason: Option<Reason>,
    /// Whom it must have dialled.
    pub address: SocketAddr,
}

/// How a door was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// As it is.
    Right,
    /// Otherwise: how.
    Wrong(String),
    /// Not at all.
    Nothing,
}

/// Judges a run; `visited` is whether the door has seen anybody meanwhile.
///
/// A run that this machine had no time or no descriptor for tells nothing: it says so itself, and
/// so do the runs of endpoints.
pub fn seen(expected: &Expected, outcome: &Outcome, visited: bool) -> Seen {
    let seen = (outcome.verdict, outcome.failure.as_ref().map(Failure::reason));
    // A page that is refused is held against another run.
    let root = match &outcome.failure {
        Some(Failure::ControlFailed { failure, .. }) => Some(failure.reason()),
        _ => seen.1,
    };
    let ours = matches!(root, Some(Reason::MonitorLag | Reason::LocalExhaustion));
    if ours && outcome.verdict == Verdict::Inconclusive {
        return Seen::Nothing;
    }
    if seen != (expected.verdict, expected.reason) {
        let wanted = told(expected.verdict, expected.reason);
        return Seen::Wrong(format!("{} where it must be {wanted}", told(seen.0, seen.1)));
    }
    if outcome.observation.address != Some(expected.address) {
        return Seen::Wrong("another address was dialled".to_owned());
    }
    if visited { Seen::Right } else { Seen::Wrong("nobody came to the door".to_owned()) }
}

fn told(verdict: Verdict, reason: Option<Reason>) -> String {
    match reason {
        Some(reason) => format!("{} ({reason})", verdict.as_str()),
        None => verdict.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::outcome::Observation;
    use crate::outcome::phase::Phase;

    fn outcome(verdict: Verdict, failure: Option<Failure>, port: u16) -> Outcome {
        let address = Some(SocketAddr::from(([127, 0, 0, 1], port)));
        let observation = Observation { address, ..Observation::default() };
        let started_at = Timestamp::UNIX_EPOCH;
        Outcome { started_at, observation, verdict, failure, remarks: Vec::new() }
    }

    fn wanted(verdict: Verdict, reason: Option<Reason>) -> Expected {
        Expected { verdict, reason, address: SocketAddr::from(([127, 0, 0, 1], 1)) }
    }

    #[test]
    fn verdict_reason_address_and_visit_must_all_be_right() {
        let refused = || outcome(Verdict::Fail, Some(Failure::ConnectionRefused), 1);
        let wanted_refused = wanted(Verdict::Fail, Some(Reason::ConnectionRefused));
        assert_eq!(seen(&wanted_refused, &refused(), true), Seen::Right);
        assert!(matches!(seen(&wanted_refused, &refused(), false), Seen::Wrong(_)));
        for wrong in [
            outcome(Verdict::Pass, None, 1),
            outcome(Verdict::Fail, Some(Failure::NotTls), 1),
            outcome(Verdict::Inconclusive, Some(Failure::ConnectionRefused), 1),
            outcome(Verdict::Fail, Some(Failure::ConnectionRefused), 2),
        ] {
            assert!(matches!(seen(&wanted_refused, &wrong, true), Seen::Wrong(_)), "{wrong:?}");
        }
        let told = "fail (connection_refused) where it must be pass".to_owned();
        assert_eq!(seen(&wanted(Verdict::Pass, None), &refused(), true), Seen::Wrong(told));
    }

    #[test]
    fn a_run_that_had_no_time_tells_nothing() {
        let stalled = Duration::from_secs(1);
        let lag = Failure::MonitorLag { phase: Phase::Upgrade, stalled };
        let lagged = |verdict| outcome(verdict, Some(lag.clone()), 1);
        let expected = wanted(Verdict::Pass, None);
        assert_eq!(seen(&expected, &lagged(Verdict::Inconclusive), true), Seen::Nothing);
        assert!(matches!(seen(&expected, &lagged(Verdict::Fail), true), Seen::Wrong(_)));
    }
}

//! What our own lag spoils: a run that this process had no time for says little about its target.

use std::time::Duration;

use super::failure::Failure;

/// The share of a timeout that the target must have had to itself.
const OURS_AT_MOST: u32 = 10;

/// A failure that may be ours, where this process was held up for a tenth of the timeout.
///
/// A peer that answered wrongly did so whatever we were doing. A peer that did not answer in
/// time, or gave up, may have done so because of us.
pub fn excuse(failure: Failure, stalled: Duration, timeout: Duration) -> Failure {
    let phase = match failure {
        Failure::TimedOut(phase) | Failure::Reset(phase) | Failure::Closed(phase) => phase,
        Failure::Io { phase, .. } => phase,
        other => return other,
    };
    if stalled >= timeout / OURS_AT_MOST { Failure::MonitorLag { phase, stalled } } else { failure }
}

/// Whether the times of a run are those of its target: even a short stall lies in one of them.
pub fn times_hold(stalled: Duration) -> bool {
    stalled.is_zero()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::phase::Phase;

    const TIMEOUT: Duration = Duration::from_secs(5);

    #[test]
    fn who_was_held_up_for_a_tenth_of_the_time_accuses_nobody() {
        let failures = [
            Failure::TimedOut(Phase::Upgrade),
            Failure::Reset(Phase::Tls),
            Failure::Closed(Phase::Tls),
            Failure::Io { phase: Phase::Tls, kind: std::io::ErrorKind::WriteZero },
        ];
        for failure in failures {
            let just = TIMEOUT / 10;
            let phase = failure.phase().unwrap();
            let less = just - Duration::from_micros(1);
            assert_eq!(excuse(failure.clone(), less, TIMEOUT), failure);
            assert_eq!(
                excuse(failure, just, TIMEOUT),
                Failure::MonitorLag { phase, stalled: just }
            );
        }
    }

    #[test]
    fn a_wrong_answer_stays_wrong() {
        assert_eq!(excuse(Failure::NotTls, TIMEOUT, TIMEOUT), Failure::NotTls);
    }
}

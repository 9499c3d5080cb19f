//! How often a check runs, and how long a run may take.

use std::time::Duration;

/// An interval and a timeout that fits inside it, so that runs of one check cannot overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    interval: Duration,
    timeout: Duration,
}

impl Cadence {
    /// The shortest interval: anything faster is a load test.
    pub const MIN_INTERVAL: Duration = Duration::from_secs(1);
    /// The longest interval: a check that runs less than daily watches nothing.
    pub const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
    /// The shortest timeout: below it our own scheduling would decide.
    pub const MIN_TIMEOUT: Duration = Duration::from_millis(100);
    /// The longest timeout, which is also the top of the latency histograms.
    pub const MAX_TIMEOUT: Duration = Duration::from_secs(60);

    /// Both values in their ranges, the timeout shorter than the interval.
    pub fn new(interval: Duration, timeout: Duration) -> Result<Self, CadenceError> {
        if !(Self::MIN_INTERVAL..=Self::MAX_INTERVAL).contains(&interval) {
            return Err(CadenceError::Interval);
        }
        if !(Self::MIN_TIMEOUT..=Self::MAX_TIMEOUT).contains(&timeout) {
            return Err(CadenceError::Timeout);
        }
        if timeout >= interval {
            return Err(CadenceError::TimeoutNotBelowInterval { interval });
        }
        Ok(Self { interval, timeout })
    }

    /// Time between the slots of a check.
    pub fn interval(self) -> Duration {
        self.interval
    }

    /// Time after which a run is cut off.
    pub fn timeout(self) -> Duration {
        self.timeout
    }
}

/// Why two durations make no cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CadenceError {
    /// Out of range.
    #[error("an interval is between 1s and 24h")]
    Interval,
    /// Out of range.
    #[error("a timeout is between 100ms and 60s")]
    Timeout,
    /// The next run would be due before this one is given up.
    #[error("the timeout must be shorter than the interval ({interval:?})")]
    TimeoutNotBelowInterval {
        /// The interval that the timeout does not fit into.
        interval: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_timeout_fits_inside_its_interval() {
        assert!(Cadence::new(ms(1_000), ms(999)).is_ok());
        let error = CadenceError::TimeoutNotBelowInterval { interval: ms(1_000) };
        assert_eq!(Cadence::new(ms(1_000), ms(1_000)), Err(error));
    }

    #[test]
    fn both_ends_of_each_range_hold() {
        assert_eq!(Cadence::new(ms(999), ms(500)), Err(CadenceError::Interval));
        assert_eq!(Cadence::new(ms(86_400_001), ms(500)), Err(CadenceError::Interval));
        assert_eq!(Cadence::new(ms(90_000), ms(99)), Err(CadenceError::Timeout));
        assert_eq!(Cadence::new(ms(90_000), ms(60_001)), Err(CadenceError::Timeout));
        assert!(Cadence::new(ms(86_400_000), ms(60_000)).is_ok());
    }
}

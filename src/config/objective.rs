//! What an SLO allows of the runs of an endpoint, and how few failures page by it. Pure.

use std::time::Duration;

use crate::check::Check;
use crate::check::origin::Expect;

/// How much faster than a month allows it the budget goes when the first alert pages: 2 % of a
/// month's budget in an hour (SRE workbook, chapter 5).
const FASTEST_BURN: f64 = 14.4;

/// Fewest failed runs that may page.
pub const FEWEST: u64 = 3;

/// An SLO, and the runs that it is counted over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// The share of runs that must pass.
    pub slo: f64,
    /// Checks that count.
    pub checks: usize,
    /// Their runs in an hour.
    pub runs_an_hour: f64,
}

impl Objective {
    /// Of the checks of one endpoint. A page that must be kept out is no availability.
    pub fn of(slo: f64, checks: &[&Check]) -> Self {
        let counted = checks.iter().filter(|check| check.expect() == Expect::Allow);
        let runs = counted.clone().map(|check| 3600.0 / check.cadence.interval().as_secs_f64());
        Self { slo, checks: counted.count(), runs_an_hour: runs.sum() }
    }

    /// How many failed runs of one hour trip the alert that burns fastest.
    pub fn failures_to_page(&self) -> u64 {
        // What is as much as the threshold does not exceed it, however the digits fall.
        (self.runs_an_hour * FASTEST_BURN * (1.0 - self.slo) + 1e-9).floor() as u64 + 1
    }

    /// The highest SLO, to a hundredth of a percent, by which no fewer than [`FEWEST`] page.
    pub fn slo_that_does(&self) -> Option<f64> {
        let budget = (FEWEST - 1) as f64 / (FASTEST_BURN * self.runs_an_hour);
        let slo = ((1.0 - budget) * 10_000.0 + 1e-9).floor() / 10_000.0;
        (slo > 0.0).then_some(slo)
    }

    /// The longest interval in whole seconds by which no fewer than [`FEWEST`] page.
    pub fn interval_that_does(&self) -> Option<Duration> {
        let runs = (FEWEST - 1) as f64 / (FASTEST_BURN * (1.0 - self.slo));
        let seconds = (3600.0 * self.checks as f64 / runs + 1e-9).floor();
        (seconds >= 1.0).then(|| Duration::from_secs(seconds as u64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};

    use super::*;

    fn objective(slo: f64, interval: u64, checks: usize) -> Objective {
        Objective { slo, checks, runs_an_hour: 3600.0 * checks as f64 / interval as f64 }
    }

    #[test]
    fn failures_to_page_follow_the_burn_rate() {
        // One series, by interval in seconds: the table that was derived by hand.
        for (slo, interval, failures) in [
            (0.999, 60, 1),
            (0.999, 30, 2),
            (0.999, 15, 4),
            (0.999, 10, 6),
            (0.995, 60, 5),
            (0.995, 30, 9),
            (0.995, 15, 18),
            (0.99, 60, 9),
            (0.99, 30, 18),
        ] {
            assert_eq!(
                objective(slo, interval, 1).failures_to_page(),
                failures,
                "{slo} {interval}"
            );
        }
        // 5 of 125 are as much as 0.04: not more.
        assert_eq!(objective(1.0 - 0.04 / 14.4, 144, 5).failures_to_page(), 6);
    }

    proptest! {
        #[test]
        fn what_is_proposed_is_enough_and_no_more_than_that(
            slo in 0.5_f64..0.9999, interval in 1_u64..86_400, checks in 1_usize..50,
        ) {
            let asked = objective(slo, interval, checks);
            if let Some(slo) = asked.slo_that_does() {
                prop_assert!(Objective { slo, ..asked }.failures_to_page() >= FEWEST, "{slo}");
                let higher = Objective { slo: slo + 0.0002, ..asked };
                prop_assert!(slo >= 0.9998 || higher.failures_to_page() < FEWEST, "{higher:?}");
            }
            if let Some(interval) = asked.interval_that_does() {
                let interval = interval.as_secs();
                prop_assert!(objective(slo, interval, checks).failures_to_page() >= FEWEST);
                prop_assert!(objective(slo, interval + 1, checks).failures_to_page() < FEWEST);
            }
        }
    }
}

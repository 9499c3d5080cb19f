//! Latency of an endpoint's probe: one HDR histogram for each phase, passes and failures apart.

use std::time::Duration;

use hdrhistogram::Histogram;
use jiff::Timestamp;

use super::row::{Row, RunResult};
use crate::outcome::phase::Phase;

/// Significant digits: 1 % of the value at worst.
const DIGITS: u8 = 2;

/// Highest value that is told apart; runs are cut off before.
const MAX_MICROS: u64 = 120_000_000;

/// Everything that was ever measured of one endpoint and probe, over all origins.
#[derive(Debug, Clone, Default)]
pub struct Latency {
    cells: Vec<Cell>,
}

/// One phase, of runs with one result.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The phase.
    pub phase: Phase,
    /// How the runs ended: success or failure.
    pub result: RunResult,
    /// In microseconds. Grows with its highest value: a quick phase takes 1 KB.
    pub histogram: Histogram<u32>,
    /// The exact sum, which a histogram does not keep.
    pub sum: Duration,
    /// When the first of its runs began; unknown of a cell that was kept over a restart.
    pub since: Option<Timestamp>,
}

impl Cell {
    /// A cell with nothing in it.
    pub fn new(phase: Phase, result: RunResult) -> Self {
        let histogram = Histogram::new(DIGITS)
            .unwrap_or_else(|error| unreachable!("{DIGITS} digits are legal: {error:?}"));
        Self { phase, result, histogram, sum: Duration::ZERO, since: None }
    }

    fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(MAX_MICROS).clamp(1, MAX_MICROS);
        // It grows by itself, up to the clamp.
        if let Err(error) = self.histogram.record(micros) {
            unreachable!("{micros} us is within every bound: {error:?}");
        }
        self.sum += time;
    }
}

impl Latency {
    /// Takes in every phase of a run, also the one that it timed out in: a histogram of passes
    /// alone would improve during an outage. What says nothing about the endpoint stays out.
    pub fn add(&mut self, row: &Row) {
        if row.times_count() {
            for (phase, time) in row.phases.iter() {
                let cell = self.cell(phase, row.result);
                if cell.histogram.is_empty() {
                    cell.since = Some(row.at);
                }
                cell.add(time);
            }
        }
    }

    /// Puts a cell back as it was kept.
    pub fn restore(&mut self, cell: Cell) {
        let place = self.cell(cell.phase, cell.result);
        *place = cell;
    }

    /// What there is, in the order of phases.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    fn cell(&mut self, phase: Phase, result: RunResult) -> &mut Cell {
        let place =
            self.cells.binary_search_by_key(&(phase, result), |cell| (cell.phase, cell.result));
        let index = place.unwrap_or_else(|index| {
            self.cells.insert(index, Cell::new(phase, result));
            index
        });
        self.cells.get_mut(index).unwrap_or_else(|| unreachable!("found or put there"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::phase::PhaseTimes;
    use crate::schedule::slot::{Purpose, Slot};

    fn row(result: RunResult, purpose: Purpose, millis: u64) -> Row {
        let planned = Timestamp::from_second(1_800_000_000).unwrap();
        let mut phases = PhaseTimes::default();
        phases.set(Phase::Connect, Duration::from_millis(millis));
        Row { result, phases, ..Row::blank(Slot { number: 1, planned, purpose }) }
    }

    #[test]
    fn a_histogram_grows_to_whatever_comes() {
        let mut latency = Latency::default();
        for millis in [0, 1, 40, 5_000, 60_000, 10_000_000] {
            latency.add(&row(RunResult::Success, Purpose::Scheduled, millis));
        }
        let [cell] = latency.cells() else { panic!("one phase, one result") };
        assert_eq!(cell.histogram.len(), 6);
        for (quantile, millis) in [(0.5, 40.0), (0.66, 5_000.0), (0.8, 60_000.0), (1.0, 120_000.0)]
        {
            let found = cell.histogram.value_at_quantile(quantile) as f64 / 1e3;
            assert!((found / millis - 1.0).abs() < 0.01, "{quantile}: {found} ms");
        }
        assert_eq!(cell.sum, Duration::from_millis(10_065_041));
    }

    #[test]
    fn passes_and_failures_are_apart_and_the_rest_is_out() {
        let mut latency = Latency::default();
        latency.add(&row(RunResult::Failure, Purpose::Scheduled, 5_000));
        latency.add(&row(RunResult::Success, Purpose::Scheduled, 1));
        latency.add(&row(RunResult::Inconclusive, Purpose::Scheduled, 1));
        latency.add(&row(RunResult::Success, Purpose::Confirm, 1));
        let held_up = row(RunResult::Success, Purpose::Scheduled, 1);
        latency.add(&Row { stalled: Duration::from_millis(10), ..held_up });
        let counts: Vec<_> =
            latency.cells().iter().map(|cell| (cell.result, cell.histogram.len())).collect();
        assert_eq!(counts, [(RunResult::Success, 1), (RunResult::Failure, 1)]);
    }

    #[test]
    fn counting_begins_with_the_first_run_unless_that_was_before_a_restart() {
        let mut latency = Latency::default();
        let first = row(RunResult::Success, Purpose::Scheduled, 1);
        let later = Row { at: first.at + Duration::from_secs(60), ..first.clone() };
        latency.add(&first);
        latency.add(&later);
        assert_eq!(latency.cells()[0].since, Some(first.at));
        let kept = Cell { since: None, ..latency.cells()[0].clone() };
        latency.restore(kept);
        latency.add(&later);
        assert_eq!(latency.cells()[0].since, None);
    }
}

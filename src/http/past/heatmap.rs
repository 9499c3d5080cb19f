//! How long the runs of a probe took, half hour by half hour: an HDR histogram for each.

use hdrhistogram::Histogram;
use jiff::Timestamp;
use serde::Serialize;

use super::part;
use crate::record::store::past::{Past, Span};

/// Columns of a day: half hours.
pub const COLUMNS: usize = 48;

/// Upper ends of the bands, in microseconds: steps that the eye knows, four to a decade at most.
pub const BANDS: [u64; 16] = [
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    30_000_000,
    120_000_000,
];

/// A day of an endpoint's probe, over all its pages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Heatmap {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
    /// Upper ends of the bands, in seconds.
    pub bands: Vec<f64>,
    /// Equal parts of the time, the oldest first.
    pub columns: Vec<Column>,
}

/// The runs of a half hour.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// When it begins.
    pub at: Timestamp,
    /// How many took so long, band by band.
    pub runs: Vec<u64>,
    /// Half took no longer, in seconds; none without runs.
    pub p50: Option<f64>,
    /// Nineteen of twenty took no longer.
    pub p95: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

impl Heatmap {
    /// Of what the checks of a probe did in a span.
    pub fn of<'a>(pasts: impl IntoIterator<Item = &'a Past>, span: Span) -> Self {
        let blank = || {
            Histogram::<u32>::new(2).unwrap_or_else(|error| unreachable!("two digits: {error:?}"))
        };
        let mut histograms: Vec<_> = (0..COLUMNS).map(|_| blank()).collect();
        let top = BANDS.last().copied().unwrap_or(u64::MAX);
        let rows = pasts.into_iter().flat_map(|past| &past.rows);
        for row in rows.filter(|row| row.times_count()) {
            let micros = row.phases.iter().map(|(_, time)| time.as_micros()).sum::<u128>();
            let micros = u64::try_from(micros).unwrap_or(top).clamp(1, top);
            let place = part(span, COLUMNS, row.at).and_then(|index| histograms.get_mut(index));
            if let Some(histogram) = place {
                // It grows by itself, up to the clamp.
                if let Err(error) = histogram.record(micros) {
                    unreachable!("{micros} us is within every bound: {error:?}");
                }
            }
        }
        let width = span.from.duration_until(span.to) / i32::try_from(COLUMNS).unwrap_or(1);
        let columns = histograms.iter().zip(0..).map(|(histogram, index): (_, i32)| Column {
            at: span.from.saturating_add(width * index).unwrap_or(span.from),
            runs: bands(histogram),
            p50: quantile(histogram, 0.5),
            p95: quantile(histogram, 0.95),
            max: quantile(histogram, 1.0),
        });
        let columns = columns.collect();
        let bands = BANDS.map(|micros| micros as f64 / 1e6).to_vec();
        Self { from: span.from, to: span.to, bands, columns }
    }

    /// The bands in which there are runs, from the first to the last.
    pub fn used(&self) -> Option<(usize, usize)> {
        let used = |band: &usize| {
            self.columns.iter().any(|column| column.runs.get(*band).is_some_and(|runs| *runs > 0))
        };
        let mut bands = (0..BANDS.len()).filter(used);
        let first = bands.next()?;
        Some((first, bands.next_back().unwrap_or(first)))
    }

    /// The most runs in one field.
    pub fn most(&self) -> u64 {
        self.columns.iter().flat_map(|column| column.runs.iter().copied()).max().unwrap_or(0)
    }
}

/// Each bucket of a histogram is in the band of its lowest value: none is counted twice.
fn bands(histogram: &Histogram<u32>) -> Vec<u64> {
    let mut runs = vec![0; BANDS.len()];
    for bucket in histogram.iter_recorded() {
        let micros = histogram.lowest_equivalent(bucket.value_iterated_to());
        let band = BANDS.partition_point(|end| *end < micros);
        if let Some(runs) = runs.get_mut(band) {
            *runs += u64::from(bucket.count_at_value());
        }
    }
    runs
}

fn quantile(histogram: &Histogram<u32>, quantile: f64) -> Option<f64> {
    (!histogram.is_empty()).then(|| histogram.value_at_quantile(quantile) as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{day, tests};
    use super::*;
    use crate::outcome::phase::{Phase, PhaseTimes};
    use crate::record::row::{Row, RunResult};

    fn row(minutes_ago: i64, millis: u64, result: RunResult) -> Row {
        let mut phases = PhaseTimes::default();
        phases.set(Phase::Connect, Duration::from_millis(millis) / 2);
        phases.set(Phase::Upgrade, Duration::from_millis(millis) / 2);
        Row { phases, ..tests::row(minutes_ago, result) }
    }

    #[test]
    fn every_run_is_in_one_field_whatever_it_took() {
        use RunResult::{Failure, Inconclusive, Success};
        let times = [0, 1, 4, 30, 90, 700, 1_999, 60_000, 10_000_000];
        let mut rows: Vec<_> = times.iter().map(|millis| row(10, *millis, Success)).collect();
        rows.push(row(700, 30, Failure));
        rows.push(row(10, 30, Inconclusive));
        let map = Heatmap::of(&[Past { rows, cut: false }], day(tests::now()));
        let all: u64 = map.columns.iter().flat_map(|column| &column.runs).sum();
        assert_eq!(all, 10, "what says nothing about the endpoint is not in it");
        let last = map.columns.last().unwrap();
        assert_eq!(last.runs.iter().sum::<u64>(), 9);
        assert!((last.p50.unwrap() / 0.09 - 1.0).abs() < 0.02, "{last:?}");
        assert_eq!(map.used(), Some((0, BANDS.len() - 1)));
        assert_eq!(map.columns.first().unwrap().p50, None);
        assert_eq!(Heatmap::of(&[], day(tests::now())).used(), None);
    }
}

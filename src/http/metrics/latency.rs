//! The histograms: classic and exponential buckets, counted out of the HDR histograms.

use crate::http::exposition::{Exposition, Format, Histogram, Kind, Native};
use crate::record::latency::Cell;
use crate::record::snapshot::Snapshot;

/// Upper bounds in seconds.
///
/// Half a millisecond tells loopback from a network; the usual SLO thresholds from 100 ms to 5 s
/// are all there, because a bound that is not a bucket gives no answer; 10 s and 30 s hold the
/// timeouts.
pub const BOUNDS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
];

/// Writes them all.
pub fn write(e: &mut Exposition, snapshot: &Snapshot) {
    let name = "probe_phase_duration_seconds";
    e.family(name, Kind::Histogram, "How long phases take, over all origins, timeouts included.");
    let with_native = e.format() == Format::Protobuf;
    let mut recorded = Vec::new();
    for record in &snapshot.latencies {
        let labels =
            e.labels().with("endpoint", &record.endpoint.name).with("probe", record.probe.as_str());
        for cell in record.latency.cells() {
            let labels = labels
                .clone()
                .with("phase", cell.phase.as_str())
                .with("result", cell.result.as_str());
            recorded.clear();
            recorded.extend(read(cell));
            let (buckets, count) = buckets(&recorded);
            let histogram = Histogram {
                buckets: &buckets,
                count,
                sum: cell.sum.as_secs_f64(),
                native: with_native.then(|| exponential(&recorded)),
                since: cell.since,
            };
            e.histogram(&labels, &histogram);
        }
    }
}

/// A cell of an HDR histogram that holds anything.
struct Recorded {
    /// The lowest time that it stands for, in seconds.
    lowest: f64,
    /// The one in its middle.
    median: f64,
    /// How many there are.
    count: u64,
}

/// What there is, in ascending order. Walking over all that is empty is what costs.
fn read(cell: &Cell) -> impl Iterator<Item = Recorded> {
    cell.histogram.iter_recorded().map(|value| {
        let micros = value.value_iterated_to();
        Recorded {
            lowest: cell.histogram.lowest_equivalent(micros) as f64 / 1e6,
            median: cell.histogram.median_equivalent(micros) as f64 / 1e6,
            count: value.count_since_last_iteration(),
        }
    })
}

/// Counts up to each bound, and of everything.
fn buckets(recorded: &[Recorded]) -> ([(f64, u64); BOUNDS.len()], u64) {
    let mut buckets = BOUNDS.map(|bound| (bound, 0));
    let mut all = 0;
    for cell in recorded {
        let first = BOUNDS.partition_point(|bound| *bound < cell.lowest);
        if let Some((_, bucket)) = buckets.get_mut(first) {
            *bucket += cell.count;
        }
        all += cell.count;
    }
    let mut below = 0;
    for (_, bucket) in &mut buckets {
        below += *bucket;
        *bucket = below;
    }
    (buckets, all)
}

/// The same counts by exponential bucket. A cell may lie in two: the one with its middle gets it.
fn exponential(recorded: &[Recorded]) -> Native {
    Native::new(recorded.iter().map(|cell| (cell.median, cell.count)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::outcome::phase::Phase;
    use crate::record::row::RunResult;

    #[test]
    fn buckets_count_what_a_naive_count_counts() {
        let mut cell = Cell::new(Phase::Connect, RunResult::Success);
        let mut seed = 1_u64;
        let mut micros = Vec::new();
        for _ in 0..5_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // From a microsecond to forty seconds, as many in each octave.
            let value = 2_f64.powf((seed >> 40) as f64 / (1 << 24) as f64 * 25.25) as u64;
            micros.push(value);
            cell.histogram.record(value).unwrap();
            cell.sum += Duration::from_micros(value);
        }
        let (buckets, all) = buckets(&read(&cell).collect::<Vec<_>>());
        assert_eq!(all, 5_000);
        for (bound, count) in buckets {
            let limit = bound * 1e6;
            // A cell of the histogram is at most 1 % wide.
            let surely =
                micros.iter().filter(|value| **value as f64 <= limit * 0.99).count() as u64;
            let possibly =
                micros.iter().filter(|value| **value as f64 <= limit * 1.01).count() as u64;
            assert!((surely..=possibly).contains(&count), "{bound}: {surely}..={possibly} {count}");
        }
    }
}

//! Native histograms: counts by exponential bucket.
//!
//! With schema n there are 2^n buckets to each doubling: bucket i holds what is above
//! 2^((i - 1) / 2^n) and up to 2^(i / 2^n).

/// Buckets are 4.4 % wide: a quantile stays within 5 % of that of the HDR histogram, in whichever
/// way it is interpolated. The next finer schema would be as fine as HDR's own cells, and twice
/// as long.
const SCHEMA: i32 = 4;

/// Most buckets of one histogram, for those who store it. That many span three decades; where
/// more hold something, two neighbours become one.
const MAX_BUCKETS: usize = 160;

/// Counts of one histogram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Native {
    schema: i32,
    zero_count: u64,
    /// Index and count of those that hold anything, in order.
    buckets: Vec<(i32, u64)>,
}

/// Buckets without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Buckets that are left out before it; before the first one, its index.
    pub offset: i32,
    /// How many there are.
    pub length: u32,
}

impl Native {
    /// Up to here a value counts as zero: 2^-20, the last bound below the microsecond that HDR
    /// histograms begin with. Prometheus knows a histogram without values as native by it.
    pub const ZERO_THRESHOLD: f64 = 1.0 / 1_048_576.0;

    /// Out of values in seconds and how often each came, in ascending order.
    pub fn new(values: impl IntoIterator<Item = (f64, u64)>) -> Self {
        let mut native = Self { schema: SCHEMA, zero_count: 0, buckets: Vec::new() };
        for (value, count) in values {
            if value <= Self::ZERO_THRESHOLD {
                native.zero_count += count;
            } else {
                add(&mut native.buckets, index(value), count);
            }
        }
        while native.buckets.len() > MAX_BUCKETS {
            native.widen();
        }
        native
    }

    /// How wide the buckets are.
    pub fn schema(&self) -> i32 {
        self.schema
    }

    /// How many values count as zero.
    pub fn zero_count(&self) -> u64 {
        self.zero_count
    }

    /// Where there are buckets. Without any there is one span of none, as client_golang has it.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut next = 0;
        for (index, _) in &self.buckets {
            let offset = index - next;
            match spans.last_mut() {
                Some(span) if offset == 0 => span.length += 1,
                _ => spans.push(Span { offset, length: 1 }),
            }
            next = index + 1;
        }
        if spans.is_empty() {
            spans.push(Span { offset: 0, length: 0 });
        }
        spans
    }

    /// The count of each bucket, less that of the one before.
    pub fn deltas(&self) -> impl Iterator<Item = i64> {
        let mut before = 0;
        self.buckets.iter().map(move |(_, count)| {
            // Counts of HDR cells have 32 bits, and there are few thousand cells.
            let count = count.cast_signed();
            let delta = count - before;
            before = count;
            delta
        })
    }

    /// Goes to the next coarser schema, in which bucket i holds the former 2i - 1 and 2i.
    fn widen(&mut self) {
        self.schema -= 1;
        let mut wide = Vec::with_capacity(self.buckets.len());
        for (index, count) in self.buckets.drain(..) {
            add(&mut wide, (index + 1).div_euclid(2), count);
        }
        self.buckets = wide;
    }
}

/// The bucket of a value. Its bounds are irrational but for powers of two, which have exact logarithms.
fn index(value: f64) -> i32 {
    (value.log2() * f64::from(1 << SCHEMA)).ceil() as i32
}

/// Counts in a bucket that is the last so far, or comes behind it.
fn add(buckets: &mut Vec<(i32, u64)>, index: i32, count: u64) {
    match buckets.last_mut() {
        Some((last, sum)) if *last == index => *sum += count,
        _ => buckets.push((index, count)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::outcome::phase::Phase;
    use crate::record::latency::Cell;
    use crate::record::row::RunResult;

    /// What HDR tells of times in microseconds, and what is made of it.
    fn both(micros: &[u64]) -> (hdrhistogram::Histogram<u32>, Native) {
        let mut cell = Cell::new(Phase::Connect, RunResult::Success);
        for value in micros {
            cell.histogram.record(*value).unwrap();
        }
        let hdr = cell.histogram;
        let native = Native::new(hdr.iter_recorded().map(|value| {
            let micros = hdr.median_equivalent(value.value_iterated_to());
            (micros as f64 / 1e6, value.count_since_last_iteration())
        }));
        (hdr, native)
    }

    /// Index and count of each bucket, read back as a scraper reads them.
    fn decoded(native: &Native) -> Vec<(i32, u64)> {
        let (mut index, mut count) = (0_i32, 0_i64);
        let mut deltas = native.deltas();
        let mut buckets = Vec::new();
        for span in native.spans() {
            index += span.offset;
            for _ in 0..span.length {
                count += deltas.next().expect("a delta for each bucket");
                buckets.push((index, count.try_into().expect("no count below zero")));
                index += 1;
            }
        }
        assert_eq!(deltas.next(), None);
        buckets
    }

    fn bounds(schema: i32, index: i32) -> (f64, f64) {
        let step = 2_f64.powi(-schema);
        (2_f64.powf(f64::from(index - 1) * step), 2_f64.powf(f64::from(index) * step))
    }

    /// As Prometheus 2 interpolates within a bucket.
    fn quantile(native: &Native, quantile: f64) -> f64 {
        let buckets = decoded(native);
        let count: u64 = buckets.iter().map(|(_, count)| count).sum();
        let rank = quantile * count as f64;
        let mut below = 0;
        for (index, count) in buckets {
            if (below + count) as f64 >= rank {
                let (low, high) = bounds(native.schema(), index);
                return low + (high - low) * (rank - below as f64) / count as f64;
            }
            below += count;
        }
        unreachable!("the rank is at most the count")
    }

    /// Times from a microsecond to a minute, as many in each octave.
    fn times() -> impl Strategy<Value = u64> {
        (0.0..25.8_f64).prop_map(|octave| 2_f64.powf(octave) as u64)
    }

    proptest! {
        #[test]
        fn every_value_is_in_a_bucket(micros in prop::collection::vec(times(), 1..3000)) {
            let (hdr, native) = both(&micros);
            let buckets = decoded(&native);
            let count: u64 = buckets.iter().map(|(_, count)| count).sum();
            prop_assert_eq!(native.zero_count() + count, hdr.len());
            prop_assert!(buckets.len() <= MAX_BUCKETS);
            prop_assert!(buckets.iter().all(|(_, count)| *count > 0));
            prop_assert_eq!(buckets, native.buckets);
        }

        #[test]
        fn quantiles_are_those_of_hdr(micros in prop::collection::vec(times(), 1..150)) {
            let (hdr, native) = both(&micros);
            // So few values never need wider buckets.
            prop_assert_eq!(native.schema(), SCHEMA);
            for q in [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0] {
                let expected = hdr.value_at_quantile(q) as f64 / 1e6;
                let ratio = quantile(&native, q) / expected;
                prop_assert!((0.95..=1.05).contains(&ratio), "{q}: {ratio} of {expected}");
            }
        }

        #[test]
        fn a_bucket_holds_what_is_between_its_bounds(micros in 1..120_000_000_u64) {
            let value = micros as f64 / 1e6;
            let (low, high) = bounds(SCHEMA, index(value));
            prop_assert!(low * (1.0 - 1e-12) < value && value <= high * (1.0 + 1e-12));
        }
    }

    #[test]
    fn bounds_belong_to_the_bucket_below() {
        for (value, expected) in [(1.0, 0), (0.5, -16), (2.0, 16), (1.000_001, 1), (0.999_999, 0)] {
            assert_eq!(index(value), expected, "{value}");
        }
    }

    #[test]
    fn many_values_share_wider_buckets() {
        let mut seed = 1_u64;
        let micros: Vec<_> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            2_f64.powf((seed >> 40) as f64 / (1 << 24) as f64 * 25.8) as u64
        })
        .take(50_000)
        .collect();
        let (hdr, native) = both(&micros);
        assert!(native.schema() < SCHEMA, "{}", native.schema());
        assert!(native.buckets.len() > MAX_BUCKETS / 2, "{}", native.buckets.len());
        let count: u64 = decoded(&native).iter().map(|(_, count)| count).sum();
        assert_eq!(count, 50_000);
        // Up to the last bucket, which reaches beyond the highest value.
        for q in [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99] {
            let ratio = quantile(&native, q) / (hdr.value_at_quantile(q) as f64 / 1e6);
            assert!((0.95..=1.05).contains(&ratio), "{q}: {ratio}");
        }
    }

    #[test]
    fn two_neighbours_become_one() {
        let mut native = Native {
            schema: 1,
            zero_count: 0,
            buckets: vec![(-3, 1), (-2, 2), (-1, 4), (0, 8), (1, 16), (2, 32), (3, 64)],
        };
        let before: Vec<_> =
            native.buckets.iter().map(|(index, count)| (bounds(1, *index), *count)).collect();
        native.widen();
        assert_eq!(native.buckets, [(-1, 3), (0, 12), (1, 48), (2, 64)]);
        for ((low, high), count) in before {
            let inside = |index: i32| {
                let wide = bounds(0, index);
                wide.0 <= low * 1.000_001 && high <= wide.1 * 1.000_001
            };
            let home: Vec<_> = native.buckets.iter().filter(|(index, _)| inside(*index)).collect();
            assert!(matches!(home[..], [(_, sum)] if *sum & count != 0), "{low}..{high}");
        }
    }

    #[test]
    fn gaps_are_told() {
        // One second, and two buckets further on twice as much; far off a single one.
        let native = Native::new([(1.0, 5), (1.04, 5), (1.1, 2), (64.0, 9)]);
        let spans: Vec<_> = native.spans().iter().map(|span| (span.offset, span.length)).collect();
        assert_eq!(spans, [(0, 2), (1, 1), (92, 1)]);
        assert_eq!(native.deltas().collect::<Vec<_>>(), [5, 0, -3, 7]);
    }

    #[test]
    fn nothing_yet_is_a_span_of_none() {
        let native = Native::new([]);
        assert_eq!(native.spans(), [Span { offset: 0, length: 0 }]);
        assert_eq!((native.deltas().count(), native.zero_count()), (0, 0));
        let native = Native::new([(0.0, 3), (Native::ZERO_THRESHOLD, 1), (1e-6, 1)]);
        assert_eq!((native.zero_count(), native.buckets.len()), (4, 1));
    }
}

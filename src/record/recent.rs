//! The last runs of one check, for exact percentiles of one origin.

use std::time::Duration;

use crate::outcome::phase::{Phase, PhaseTimes};

/// Runs that are kept of a check.
const CAPACITY: usize = 128;

/// A phase that was not reached.
const ABSENT: u32 = u32::MAX;

/// Times of the last runs, in microseconds.
///
/// Takes 4 KiB from the first run on, so that the memory of a day is that of the first minute. A
/// histogram for every check would take eight times as much.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recent {
    runs: Vec<[u32; Phase::ALL.len()]>,
    /// Where the oldest is, once there are as many as are kept.
    oldest: usize,
}

impl Recent {
    /// Takes in a run; the oldest goes.
    pub fn push(&mut self, phases: &PhaseTimes) {
        let run = Phase::ALL.map(|phase| {
            let micros = phases.get(phase).map(|time| time.as_micros());
            micros.map_or(ABSENT, |micros| u32::try_from(micros).unwrap_or(ABSENT - 1))
        });
        if self.runs.len() < CAPACITY {
            // A copy, made for a reader's snapshot, has no room beyond what it holds.
            self.runs.reserve_exact(CAPACITY - self.runs.len());
            self.runs.push(run);
        } else if let Some(oldest) = self.runs.get_mut(self.oldest) {
            *oldest = run;
            self.oldest = (self.oldest + 1) % CAPACITY;
        }
    }

    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there was no run yet.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Percentiles of one phase over the runs that reached it.
    pub fn phase(&self, phase: Phase) -> Option<Percentiles> {
        let micros = self.runs.iter().filter_map(|run| run.get(phase as usize).copied());
        Percentiles::of(micros.filter(|micros| *micros != ABSENT).map(u64::from).collect())
    }

    /// Percentiles of whole runs.
    pub fn total(&self) -> Option<Percentiles> {
        let whole = |run: &[u32; Phase::ALL.len()]| {
            run.iter().filter(|micros| **micros != ABSENT).map(|micros| u64::from(*micros)).sum()
        };
        Percentiles::of(self.runs.iter().map(whole).collect())
    }
}

/// Exact percentiles (nearest rank) of a handful of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    /// The median.
    pub p50: Duration,
    /// Nineteen of twenty are no slower.
    pub p95: Duration,
    /// Ninety-nine of a hundred are no slower.
    pub p99: Duration,
}

impl Percentiles {
    fn of(mut micros: Vec<u64>) -> Option<Self> {
        micros.sort_unstable();
        let rank = |percent: usize| {
            let at = (micros.len() * percent).div_ceil(100).checked_sub(1)?;
            micros.get(at).copied().map(Duration::from_micros)
        };
        Some(Self { p50: rank(50)?, p95: rank(95)?, p99: rank(99)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(connect: u64, upgrade: Option<u64>) -> PhaseTimes {
        let mut times = PhaseTimes::default();
        times.set(Phase::Connect, Duration::from_micros(connect));
        if let Some(upgrade) = upgrade {
            times.set(Phase::Upgrade, Duration::from_micros(upgrade));
        }
        times
    }

    #[test]
    fn percentiles_of_unsorted_runs_with_ties() {
        let mut recent = Recent::default();
        for micros in [9, 1, 5, 5, 7, 3, 5, 2, 8, 100] {
            recent.push(&run(micros, None));
        }
        // Sorted: 1 2 3 5 5 5 7 8 9 100; nearest rank: the 5th, the 10th, the 10th.
        let expected = Percentiles {
            p50: Duration::from_micros(5),
            p95: Duration::from_micros(100),
            p99: Duration::from_micros(100),
        };
        assert_eq!(recent.phase(Phase::Connect), Some(expected));
        assert_eq!(recent.total(), Some(expected));
    }

    #[test]
    fn a_phase_that_no_run_reached_has_no_percentiles() {
        let mut recent = Recent::default();
        assert_eq!(recent.total(), None);
        recent.push(&run(1, None));
        assert_eq!(recent.phase(Phase::Upgrade), None);
        recent.push(&run(1, Some(4)));
        assert_eq!(recent.phase(Phase::Upgrade).unwrap().p50, Duration::from_micros(4));
    }

    #[test]
    fn only_the_last_runs_are_kept() {
        let mut recent = Recent::default();
        for micros in 0..1000 {
            recent.push(&run(micros, None));
        }
        assert_eq!(recent.len(), CAPACITY);
        assert_eq!(recent.phase(Phase::Connect).unwrap().p50, Duration::from_micros(935));
    }
}

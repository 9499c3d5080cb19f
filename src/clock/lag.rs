//! How much time this process had none: what a run measures meanwhile is ours and not the target's.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

/// Time between beats.
pub const BEAT: Duration = Duration::from_millis(10);

/// A beat that comes later than this was held up. Less is what timers and short bursts of work
/// cost by design.
pub const STALL: Duration = Duration::from_millis(10);

/// No beat is awaited.
const NEVER: u64 = u64::MAX;

/// A meter of stalls: somebody beats it at set times, on the thread that is measured, and whoever
/// runs on that thread reads it.
#[derive(Debug)]
pub struct Lag {
    base: Instant,
    stalled_micros: AtomicU64,
    next_micros: AtomicU64,
}

impl Default for Lag {
    fn default() -> Self {
        let (stalled_micros, next_micros) = (AtomicU64::new(0), AtomicU64::new(NEVER));
        Self { base: Instant::now(), stalled_micros, next_micros }
    }
}

impl Lag {
    /// A beat that was due then comes now.
    pub fn beat(&self, due: Instant, now: Instant) {
        let late = now.saturating_duration_since(due);
        if late >= STALL {
            self.stalled_micros.fetch_add(micros(late), Ordering::Relaxed);
        }
        self.next_micros.store(micros((now + BEAT).duration_since(self.base)), Ordering::Relaxed);
    }

    /// Beats for as long as `work` goes on, on its thread; for those who have nothing else to do
    /// with each beat.
    pub async fn beside<F: Future>(&self, work: F) -> F::Output {
        tokio::select! {
            biased;
            never = self.beats() => match never {},
            done = work => done,
        }
    }

    async fn beats(&self) -> Infallible {
        // What passed since an earlier work was done was nobody's time.
        let now = Instant::now();
        self.beat(now, now);
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due = beats.tick().await;
            self.beat(due, Instant::now());
        }
    }

    /// The time of all stalls so far, with the one that goes on at this moment.
    pub fn stalled(&self, now: Instant) -> Duration {
        let ended = self.stalled_micros.load(Ordering::Relaxed);
        let next = self.next_micros.load(Ordering::Relaxed);
        let overdue = micros(now.saturating_duration_since(self.base)).saturating_sub(next);
        let goes_on = if overdue >= micros(STALL) { overdue } else { 0 };
        Duration::from_micros(ended + goes_on)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_meter_that_nobody_beats_measures_nothing() {
        let lag = Lag::default();
        assert_eq!(lag.stalled(Instant::now() + MS * 60_000), Duration::ZERO);
    }

    #[test]
    fn small_delays_are_none_and_a_stall_counts_while_it_goes_on_and_once() {
        let lag = Lag::default();
        let begin = Instant::now();
        lag.beat(begin, begin + MS * 9);
        assert_eq!(lag.stalled(begin + MS * 20), Duration::ZERO);
        // The next beat was due at 19 ms and does not come.
        let during = lag.stalled(begin + MS * 119);
        assert!(during.abs_diff(MS * 100) <= MS, "{during:?}");
        lag.beat(begin + MS * 19, begin + MS * 120);
        let after = lag.stalled(begin + MS * 121);
        assert!(after.abs_diff(MS * 101) <= MS, "{after:?}");
    }

    #[tokio::test]
    async fn work_is_measured_while_it_goes_on_and_not_between() {
        let lag = Lag::default();
        let stall = async {
            let before = lag.stalled(Instant::now());
            tokio::time::sleep(BEAT * 2).await;
            std::thread::sleep(MS * 60);
            tokio::task::yield_now().await;
            lag.stalled(Instant::now()).saturating_sub(before)
        };
        let during = lag.beside(stall).await;
        assert!(during >= MS * 40, "{during:?}");
        std::thread::sleep(MS * 60);
        let calm = lag.beside(async { lag.stalled(Instant::now()) }).await;
        let again = lag.beside(async { lag.stalled(Instant::now()) }).await;
        assert_eq!(again, calm, "nobody worked in between");
    }
}

//! How many events a second a receiver takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// What may come at once: as much as in one second.
const BURST: u64 = 1_000_000_000;

/// A bucket that leaks; without a lock.
#[derive(Debug)]
pub struct Rate {
    since: Instant,
    /// Nanoseconds that one event takes.
    each: u64,
    /// When all that came has leaked out, in nanoseconds from the begin.
    empty_at: AtomicU64,
}

impl Rate {
    /// An empty bucket.
    pub fn new(a_second: u32, now: Instant) -> Self {
        let each = 1_000_000_000 / u64::from(a_second.max(1));
        Self { since: now, each, empty_at: AtomicU64::new(0) }
    }

    /// Takes one more in, or says how long it is until there is room.
    pub fn admit(&self, now: Instant) -> Result<(), Duration> {
        let now = now.saturating_duration_since(self.since).as_nanos() as u64;
        let take = |empty_at: u64| {
            let after = empty_at.max(now) + self.each;
            (after <= now + BURST).then_some(after)
        };
        match self.empty_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(()),
            Err(empty_at) => {
                Err(Duration::from_nanos((empty_at + self.each).saturating_sub(now + BURST)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seconds_worth_may_come_at_once_and_then_each_in_its_turn() {
        let start = Instant::now();
        let rate = Rate::new(10, start);
        let taken = |now: Instant| {
            std::iter::repeat_with(|| rate.admit(now)).take_while(Result::is_ok).count()
        };
        assert_eq!(taken(start), 10);
        assert_eq!(rate.admit(start), Err(Duration::from_millis(100)));
        assert_eq!(taken(start + Duration::from_millis(350)), 3);
        assert_eq!(taken(start + Duration::from_secs(3600)), 10);
    }
}

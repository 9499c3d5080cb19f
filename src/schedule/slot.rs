//! The fixed times at which a check is due.

use std::time::Duration;

use jiff::Timestamp;

use crate::check::CheckId;

/// One due time of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Counts intervals since 1970, so that checks with one interval share their rounds.
    pub number: u64,
    /// The due time.
    pub planned: Timestamp,
    /// Why it is run.
    pub purpose: Purpose,
}

/// Why a check is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It was due. Counts in every figure.
    Scheduled,
    /// To confirm a first failure soon. Counts for health alone.
    Confirm,
}

/// Where the slots of a check lie.
///
/// The offset comes from the check's id: the same after a restart, on every machine, and
/// different for different checks, so that they spread over the interval by themselves.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    interval: Duration,
    offset: Duration,
}

impl Grid {
    /// The grid of a check.
    pub fn new(id: &CheckId, interval: Duration) -> Self {
        let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).max(1);
        // The hash is taken as a fraction of the interval: the low bits of FNV-1a alone are poor.
        let spread = (u128::from(fnv1a(id.as_str())) * u128::from(nanos)) >> 64;
        Self { interval, offset: Duration::from_nanos(u64::try_from(spread).unwrap_or(0)) }
    }

    /// Time between slots.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The first slot at or after a time.
    pub fn first(&self, now: Timestamp) -> Slot {
        let since_epoch = Duration::try_from(now.duration_since(Timestamp::UNIX_EPOCH));
        let past = since_epoch.unwrap_or_default().saturating_sub(self.offset);
        let number = past.as_nanos().div_ceil(self.interval.as_nanos().max(1));
        self.slot(u64::try_from(number).unwrap_or(u64::MAX))
    }

    /// The slot with a number.
    pub fn slot(&self, number: u64) -> Slot {
        let nanos = self.interval.as_nanos().saturating_mul(number.into()) + self.offset.as_nanos();
        let planned = Timestamp::from_nanosecond(i128::try_from(nanos).unwrap_or(i128::MAX));
        let planned = planned.unwrap_or(Timestamp::MAX);
        Slot { number, planned, purpose: Purpose::Scheduled }
    }
}

/// FNV-1a with its usual 64-bit constants, finished so that all bits depend on all bytes.
///
/// Written out because std's hasher may change with any release, and slots must not.
fn fnv1a(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(id: &str, seconds: u64) -> Grid {
        Grid::new(&CheckId::from_text(id), Duration::from_secs(seconds))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn slots_stay_where_they_are_over_restarts() {
        let grid = grid("chat-eu/websocket/shop", 30);
        let first = grid.first(at(1_800_000_000));
        let later = grid.first(at(1_800_000_017 + 30 * 1000));
        let apart = first.planned.duration_until(later.planned).as_nanos();
        assert_eq!(apart % Duration::from_secs(30).as_nanos() as i128, 0);
        // Pinned: another value would move every check of every user at the next release.
        assert_eq!(first.planned.to_string(), "2027-01-15T08:00:12.535648537Z");
    }

    #[test]
    fn the_first_slot_is_the_next_one() {
        for second in 0..120 {
            let now = at(1_800_000_000 + second);
            let slot = grid("a/tls", 30).first(now);
            let wait = now.duration_until(slot.planned);
            assert!((0..30).contains(&wait.as_secs()) && !wait.is_negative(), "{wait:?}");
        }
    }

    #[test]
    fn checks_spread_over_their_interval() {
        let mut tenths = [0; 10];
        for n in 0..10_000 {
            let grid = grid(&format!("endpoint-{}/websocket/origin-{}", n / 20, n % 20), 60);
            tenths[(grid.offset.as_secs_f64() / 6.0) as usize] += 1;
        }
        // 1000 each, give or take four standard deviations.
        assert!(tenths.iter().all(|count| (880..=1120).contains(count)), "{tenths:?}");
    }
}

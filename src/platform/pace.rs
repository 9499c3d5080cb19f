//! How often the platform API is asked: no more than the config says, less where it says that little
//! is left. Pure: time is passed in.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

/// Calls in a row that need not wait for each other, as a share of those of a minute.
const BURST: u32 = 6;

/// From this share of what the API allows on, calls are spread over the time that is left.
const SOFT: f64 = 0.8;

/// Longest that the API is believed about when it counts anew; it counts minutes.
const LONGEST_RESET: Duration = Duration::from_secs(120);

/// What the API says of its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Calls in its window.
    pub allowed: u32,
    /// How many there were.
    pub count: u32,
    /// Until it counts anew.
    pub reset: Duration,
}

impl Limit {
    /// `inin-ratelimit-*`, where all three are there and make sense.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
        Some(Self {
            allowed: number("inin-ratelimit-allowed").filter(|allowed| *allowed > 0)?,
            count: number("inin-ratelimit-count")?,
            reset: Duration::from_secs(number("inin-ratelimit-reset")?.into()).min(LONGEST_RESET),
        })
    }

    /// How many are left.
    pub fn remaining(self) -> u32 {
        self.allowed.saturating_sub(self.count)
    }
}

/// When the next call may be made.
#[derive(Debug)]
pub struct Pace {
    /// Time between calls.
    each: Duration,
    /// How far ahead of that calls may be.
    ahead: Duration,
    /// When the next call would be made if all were evenly spread.
    next: Instant,
    /// What the API makes of it.
    spread: Option<Spread>,
}

#[derive(Debug)]
struct Spread {
    each: Duration,
    next: Instant,
    until: Instant,
}

impl Pace {
    /// So many calls a minute.
    pub fn new(per_minute: u32, now: Instant) -> Self {
        let each = Duration::from_secs(60) / per_minute.max(1);
        let burst = (per_minute / BURST).max(1);
        Self { each, ahead: each * (burst - 1), next: now, spread: None }
    }

    /// Takes the next place, and says when it is. None is taken where it is later than `latest`: then
    /// it says how long it would be until then.
    pub fn take(&mut self, now: Instant, latest: Instant) -> Result<Instant, Duration> {
        let own = self.next.checked_sub(self.ahead).unwrap_or(now);
        let spread = self.spread.as_ref().filter(|spread| now < spread.until);
        let asked = spread.map_or(now, |spread| spread.next.min(spread.until));
        let at = own.max(asked).max(now);
        if at > latest {
            return Err(at.saturating_duration_since(now));
        }
        self.next = self.next.max(at) + self.each;
        if let Some(spread) = &mut self.spread {
            spread.next = at + spread.each;
        }
        Ok(at)
    }

    /// Heeds what the API says of its limit.
    pub fn heed(&mut self, limit: Limit, now: Instant) {
        if f64::from(limit.count) < f64::from(limit.allowed) * SOFT || limit.reset.is_zero() {
            self.spread = None;
            return;
        }
        let until = now + limit.reset;
        let each = limit.reset / limit.remaining().saturating_add(1);
        let next = now + each;
        // Places that are taken already stay taken.
        let next = self.spread.as_ref().map_or(next, |spread| next.max(spread.next.min(until)));
        self.spread = Some(Spread { each, next, until });
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::{prop_assert, proptest};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn limit(allowed: u32, count: u32, reset: u64) -> Limit {
        Limit { allowed, count, reset: Duration::from_secs(reset) }
    }

    #[test]
    fn a_few_go_at_once_and_the_rest_evenly() {
        let now = Instant::now();
        let mut pace = Pace::new(120, now);
        let late = now + MINUTE * 10;
        for _ in 0..20 {
            assert_eq!(pace.take(now, late), Ok(now));
        }
        for n in 1..10 {
            assert_eq!(pace.take(now, late), Ok(now + Duration::from_millis(500) * n));
        }
        // Who cannot wait takes no place.
        assert_eq!(pace.take(now, now), Err(Duration::from_secs(5)));
        assert_eq!(pace.take(now, late), Ok(now + Duration::from_secs(5)));
    }

    #[test]
    fn little_that_is_left_is_spread_over_the_rest_of_the_time() {
        let now = Instant::now();
        let late = now + MINUTE * 10;
        let mut pace = Pace::new(600, now);
        pace.heed(limit(180, 143, 30), now);
        assert_eq!(pace.take(now, late), Ok(now));
        // 30 s for 30 and one more.
        pace.heed(limit(180, 151, 30), now);
        let seconds = Duration::from_secs;
        assert_eq!(pace.take(now, late), Ok(now + seconds(1)));
        assert_eq!(pace.take(now, late), Ok(now + seconds(2)));
        pace.heed(limit(180, 180, 30), now);
        assert_eq!(pace.take(now, late), Ok(now + seconds(30)));
        // It counts anew.
        let then = now + seconds(31);
        assert_eq!(pace.take(then, late), Ok(then));
        pace.heed(limit(180, 1, 60), then);
        assert_eq!(pace.take(then, late), Ok(then));
    }

    #[test]
    fn headers_that_make_no_sense_are_none() {
        let read = |allowed: &str, count: &str, reset: &str| {
            let mut headers = HeaderMap::new();
            for (name, text) in [("allowed", allowed), ("count", count), ("reset", reset)] {
                let name: http::HeaderName = format!("inin-ratelimit-{name}").parse().unwrap();
                headers.insert(name, HeaderValue::from_str(text).unwrap());
            }
            Limit::of(&headers)
        };
        assert_eq!(read("180", " 3 ", "59"), Some(limit(180, 3, 59)));
        assert_eq!(read("180", "300", "99999999"), Some(limit(180, 300, 120)));
        for (a, c, r) in [("0", "0", "1"), ("-1", "0", "1"), ("x", "0", "1"), ("1", "", "1")] {
            assert_eq!(read(a, c, r), None, "{a} {c} {r}");
        }
        assert_eq!(Limit::of(&HeaderMap::new()), None);
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_a_burst_and_the_rate(
            per_minute in 1_u32..600,
            steps in vec((0_u64..2_000, any::<u8>()), 1..400),
        ) {
            let mut now = Instant::now();
            let mut pace = Pace::new(per_minute, now);
            let mut taken = Vec::new();
            for (ms, heed) in steps {
                now += Duration::from_millis(ms);
                if heed < 20 {
                    pace.heed(limit(200, u32::from(heed) * 10, ms / 100), now);
                }
                if let Ok(at) = pace.take(now, now + MINUTE * 5) {
                    prop_assert!(at >= now);
                    taken.push(at);
                }
            }
            taken.sort_unstable();
            let most = (per_minute + (per_minute / BURST).max(1)) as usize;
            for (n, at) in taken.iter().enumerate() {
                let within = taken.iter().skip(n).take_while(|other| **other - *at < MINUTE);
                prop_assert!(within.count() <= most);
            }
        }
    }
}

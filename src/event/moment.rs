//! When an event happened, as far as its sender is to be believed.

use std::time::Duration;

use jiff::Timestamp;

use super::loose::Plain;

/// How late an event may come: senders that keep what they cannot deliver do so for days.
const LATEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How far ahead a sender's clock may be.
const AHEAD: Duration = Duration::from_secs(5 * 60);

/// A time, and whether it is the sender's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time that counts.
    pub at: Timestamp,
    /// Whether the sender told another one, which nobody can believe.
    pub corrected: bool,
}

impl Moment {
    /// The sender's time where it is one that can be; that of arrival otherwise.
    pub fn believed(told: Option<&Plain<'_>>, arrival: Timestamp) -> Self {
        let at_arrival = |corrected| Self { at: arrival, corrected };
        let Some(told) = told else { return at_arrival(false) };
        match read(told) {
            Some(at) if is_plausible(at, arrival) => Self { at, corrected: false },
            Some(_) | None => at_arrival(true),
        }
    }
}

fn is_plausible(at: Timestamp, arrival: Timestamp) -> bool {
    let lag = arrival.duration_since(at);
    if lag.is_negative() { lag.unsigned_abs() <= AHEAD } else { lag.unsigned_abs() <= LATEST }
}

/// Milliseconds since 1970, or a text of ISO 8601 with its offset.
fn read(told: &Plain<'_>) -> Option<Timestamp> {
    match told {
        Plain::Number(millis) => Timestamp::from_millisecond(*millis).ok(),
        Plain::Text(text) => match text.parse::<i64>() {
            Ok(millis) => Timestamp::from_millisecond(millis).ok(),
            Err(_) => text.parse().ok(),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_believed_within_a_week_and_five_minutes() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let (ms, day) = (now.as_millisecond(), 24 * 60 * 60 * 1000);
        let number = Plain::Number;
        let text = |text: &'static str| Plain::Text(text.into());
        for (told, expected) in [
            (number(ms - 1), Some(ms - 1)),
            (number(ms - 7 * day), Some(ms - 7 * day)),
            (number(ms - 7 * day - 1), None),
            (number(ms + 300_000), Some(ms + 300_000)),
            (number(ms + 300_001), None),
            (number(i64::MAX), None),
            (number(i64::MIN), None),
            (text("2026-11-21T11:59:59.999Z"), Some(ms - 1)),
            (text("2026-11-21T12:59:59.999+01:00"), Some(ms - 1)),
            (text("1795262399999"), Some(1_795_262_399_999)),
            (text("yesterday"), None),
            (text(""), None),
            (Plain::Flag, None),
        ] {
            let moment = Moment::believed(Some(&told), now);
            assert_eq!(moment.corrected, expected.is_none(), "{told:?}");
            assert_eq!(moment.at.as_millisecond(), expected.unwrap_or(ms), "{told:?}");
        }
        assert_eq!(Moment::believed(None, now), Moment { at: now, corrected: false });
    }
}

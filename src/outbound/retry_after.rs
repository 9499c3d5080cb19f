//! `Retry-After`: when a server wants to be asked again (RFC 9110 section 10.2.3). Pure.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// The longest that is heeded: a server that asks for more is asked once an hour.
pub const LONGEST: Duration = Duration::from_secs(60 * 60);

/// How long the server of an answer wants no more.
pub fn of(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    read(text(RETRY_AFTER)?, text(DATE), now)
}

/// Seconds or a date. A date counts from the server's own time, where it tells that, and from ours,
/// whichever is longer: clocks differ, and nobody wants to be asked too early.
pub fn read(text: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let asked = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than a number can be is as much as can be.
        text.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let until = time(text)?;
        let theirs = date.and_then(|date| time(date.trim()));
        let since = |from| Duration::try_from(until.duration_since(from)).unwrap_or_default();
        theirs.map_or(Duration::ZERO, since).max(since(now))
    };
    Some(asked.min(LONGEST))
}

fn time(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn seconds_and_dates_are_read() {
        let seconds = |text, date| read(text, date, now()).map(|asked| asked.as_secs());
        for (text, expected) in [
            ("0", Some(0)),
            ("7", Some(7)),
            (" 86400 ", Some(3600)),
            ("99999999999999999999999999", Some(3600)),
            ("Sat, 21 Nov 2026 12:01:00 GMT", Some(60)),
            ("Sat, 21 Nov 2026 11:01:00 GMT", Some(0)),
            ("Fri, 01 Jan 9999 00:00:00 GMT", Some(3600)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("2026-11-21T12:01:00Z", None),
        ] {
            assert_eq!(seconds(text, None), expected, "{text}");
        }
        let until = "Sat, 21 Nov 2026 12:01:00 GMT";
        // Their clock is behind, so that a minute of theirs is longer.
        assert_eq!(seconds(until, Some("Sat, 21 Nov 2026 11:59:00 GMT")), Some(120));
        assert_eq!(seconds(until, Some("Sat, 21 Nov 2026 12:00:59 GMT")), Some(60));
        assert_eq!(seconds(until, Some("nonsense")), Some(60));
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in ".{0,40}", date in ".{0,40}") {
            let asked = read(&text, Some(&date), now());
            prop_assert!(asked.is_none_or(|asked| asked <= LONGEST));
        }

        #[test]
        fn seconds_are_heeded_to_the_second(seconds in 0_u64..3600) {
            let asked = read(&seconds.to_string(), None, now());
            prop_assert_eq!(asked, Some(Duration::from_secs(seconds)));
        }
    }
}

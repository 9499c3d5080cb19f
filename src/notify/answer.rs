//! What an answer to a message means. Pure.

use std::time::Duration;

/// The first wait before a message is sent again.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest, where the target names none.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken.
    Sent,
    /// The target wants nothing more.
    Gone,
    /// Once more, not before the target has had this time.
    Again(Option<Duration>),
}

/// Judges an answer. A redirect is none: whoever gave the URL did not mean another host.
pub fn judge(status: u16, retry_after: Option<Duration>) -> Verdict {
    match status {
        200..=299 => Verdict::Sent,
        410 => Verdict::Gone,
        _ => Verdict::Again(retry_after),
    }
}

/// How long to wait behind so many attempts: twice as long each time, less a part by chance, so
/// that several monitors do not come at once.
pub fn back_off(attempts: u32, asked: Option<Duration>, chance: f64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    let wait = doubled.min(LONGEST_WAIT).mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
    asked.map_or(wait, |asked| asked.max(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_gone_or_to_be_tried_again() {
        let asked = Some(Duration::from_secs(7));
        for (status, asked, verdict) in [
            (200, None, Verdict::Sent),
            (204, asked, Verdict::Sent),
            (410, None, Verdict::Gone),
            (301, None, Verdict::Again(None)),
            (400, None, Verdict::Again(None)),
            (429, asked, Verdict::Again(asked)),
            (503, None, Verdict::Again(None)),
        ] {
            assert_eq!(judge(status, asked), verdict, "{status} {asked:?}");
        }
    }

    #[test]
    fn waits_grow_to_ten_minutes() {
        let wait = |attempts, chance| back_off(attempts, None, chance).as_secs_f64();
        assert_eq!((wait(1, 1.0), wait(1, 0.0)), (1.0, 0.5));
        assert_eq!((wait(2, 1.0), wait(5, 1.0)), (2.0, 16.0));
        assert_eq!((wait(11, 1.0), wait(u32::MAX, 1.0)), (600.0, 600.0));
        let asked = Some(Duration::from_secs(30));
        assert_eq!(back_off(1, asked, 1.0), Duration::from_secs(30));
        assert_eq!(back_off(9, asked, 1.0), Duration::from_secs(256));
    }
}

//! A token as it was given, and how long it lives. Pure.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use serde_json::Value;
use tokio::time::Instant;

use crate::platform::Kind;

/// Longest token that is believed to be one.
const MAX_TOKEN: usize = 16 * 1024;

/// The shortest life: with less, there would be a request for a token with every call.
const SHORTEST: Duration = Duration::from_secs(60);

/// The longest that a client can be given.
const LONGEST: Duration = Duration::from_secs(172_800);

/// What a token lives that does not say.
const USUAL: Duration = Duration::from_secs(300);

/// How long before its end another one is asked for.
const EARLY: Duration = Duration::from_secs(5 * 60);

/// A token. Two are the same where they were given at the same time.
#[derive(Clone)]
pub struct Token {
    header: Arc<HeaderValue>,
    number: u64,
    old_at: Instant,
    dead_at: Instant,
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.number)
    }
}

impl Token {
    /// One that was given now.
    pub fn new(header: HeaderValue, number: u64, now: Instant, life: Duration) -> Self {
        Self {
            header: Arc::new(header),
            number,
            old_at: now + renew_after(life),
            dead_at: now + life,
        }
    }

    /// `Authorization`.
    pub fn header(&self) -> HeaderValue {
        (*self.header).clone()
    }

    /// Whether another one should be asked for.
    pub fn is_old(&self, now: Instant) -> bool {
        now >= self.old_at
    }

    /// Whether it may be used.
    pub fn is_alive(&self, now: Instant) -> bool {
        now < self.dead_at
    }
}

/// After 80 % of its life, or five minutes before its end; of a short one, not before the half.
fn renew_after(life: Duration) -> Duration {
    life.mul_f64(0.8).min(life.saturating_sub(EARLY)).max(life / 2)
}

/// `Authorization` and the life, out of an answer.
pub fn read(answer: &Value) -> Result<(HeaderValue, Duration), Kind> {
    let none = Kind::Malformed { field: "access_token" };
    let token = answer.get("access_token").and_then(Value::as_str).unwrap_or_default();
    let legal = token.bytes().all(|byte| byte.is_ascii_graphic());
    if !legal || !(1..=MAX_TOKEN).contains(&token.len()) {
        return Err(none);
    }
    let header = secret_header(&format!("Bearer {token}")).ok_or(none)?;
    Ok((header, life(answer.get("expires_in"))))
}

/// As long as it says, within reason.
fn life(said: Option<&Value>) -> Duration {
    let seconds = match said {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    match seconds {
        Some(seconds) if seconds.is_finite() => {
            let longest = LONGEST.as_secs_f64();
            Duration::from_secs_f64(seconds.clamp(SHORTEST.as_secs_f64(), longest))
        }
        _ => USUAL,
    }
}

/// A header that no debug output shows; none where no header can hold it.
pub fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};
    use serde_json::json;

    use super::*;

    fn seconds(said: Value) -> u64 {
        life(Some(&said)).as_secs()
    }

    #[test]
    fn a_life_is_believed_within_reason() {
        assert_eq!(seconds(json!(86399)), 86399);
        assert_eq!(seconds(json!("3600")), 3600);
        for short in [json!(0), json!(-1), json!(1.5), json!(i64::MIN)] {
            assert_eq!(seconds(short), 60);
        }
        for long in [json!(u64::MAX), json!(1e300), json!(172_801)] {
            assert_eq!(seconds(long), 172_800);
        }
        for other in [json!(null), json!("soon"), json!("NaN"), json!({}), json!([1])] {
            assert_eq!(seconds(other), 300);
        }
        assert_eq!(life(None).as_secs(), 300);
    }

    #[test]
    fn another_one_is_asked_for_early() {
        for (life, after) in [(86_400, 69_120), (1_800, 1_440), (1_000, 700), (300, 150), (60, 30)]
        {
            let life = Duration::from_secs(life);
            assert_eq!(renew_after(life).as_secs(), after, "{life:?}");
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        assert!(read(&json!({"access_token": "abc", "expires_in": 1})).is_ok());
        for answer in [
            json!({}),
            json!([]),
            json!({"access_token": ""}),
            json!({"access_token": null}),
            json!({"access_token": 1}),
            json!({"access_token": "a b"}),
            json!({"access_token": "a\r\nX: y"}),
            json!({"access_token": "x".repeat(MAX_TOKEN + 1)}),
        ] {
            assert!(matches!(read(&answer), Err(Kind::Malformed { .. })), "{answer}");
        }
        let (header, _) = read(&json!({"access_token": "hunter2"})).unwrap();
        let token = Token::new(header.clone(), 1, Instant::now(), USUAL);
        assert!(!format!("{header:?} {token:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn it_grows_old_before_it_dies(life in 60_u64..172_800) {
            let life = Duration::from_secs(life);
            let after = renew_after(life);
            prop_assert!(after >= life / 2 && after < life);
            prop_assert!(after <= life.mul_f64(0.8));
        }
    }
}

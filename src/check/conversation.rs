//! What is said after a WebSocket has opened, and what must come back.

use std::fmt;

use regex::Regex;
use serde_json::Value;

/// One step of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this text as one message.
    Send(String),
    /// Wait until a text message matches; others are passed over.
    Expect(Matcher),
}

/// What a message must look like.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    /// The pattern is found somewhere in the message.
    Regex(Pattern),
    /// The message is JSON, and the place is as it shall be.
    Json(Place),
}

/// A place in JSON, which must be there, with this value where one is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// RFC 6901.
    pub pointer: String,
    /// The value that must stand there; any, where `None`.
    pub equals: Option<Value>,
}

impl Place {
    /// Whether it is as it shall be.
    pub fn is_in(&self, json: &Value) -> bool {
        let found = json.pointer(&self.pointer);
        found.is_some_and(|found| self.equals.as_ref().is_none_or(|wanted| wanted == found))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.equals {
            None => f.write_str(&self.pointer),
            Some(value) => write!(f, "{} = {value}", self.pointer),
        }
    }
}

impl Matcher {
    /// Whether a message is the awaited one.
    pub fn matches(&self, message: &str) -> bool {
        match self {
            Self::Regex(pattern) => pattern.0.is_match(message),
            Self::Json(place) => {
                serde_json::from_str(message).is_ok_and(|json: Value| place.is_in(&json))
            }
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Regex(pattern) => write!(f, "/{}/", pattern.0.as_str()),
            Self::Json(place) => write!(f, "JSON with {place}"),
        }
    }
}

/// A regular expression that compares by its source.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles the pattern; the engine has no backtracking, and its size is capped.
    pub fn new(source: &str) -> Result<Self, regex::Error> {
        Regex::new(source).map(Self)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_pointer_finds_its_value() {
        let place = |equals| Matcher::Json(Place { pointer: "/body/text".into(), equals });
        let (any, ping) = (place(None), place(Some("ping".into())));
        assert!(any.matches(r#"{"body":{"text":"pong"}}"#));
        assert!(!ping.matches(r#"{"body":{"text":"pong"}}"#));
        assert!(ping.matches(r#"{"body":{"text":"ping"}}"#));
        assert!(!any.matches(r#"{"body":{}}"#));
        assert!(!any.matches("not json"));
    }

    #[test]
    fn a_regex_is_found_anywhere() {
        let matcher = Matcher::Regex(Pattern::new("code\":\\s*200").unwrap());
        assert!(matcher.matches(r#"{"code": 200}"#));
        assert!(!matcher.matches(r#"{"code": 403}"#));
    }
}

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
    /// The message is JSON, and the place is there, with this value where one is given.
    Json {
        /// RFC 6901.
        pointer: String,
        /// The value that must stand there; any, where `None`.
        equals: Option<Value>,
    },
}

impl Matcher {
    /// Whether a message is the awaited one.
    pub fn matches(&self, message: &str) -> bool {
        match self {
            Self::Regex(pattern) => pattern.0.is_match(message),
            Self::Json { pointer, equals } => serde_json::from_str::<Value>(message)
                .ok()
                .as_ref()
                .and_then(|json| json.pointer(pointer))
                .is_some_and(|found| equals.as_ref().is_none_or(|wanted| wanted == found)),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Regex(pattern) => write!(f, "/{}/", pattern.0.as_str()),
            Self::Json { pointer, equals: None } => write!(f, "JSON with {pointer}"),
            Self::Json { pointer, equals: Some(value) } => {
                write!(f, "JSON with {pointer} = {value}")
            }
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
        let any = Matcher::Json { pointer: "/body/text".into(), equals: None };
        let ping = Matcher::Json { pointer: "/body/text".into(), equals: Some("ping".into()) };
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

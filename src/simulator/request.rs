//! What was asked.

use http::{HeaderMap, Method};
use serde_json::Value;
use url::form_urlencoded;

/// A request, whole.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path without what a gateway puts before it.
    pub path: String,
    /// What comes behind `?`.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The parts of the path.
    pub fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }

    /// The first value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    }

    /// A parameter that is a number.
    pub fn number(&self, name: &str, otherwise: usize) -> usize {
        self.parameter(name).and_then(|value| value.parse().ok()).unwrap_or(otherwise)
    }

    /// Whether a parameter is `true`.
    pub fn is_set(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The value of a header, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A path without what a gateway puts before it.
pub fn without_prefix(path: &str) -> &str {
    match path {
        path if path.starts_with("/login/oauth/") => path.trim_start_matches("/login"),
        path if path.starts_with("/api/api/") => path.strip_prefix("/api").unwrap_or(path),
        path => path,
    }
}

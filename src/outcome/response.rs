//! The head of an HTTP response, and the first of its body, as evidence.

use std::fmt;

use super::quoted::Quoted;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase, which may be empty.
    pub phrase: Quoted,
    /// As they came, names in lower case; values of cookies and credentials left out.
    pub headers: Vec<(Quoted, Quoted)>,
    /// The first bytes of the body.
    pub body: Quoted,
}

impl Response {
    /// Whether a header's value may be kept: sessions and credentials may not.
    pub fn is_presentable(name: &str) -> bool {
        let kept_back = ["authorization", "cookie", "proxy-authorization", "set-cookie"];
        !kept_back.iter().any(|secret| name.eq_ignore_ascii_case(secret))
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&Quoted> {
        self.headers.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value)
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.phrase)?;
        if let Some(location) = self.header("location") {
            write!(f, ", location {location}")?;
        }
        if !self.body.as_str().is_empty() {
            write!(f, ", body {:?}", self.body)?;
        }
        Ok(())
    }
}

//! What a page asks with `fetch()`: method, headers, body, and whether cookies go along.
//!
//! WHATWG Fetch says which methods and headers a script may use at all, and how they are spelled
//! when they leave the browser.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::header::{Header, HeaderError};

/// A request that a page makes to another origin.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fetch {
    method: Method,
    headers: Vec<Header>,
    credentials: bool,
    body: Option<String>,
}

impl Fetch {
    /// A request without a body. Of a header that is given twice, the values are joined, as
    /// `Headers.append` does.
    pub fn new(
        method: Method,
        headers: Vec<Header>,
        credentials: bool,
    ) -> Result<Self, HeaderError> {
        let mut joined: Vec<Header> = Vec::with_capacity(headers.len());
        for header in headers {
            match joined.iter_mut().find(|known| known.name() == header.name()) {
                Some(known) => *known = known.joined_with(&header)?,
                None => joined.push(header),
            }
        }
        Ok(Self { method, headers: joined, credentials, body: None })
    }

    /// The same request with a text as its body, which brings its own `Content-Type` where the
    /// page gives none; `None` where the method has no body.
    pub fn with_body(self, body: String) -> Option<Self> {
        let mut headers = self.headers;
        if matches!(self.method.as_str(), "GET" | "HEAD") {
            return None;
        }
        if !headers.iter().any(|header| header.name() == "content-type") {
            headers.push(Header::from_page("content-type", "text/plain;charset=UTF-8").ok()?);
        }
        Some(Self { headers, body: Some(body), ..self })
    }

    /// As it goes over the wire.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// What the page sets, each name once.
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// `credentials: "include"`: cookies and client certificates go along. None are ever sent
    /// here; the answer must allow for them all the same.
    pub fn credentials(&self) -> bool {
        self.credentials
    }

    /// Whether both ask the server for the same leave; the values of headers may be secrets that
    /// are rotated.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let names = |fetch: &Self| {
            fetch.headers.iter().map(|header| header.name().to_owned()).collect::<Vec<_>>()
        };
        self.method == other.method
            && self.credentials == other.credentials
            && self.body == other.body
            && names(self) == names(other)
    }

    /// What the page sends.
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }
}

/// A method that a script may use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Method(Box<str>);

impl Method {
    /// As it goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Method {
    fn default() -> Self {
        Self("GET".into())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Method {
    type Err = MethodError;

    /// Six methods are turned into upper case; any other, `patch` too, stays as it is written.
    fn from_str(text: &str) -> Result<Self, MethodError> {
        let same = |known: &&str| known.eq_ignore_ascii_case(text);
        if http::Method::from_bytes(text.as_bytes()).is_err() {
            return Err(MethodError::NotAToken);
        }
        if ["CONNECT", "TRACE", "TRACK"].iter().any(same) {
            return Err(MethodError::Forbidden);
        }
        let usual = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
        Ok(Self(usual.into_iter().find(same).unwrap_or(text).into()))
    }
}

impl TryFrom<String> for Method {
    type Error = MethodError;

    fn try_from(text: String) -> Result<Self, MethodError> {
        text.parse()
    }
}

/// Why a text is no method of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// Not a token (RFC 9110 section 5.6.2).
    #[error("not a method: letters and - only")]
    NotAToken,
    /// CONNECT, TRACE and TRACK.
    #[error("no browser lets a page use this method")]
    Forbidden,
}

/// Whether browsers keep a script from setting a header (Fetch, "forbidden request-header").
///
/// Of `User-Agent`, which the standard has freed, browsers think differently, and a probe says
/// who it is.
pub fn is_forbidden(name: &str, value: &str) -> bool {
    const FORBIDDEN: [&str; 22] = [
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "access-control-request-private-network",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    ];
    const OVERRIDES: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];
    let name = name.to_ascii_lowercase();
    let forbids = |method: &str| method.trim().parse::<Method>() == Err(MethodError::Forbidden);
    FORBIDDEN.contains(&name.as_str())
        || name == "via"
        || name.starts_with("proxy-")
        || name.starts_with("sec-")
        || (OVERRIDES.contains(&name.as_str()) && value.split(',').any(forbids))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_methods_are_turned_into_upper_case_and_no_other() {
        for (text, sent) in [
            ("get", "GET"),
            ("Put", "PUT"),
            ("delete", "DELETE"),
            ("patch", "patch"),
            ("FOO", "FOO"),
        ] {
            assert_eq!(text.parse::<Method>().unwrap().as_str(), sent, "{text}");
        }
    }

    #[test]
    fn what_no_page_may_ask_is_refused() {
        for text in ["CONNECT", "trace", "Track"] {
            assert_eq!(text.parse::<Method>(), Err(MethodError::Forbidden), "{text}");
        }
        for text in ["", "GE T", "GET\r\n", "GÉT"] {
            assert_eq!(text.parse::<Method>(), Err(MethodError::NotAToken), "{text:?}");
        }
        for name in ["Cookie", "HOST", "Sec-Fetch-Mode", "proxy-authorization", "Via", "TE"] {
            assert!(is_forbidden(name, "x"), "{name}");
        }
        assert!(is_forbidden("X-HTTP-Method-Override", "PUT, trace"));
        assert!(!is_forbidden("X-HTTP-Method-Override", "PUT, traces"));
        assert!(!is_forbidden("Authorization", "x"));
    }

    #[test]
    fn a_header_that_is_given_twice_is_one_with_both_values() {
        let twice = ["1", "2"].map(|value| Header::from_page("X-A", value).unwrap()).to_vec();
        let fetch = Fetch::new(Method::default(), twice, false).unwrap();
        let [header] = fetch.headers() else { panic!("joined") };
        assert_eq!((header.name(), header.value()), ("x-a", &b"1, 2"[..]));
    }

    #[test]
    fn a_body_names_its_type_and_is_not_for_every_method() {
        let fetch = |method: &str| Fetch::new(method.parse().unwrap(), Vec::new(), false).unwrap();
        assert_eq!(fetch("get").with_body("x".into()), None);
        let post = fetch("post").with_body("x".into()).unwrap();
        assert_eq!(post.headers()[0].value(), b"text/plain;charset=UTF-8");
        let typed = vec![Header::from_page("Content-Type", "application/json").unwrap()];
        let typed = Fetch::new("PUT".parse().unwrap(), typed, false).unwrap();
        assert_eq!(typed.with_body("{}".into()).unwrap().headers().len(), 1);
    }
}

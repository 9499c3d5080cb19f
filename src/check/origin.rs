//! The origin of a page (RFC 6454), as the `Origin` header spells it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// On whose behalf a request is made.
///
/// A browser sends the ASCII serialisation of RFC 6454 section 6.2: scheme and host in lower case,
/// the port only where it is not the scheme's own, and nothing behind it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Origin {
    /// A page with an address: `https://shop.example`.
    Page(String),
    /// The literal `null`, which sandboxed frames and `file:` pages send.
    Null,
    /// No `Origin` header at all, as native clients and server-side renders send.
    Absent,
}

impl Origin {
    /// The value of the `Origin` header, or `None` where the header stays away.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Page(ascii) => Some(ascii),
            Self::Null => Some("null"),
            Self::Absent => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.header().unwrap_or("none"))
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        match text {
            "none" => return Ok(Self::Absent),
            "null" => return Ok(Self::Null),
            "*" => return Err(OriginError::Wildcard),
            _ => {}
        }
        let url = Url::parse(text).map_err(|_| OriginError::NotAnOrigin)?;
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or(OriginError::NotAnOrigin)?;
        let ascii = match url.port() {
            Some(port) => format!("{}://{host}:{port}", url.scheme()),
            None => format!("{}://{host}", url.scheme()),
        };
        // `Url` gives special schemes the path "/", so a slash that was typed is told by the text.
        let bare = matches!(url.path(), "" | "/") && !text.ends_with('/');
        let alone = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if bare && alone && url.password().is_none() {
            Ok(Self::Page(ascii))
        } else {
            Err(OriginError::MoreThanAnOrigin { origin: ascii })
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// No scheme, no host, or neither.
    #[error("not an origin: scheme and host are missing")]
    NotAnOrigin,
    /// Path, query, fragment, user name or trailing slash behind the origin.
    #[error("more than an origin, which ends at its port: \"{origin}\"")]
    MoreThanAnOrigin {
        /// The origin inside the text.
        origin: String,
    },
    /// `*` is an answer of servers, never what a page sends.
    #[error("no page sends \"*\"")]
    Wildcard,
}

/// What an endpoint is meant to do with an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// The page must get in.
    Allow,
    /// The page must be refused.
    Deny,
}

impl Expect {
    /// The word in labels, config and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// One row of an endpoint's origin matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRule {
    /// The label: the name from the config, or the origin itself.
    pub name: String,
    /// What the page sends.
    pub origin: Origin,
    /// What the endpoint is meant to do.
    pub expect: Expect,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_sends_parses_to_itself() {
        for text in [
            "https://shop.example",
            "http://localhost:3000",
            "https://xn--mnchen-3ya.example",
            "http://[::1]:8080",
            "capacitor://localhost",
            "null",
            "none",
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn spelling_that_a_browser_normalises_is_normalised() {
        for (text, ascii) in [
            ("https://Shop.Example", "https://shop.example"),
            ("https://shop.example:443", "https://shop.example"),
            ("http://shop.example:80", "http://shop.example"),
            ("https://shop.example:8443", "https://shop.example:8443"),
            ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ] {
            assert_eq!(text.parse(), Ok(Origin::Page(ascii.to_owned())), "{text}");
        }
    }

    #[test]
    fn more_than_an_origin_names_the_origin_inside() {
        for text in [
            "https://shop.example/",
            "https://shop.example/cart",
            "https://shop.example?x=1",
            "https://shop.example#top",
            "https://me@shop.example",
            "https://me:secret@shop.example",
        ] {
            let inside = OriginError::MoreThanAnOrigin { origin: "https://shop.example".into() };
            assert_eq!(text.parse::<Origin>(), Err(inside), "{text}");
        }
    }

    #[test]
    fn no_origin_is_refused() {
        for text in ["", "shop.example", "https://", "//shop.example", "mailto:a@b.example"] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError::NotAnOrigin), "{text}");
        }
        assert_eq!("*".parse::<Origin>(), Err(OriginError::Wildcard));
    }

    #[test]
    fn only_an_absent_origin_sends_no_header() {
        assert_eq!(Origin::Absent.header(), None);
        assert_eq!(Origin::Null.header(), Some("null"));
        assert_eq!(Origin::Page("https://a.example".into()).header(), Some("https://a.example"));
    }
}

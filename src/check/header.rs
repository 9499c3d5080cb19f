//! Headers that a config adds to a request.

use http::{HeaderName, HeaderValue};

use super::fetch;

/// One header beyond those that the protocol asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    name: HeaderName,
    value: HeaderValue,
}

impl Header {
    /// A header that does not speak over the ones that the probe itself writes.
    ///
    /// The value is marked sensitive: it shows in no `Debug` output.
    pub fn new(name: &str, value: &str) -> Result<Self, HeaderError> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::Name)?;
        let own =
            ["connection", "content-length", "host", "origin", "transfer-encoding", "upgrade"];
        if own.contains(&name.as_str()) || name.as_str().starts_with("sec-websocket-") {
            return Err(HeaderError::Reserved);
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| HeaderError::Value)?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }

    /// A header that a page's script may set.
    pub fn from_page(name: &str, value: &str) -> Result<Self, HeaderError> {
        let value = value.trim_matches([' ', '\t']);
        if fetch::is_forbidden(name, value) {
            return Err(HeaderError::Forbidden);
        }
        Self::new(name, value)
    }

    /// Both values, as the one header that goes over the wire.
    pub fn joined_with(&self, other: &Self) -> Result<Self, HeaderError> {
        let joined = [self.value(), other.value()].join(&b", "[..]);
        // Of an empty second value, the comma alone is left.
        let mut value =
            HeaderValue::from_bytes(joined.trim_ascii_end()).map_err(|_| HeaderError::Value)?;
        value.set_sensitive(true);
        Ok(Self { name: self.name.clone(), value })
    }

    /// The name, in lower case.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The value as it goes over the wire.
    pub fn value(&self) -> &[u8] {
        self.value.as_bytes()
    }
}

/// Why a header cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not a token (RFC 9110 section 5.6.2).
    #[error("not a header name: letters, digits and - only")]
    Name,
    /// Control characters.
    #[error("not a header value: visible characters on one line only")]
    Value,
    /// Browsers keep this header to themselves.
    #[error("no browser lets a page set this header")]
    Forbidden,
    /// The probe writes this header itself.
    #[error("the probe writes this header itself")]
    Reserved,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probes_own_headers_cannot_be_set() {
        for name in ["Origin", "HOST", "Sec-WebSocket-Key", "Upgrade", "Transfer-Encoding"] {
            assert_eq!(Header::new(name, "x"), Err(HeaderError::Reserved), "{name}");
        }
    }

    #[test]
    fn a_header_cannot_smuggle_a_second_one() {
        assert_eq!(Header::new("X-A", "1\r\nX-B: 2"), Err(HeaderError::Value));
        assert_eq!(Header::new("X-A: 1\r\nX-B", "2"), Err(HeaderError::Name));
    }

    #[test]
    fn a_value_does_not_show_in_debug_output() {
        let header = Header::new("Authorization", "Bearer hunter2").unwrap();
        assert!(!format!("{header:?}").contains("hunter2"));
    }
}

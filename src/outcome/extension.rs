//! The one extension that browsers offer: `permessage-deflate` (RFC 7692), and what a server may
//! answer to the offer. The grammar is that of RFC 6455 section 9.1, as Chromium reads it.

use super::header::{self, Header};

/// What is offered, word by word as browsers do.
pub const OFFER: &str = "permessage-deflate; client_max_window_bits";

/// Compressed messages were agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deflate {
    /// The server begins each message afresh; else it refers to what it sent before.
    pub afresh: bool,
}

/// Something that browsers refuse.
#[derive(Debug, PartialEq, Eq)]
pub struct Unacceptable;

/// Reads what a server has agreed to.
pub fn agreed(headers: &[Header<'_>]) -> Result<Option<Deflate>, Unacceptable> {
    let mut agreed = None;
    for value in header::values(headers, "Sec-WebSocket-Extensions") {
        let deflate = Reader(value).extension().ok_or(Unacceptable)?;
        if agreed.replace(deflate).is_some() {
            return Err(Unacceptable);
        }
    }
    Ok(agreed)
}

/// Parameters that were met.
#[derive(Default)]
struct Met {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: bool,
    client_max_window_bits: bool,
}

/// What is left to read of a value.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The whole value: one extension, and nothing behind it.
    fn extension(mut self) -> Option<Deflate> {
        (self.token()? == b"permessage-deflate").then_some(())?;
        let mut met = Met::default();
        while self.skip(b';') {
            let name = self.token()?;
            let value = if self.skip(b'=') { Some(self.value()?) } else { None };
            let (seen, legal) = match name {
                b"server_no_context_takeover" => {
                    (&mut met.server_no_context_takeover, value.is_none())
                }
                b"client_no_context_takeover" => {
                    (&mut met.client_no_context_takeover, value.is_none())
                }
                b"server_max_window_bits" => (&mut met.server_max_window_bits, is_bits(value)),
                b"client_max_window_bits" => (&mut met.client_max_window_bits, is_bits(value)),
                _ => return None,
            };
            (legal && !std::mem::replace(seen, true)).then_some(())?;
        }
        self.blanks();
        self.0.is_empty().then_some(Deflate { afresh: met.server_no_context_takeover })
    }

    fn blanks(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn skip(&mut self, wanted: u8) -> bool {
        self.blanks();
        let rest = self.0.strip_prefix(&[wanted]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        self.blanks();
        let length = self.0.iter().take_while(|byte| header::is_token(**byte)).count();
        let (token, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        (length > 0).then_some(token)
    }

    /// A token, in quotation marks perhaps.
    fn value(&mut self) -> Option<Vec<u8>> {
        if !self.skip(b'"') {
            return self.token().map(<[u8]>::to_vec);
        }
        let mut value = Vec::new();
        loop {
            let (byte, rest) = match self.0 {
                [b'"', rest @ ..] => {
                    self.0 = rest;
                    return (!value.is_empty()).then_some(value);
                }
                [b'\\', byte, rest @ ..] | [byte, rest @ ..] => (*byte, rest),
                [] => return None,
            };
            value.push(byte);
            self.0 = rest;
        }
    }
}

/// A number from 8 to 15 (RFC 7692 section 7.1.2.1).
fn is_bits(value: Option<Vec<u8>>) -> bool {
    let value = value.as_deref();
    matches!(value, Some([b'8' | b'9'] | [b'1', b'0'..=b'5']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<Deflate>, Unacceptable> {
        let name = "sec-websocket-extensions";
        let headers: Vec<_> =
            values.iter().map(|value| Header { name, value: value.as_bytes() }).collect();
        agreed(&headers)
    }

    #[test]
    fn what_browsers_agree_to_is_agreed() {
        assert_eq!(read(&[]), Ok(None));
        for (value, afresh) in [
            ("permessage-deflate", false),
            (" permessage-deflate ", false),
            ("permessage-deflate;server_no_context_takeover", true),
            ("permessage-deflate; client_no_context_takeover", false),
            ("permessage-deflate ; client_max_window_bits = 15", false),
            ("permessage-deflate; server_max_window_bits=\"8\"", false),
            ("permessage-deflate; server_max_window_bits=\"1\\0\"", false),
        ] {
            assert_eq!(read(&[value]), Ok(Some(Deflate { afresh })), "{value:?}");
        }
    }

    #[test]
    fn what_browsers_refuse_is_unacceptable() {
        for value in [
            "",
            ",",
            "permessage-deflate,",
            "permessage-deflate, permessage-deflate",
            "Permessage-Deflate",
            "x-webkit-deflate-frame",
            "permessage-deflate;",
            "permessage-deflate x",
            "permessage-deflate; x",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_max_window_bits=08",
            "permessage-deflate; client_max_window_bits=8; client_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=\"\"",
            "permessage-deflate; server_max_window_bits=\"8",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        ] {
            assert_eq!(read(&[value]), Err(Unacceptable), "{value:?}");
        }
        assert_eq!(read(&["permessage-deflate", "permessage-deflate"]), Err(Unacceptable));
    }
}

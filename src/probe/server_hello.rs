//! Reads the answer to a ClientHello: which version and which suite a server chose.

use std::fmt;

use rustls::CipherSuite;

/// Most bytes of an answer that are looked at: more than the head of a ServerHello takes, also
/// where it comes one byte to a record.
pub const MAX_BYTES: usize = 1024;

/// RFC 8446 section 5.1: the content types of the records that may come.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// RFC 5246 section 7.4: the type of the message.
const SERVER_HELLO: u8 = 2;

/// RFC 5246 section 7.2: the level of an alert after which a handshake goes on.
const WARNING: u8 = 1;

/// What a server chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// As on the wire: 0x0303 is TLS 1.2.
    pub version: u16,
    /// As on the wire.
    pub suite: u16,
}

impl Choice {
    /// `TLS 1.0`.
    pub fn version_name(self) -> &'static str {
        match self.version {
            0x0300 => "SSL 3.0",
            0x0301 => "TLS 1.0",
            0x0302 => "TLS 1.1",
            _ => "TLS 1.2",
        }
    }

    /// As IANA names it: `TLS_RSA_WITH_AES_128_CBC_SHA`.
    pub fn suite_name(self) -> &'static str {
        CipherSuite::from(self.suite).as_str().unwrap_or("a suite without a name")
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.version_name(), self.suite_name())
    }
}

/// What the bytes of an answer are, as far as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// A ServerHello.
    Hello(Choice),
    /// It may become one.
    Incomplete,
    /// Something else: an alert, or no TLS.
    Other,
}

/// Reads the bytes that came so far; only the first [`MAX_BYTES`] of them count.
pub fn read(bytes: &[u8]) -> Reply {
    let mut rest = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    let full = rest.len() == MAX_BYTES;
    let mut message = Vec::new();
    loop {
        match hello(&message) {
            Reply::Incomplete => {}
            settled => return settled,
        }
        let [kind, major, _, high, low, payload @ ..] = rest else {
            let begins = matches!(rest.first(), None | Some(&ALERT | &HANDSHAKE));
            return if begins && !full { Reply::Incomplete } else { Reply::Other };
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        // RFC 5246 section 6.2.1: no fragment of these types is empty or longer than this.
        if *major != 3 || length == 0 || length > 1 << 14 {
            return Reply::Other;
        }
        let part = payload.get(..length).unwrap_or(payload);
        match *kind {
            HANDSHAKE => message.extend_from_slice(part),
            // Old servers say that they do not know the name, and go on.
            ALERT if part.first().is_none_or(|level| *level == WARNING) => {}
            _ => return Reply::Other,
        }
        rest = payload.get(part.len()..).unwrap_or_default();
    }
}

/// RFC 5246 section 7.4.1.3, up to the suite.
fn hello(message: &[u8]) -> Reply {
    let [kind, _, high, low, body @ ..] = message else {
        return match message.first() {
            None | Some(&SERVER_HELLO) => Reply::Incomplete,
            Some(_) => Reply::Other,
        };
    };
    // Version, random, no session, suite and compression are the least that there is.
    if *kind != SERVER_HELLO || u16::from_be_bytes([*high, *low]) < 38 {
        return Reply::Other;
    }
    let at = |index: usize| body.get(index).copied();
    if at(0).is_some_and(|major| major != 3) || at(1).is_some_and(|minor| minor > 3) {
        return Reply::Other;
    }
    let Some(session) = at(34) else { return Reply::Incomplete };
    if session > 32 {
        return Reply::Other;
    }
    let behind = 35 + usize::from(session);
    let (Some(major), Some(minor), Some(high), Some(low)) =
        (at(0), at(1), at(behind), at(behind + 1))
    else {
        return Reply::Incomplete;
    };
    Reply::Hello(Choice {
        version: u16::from_be_bytes([major, minor]),
        suite: u16::from_be_bytes([high, low]),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(version: u16, session: usize, suite: u16) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.push(session as u8);
        body.extend(vec![9; session]);
        body.extend(suite.to_be_bytes());
        body.push(0);
        [&[2, 0, 0, body.len() as u8][..], &body].concat()
    }

    fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u16).to_be_bytes();
        [&[kind, 3, 1][..], &length, payload].concat()
    }

    #[test]
    fn a_choice_is_named() {
        let reply = read(&record(HANDSHAKE, &message(0x0301, 32, 0x002f)));
        let Reply::Hello(choice) = reply else { panic!("{reply:?}") };
        assert_eq!(choice.to_string(), "TLS 1.0, TLS_RSA_WITH_AES_128_CBC_SHA");
    }

    #[test]
    fn what_is_no_hello_is_none() {
        let hello = record(HANDSHAKE, &message(0x0303, 0, 0x002f));
        let fatal = record(ALERT, &[2, 40]);
        assert_eq!(read(&fatal), Reply::Other);
        assert_eq!(read(&[&fatal[..], &hello].concat()), Reply::Other);
        assert_eq!(read(b"HTTP/1.1 400"), Reply::Other);
        assert_eq!(read(&record(HANDSHAKE, &[14, 0, 0, 0])), Reply::Other);
        assert_eq!(read(&record(HANDSHAKE, &message(0x0304, 0, 0x1301))), Reply::Other);
        assert_eq!(read(&[HANDSHAKE, 3, 3, 0, 0]), Reply::Other, "an empty fragment");
        let warned = [&record(ALERT, &[1, 112])[..], &hello].concat();
        assert!(matches!(read(&warned), Reply::Hello(_)), "a warning ends nothing");
    }

    proptest! {
        /// However it is cut into records, and however much of it came.
        #[test]
        fn a_hello_is_read_as_soon_as_it_is_there(
            version in 0x0300_u16..=0x0303,
            session in 0_usize..=32,
            suite: u16,
            sizes in prop::collection::vec(1_usize..40, 1..80),
        ) {
            let whole = message(version, session, suite);
            let (mut bytes, mut rest, mut sizes) = (Vec::new(), &whole[..], sizes.iter().cycle());
            while !rest.is_empty() {
                let (part, behind) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
                bytes.extend(record(HANDSHAKE, part));
                rest = behind;
            }
            let expected = Reply::Hello(Choice { version, suite });
            prop_assert_eq!(read(&bytes), expected);
            let mut seen = false;
            for end in 0..bytes.len() {
                let reply = read(&bytes[..end]);
                prop_assert!(reply == expected || (!seen && reply == Reply::Incomplete));
                seen |= reply == expected;
            }
        }

        #[test]
        fn noise_is_read_without_harm(bytes: Vec<u8>) {
            if let Reply::Hello(choice) = read(&bytes) {
                prop_assert!(bytes.len() >= 44 && choice.version <= 0x0303);
            }
        }
    }
}

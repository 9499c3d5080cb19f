//! Reads the head of an HTTP/1 response: leniently, as browsers do, and never without a cap.

use httparse::{Header, ParserConfig, Status};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::io_error;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;

/// Most bytes of a head.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Most headers of a head.
pub const MAX_HEADERS: usize = 200;

/// First read; most heads fit.
const USUAL_HEAD_BYTES: usize = 1024;

/// A head, and what came behind it.
#[derive(Debug)]
pub struct Head {
    bytes: Vec<u8>,
    end: usize,
    phase: Phase,
    /// The head as it came, where characters of it had to be changed for the parser.
    original: Option<Vec<u8>>,
}

impl Head {
    /// Reads up to the empty line that ends a head; `phase` is where it fails.
    pub async fn read(
        stream: &mut (impl AsyncRead + Unpin),
        phase: Phase,
    ) -> Result<Self, Failure> {
        let mut bytes = Vec::with_capacity(USUAL_HEAD_BYTES);
        let mut searched = 0;
        loop {
            // Before anything else, so that it does not hang on how the bytes were cut.
            if !begins_like_http(&bytes) {
                return Err(Failure::HttpMalformed { phase, start: Quoted::bytes(&bytes) });
            }
            // Only what is new is searched, or a drip would cost the square of its length.
            if let Some(end) = end_of_head(&bytes, searched) {
                return Self { bytes, end, phase, original: None }.made_plain();
            }
            searched = bytes.len();
            if searched >= MAX_HEAD_BYTES {
                return Err(Failure::HttpHeadTooBig(phase));
            }
            let room = (MAX_HEAD_BYTES - searched) as u64;
            let read = (&mut *stream).take(room).read_buf(&mut bytes).await;
            match read.map_err(|error| io_error::failure(&error, phase))? {
                0 => return Err(Failure::Closed(phase)),
                _ => bytes.reserve(USUAL_HEAD_BYTES),
            }
        }
    }

    /// Browsers take no head with a NUL in it, and do not mind other control characters: the parser
    /// would give up at one in the reason phrase, and pass over a header with one. They become `?`
    /// for the parser; a header's value is given as it came.
    fn made_plain(mut self) -> Result<Self, Failure> {
        let head = self.bytes.get_mut(..self.end).unwrap_or_default();
        if head.contains(&0) {
            let start = Quoted::bytes(head);
            return Err(Failure::HttpMalformed { phase: self.phase, start });
        }
        if head.iter().any(is_odd) {
            self.original = Some(head.to_vec());
            head.iter_mut().filter(|byte| is_odd(byte)).for_each(|byte| *byte = b'?');
        }
        let line = head.split_mut(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = match line {
            [line @ .., b'\r'] => line,
            line => line,
        };
        let controls = line.iter_mut().filter(|byte| byte.is_ascii_control() && **byte != b'\t');
        controls.for_each(|byte| *byte = b'?');
        Ok(self)
    }

    /// Parses the head and hands it on. Borrowed, since a good answer needs no copy of it.
    pub fn parse<T>(
        &self,
        then: impl FnOnce(u16, &str, &[Header<'_>]) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let phase = self.phase;
        let malformed = || Err(Failure::HttpMalformed { phase, start: Quoted::bytes(self.head()) });
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let mut config = ParserConfig::default();
        config
            .allow_multiple_spaces_in_response_status_delimiters(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true);
        match config.parse_response(&mut response, self.head()) {
            Ok(Status::Complete(_)) if has_two_lengths(response.headers) => malformed(),
            Ok(Status::Complete(_)) => {
                self.restore(response.headers);
                let status = response.code.unwrap_or_default();
                then(status, response.reason.unwrap_or_default(), response.headers)
            }
            Err(httparse::Error::TooManyHeaders) => Err(Failure::HttpHeadTooBig(phase)),
            Ok(Status::Partial) | Err(_) => malformed(),
        }
    }

    /// Puts values back as they came.
    fn restore<'a>(&'a self, headers: &mut [Header<'a>]) {
        let Some(original) = &self.original else { return };
        for header in headers {
            let start = header.value.as_ptr().addr().checked_sub(self.bytes.as_ptr().addr());
            let value = start.and_then(|start| original.get(start..start + header.value.len()));
            header.value = value.unwrap_or(header.value);
        }
    }

    fn head(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }

    /// What came behind the head.
    pub fn into_rest(mut self) -> Vec<u8> {
        self.bytes.split_off(self.end)
    }
}

/// A control character that is neither a blank nor part of a line's end.
fn is_odd(byte: &u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n')
}

/// Several lengths that differ: a proxy and a browser might see different answers here, which is
/// how answers are smuggled. Browsers let them pass only where a transfer coding makes them idle.
fn has_two_lengths(headers: &[Header<'_>]) -> bool {
    let named = |name: &str| {
        let same = move |header: &&Header<'_>| header.name.eq_ignore_ascii_case(name);
        headers.iter().filter(same).map(|header| header.value.trim_ascii()).collect::<Vec<_>>()
    };
    let lengths = named("Content-Length");
    lengths.iter().any(|length| Some(length) != lengths.first())
        && named("Transfer-Encoding").is_empty()
}

/// The byte behind the first empty line; lines may end in LF alone.
fn end_of_head(bytes: &[u8], searched: usize) -> Option<usize> {
    // An empty line may begin three bytes before what is new.
    let from = searched.saturating_sub(3);
    let new = bytes.get(from..)?;
    let lf = |at: usize| new.get(at) == Some(&b'\n');
    new.iter().enumerate().find_map(|(at, byte)| match byte {
        b'\n' if lf(at + 1) => Some(from + at + 2),
        b'\n' if new.get(at + 1) == Some(&b'\r') && lf(at + 2) => Some(from + at + 3),
        _ => None,
    })
}

/// Whether these first bytes can still become a status line.
fn begins_like_http(bytes: &[u8]) -> bool {
    bytes.iter().zip(b"HTTP/").all(|(byte, wanted)| byte == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_its_first_empty_line_however_it_is_cut() {
        for (text, end) in [
            ("HTTP/1.1 101 X\r\nA: b\r\n\r\nrest", 24),
            ("HTTP/1.1 101 X\nA: b\n\nrest", 21),
            ("HTTP/1.1 101 X\r\nA: b\n\r\nrest", 23),
        ] {
            for cut in 0..text.len() {
                let first = end_of_head(&text.as_bytes()[..cut], 0);
                let found = first.or_else(|| end_of_head(text.as_bytes(), cut));
                assert_eq!(found, Some(end), "{text:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn other_protocols_are_told_by_their_first_bytes() {
        assert!(
            begins_like_http(b"") && begins_like_http(b"HT") && begins_like_http(b"HTTP/1.1 1")
        );
        assert!(!begins_like_http(b"SSH-2.0") && !begins_like_http(b"HTTX"));
    }

    #[tokio::test]
    async fn a_head_begins_with_its_first_byte_however_it_is_cut() {
        let text = "\r\nHTTP/1.1 200 X\r\n\r\n";
        for cut in 0..text.len() {
            let (first, rest) = text.as_bytes().split_at(cut);
            let read = Head::read(&mut first.chain(rest), Phase::Upgrade).await;
            assert!(matches!(read, Err(Failure::HttpMalformed { .. })), "cut at {cut}");
        }
    }

    fn parsed(text: &str) -> Result<(u16, usize), Failure> {
        let (bytes, phase) = (text.as_bytes().to_vec(), Phase::Upgrade);
        let head = Head { bytes, end: text.len(), phase, original: None }.made_plain()?;
        head.parse(|status, _, headers| Ok((status, headers.len())))
    }

    #[test]
    fn what_browsers_read_is_read() {
        for (text, expected) in [
            ("HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n", (101, 1)),
            ("HTTP/1.0 101\r\n\r\n", (101, 0)),
            ("HTTP/1.1 403 \r\nA : b\r\n\r\n", (403, 1)),
            ("HTTP/1.1  403 Verb\u{f6}ten\nA: b\n c\n\n", (403, 1)),
            ("HTTP/1.1 403 \u{1b}[2J\u{7f}\ta\rb\r\nA: b\r\n\r\n", (403, 1)),
            ("HTTP/1.1 101 X\r\nContent-Length: 0\r\ncontent-length:0\r\n\r\n", (101, 2)),
            (
                "HTTP/1.1 200 X\r\nContent-Length: 0\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                (200, 3),
            ),
        ] {
            assert_eq!(parsed(text), Ok(expected), "{text:?}");
        }
    }

    #[tokio::test]
    async fn a_header_with_a_control_character_is_one() {
        let text =
            "HTTP/1.1 200 \x01X\r\nA: \x01\r\nB\x01: c\r\nC: *\x0b\t\r\nD: e\x7f\r\n f\r\n\r\n";
        let head = Head::read(&mut text.as_bytes(), Phase::Request).await.unwrap();
        let lines = head.parse(|_, phrase, headers| {
            let lines =
                headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec()));
            Ok((phrase.to_owned(), lines.collect::<Vec<_>>()))
        });
        let line = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
        let lines_wanted = vec![line("A", b"\x01"), line("C", b"*\x0b"), line("D", b"e\x7f\r\n f")];
        assert_eq!(lines, Ok(("?X".to_owned(), lines_wanted)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(text in "(HTTP/1.1 [0-9]{3} )?(\\PC|[\\x00-\\x1f:]){0,64}(\r\n)*") {
            parsed(&text).ok();
        }
    }

    #[test]
    fn what_is_no_head_is_malformed() {
        for text in [
            "HTTP/2 101 X\r\n\r\n",
            "HTTP/1.1 1O1 X\r\n\r\n",
            "HTTP/1.1\r\n\r\n",
            "HTTP/1.1 101 X\r\nA: \0\r\n\r\n",
            "HTTP/1.1 101 \0\r\nA: b\r\n\r\n",
            "HTTP/1.1 403 X\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n",
        ] {
            assert!(matches!(parsed(text), Err(Failure::HttpMalformed { .. })), "{text:?}");
        }
        let many = "A: b\r\n".repeat(MAX_HEADERS + 1);
        let many = parsed(&format!("HTTP/1.1 200 X\r\n{many}\r\n"));
        assert_eq!(many, Err(Failure::HttpHeadTooBig(Phase::Upgrade)));
    }
}

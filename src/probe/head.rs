//! Reads the head of an HTTP/1 response: leniently, as browsers do, and never without a cap.

mod syntax;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::io_error;
use crate::outcome::failure::Failure;
use crate::outcome::header::{self, Header};
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;
use syntax::Start;

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
            match syntax::start(&bytes) {
                Start::Nowhere => return Err(malformed(&bytes, phase)),
                Start::Unknown => {}
                Start::At(start) => {
                    // Only what is new is searched, or a drip would cost the square of its length.
                    let searched = searched.max(start + 3);
                    if let Some(end) = syntax::end(&bytes, searched) {
                        return Self::cut(bytes, start, end, phase);
                    }
                }
            }
            searched = bytes.len();
            if searched >= MAX_HEAD_BYTES {
                return Err(Failure::HttpHeadTooBig(phase));
            }
            let room = (MAX_HEAD_BYTES - searched) as u64;
            let read = (&mut *stream).take(room).read_buf(&mut bytes).await;
            match read.map_err(|error| io_error::failure(&error, phase))? {
                0 => return Err(cut_off(bytes, phase)),
                _ => bytes.reserve(USUAL_HEAD_BYTES),
            }
        }
    }

    /// Takes a head out of what came. Browsers take none with a NUL in it.
    fn cut(
        mut bytes: Vec<u8>,
        start: usize,
        mut end: usize,
        phase: Phase,
    ) -> Result<Self, Failure> {
        bytes.drain(..start);
        end -= start;
        let head = bytes.get(..end).unwrap_or_default();
        if head.contains(&0) {
            return Err(malformed(head, phase));
        }
        if let Some(plain) = syntax::unfolded(head) {
            let length = plain.len();
            bytes.splice(..end, plain);
            end = length;
        }
        Ok(Self { bytes, end, phase })
    }

    /// Whether its version has chunks.
    pub fn knows_chunks(&self) -> bool {
        let line = syntax::lines(self.head()).next();
        syntax::status(line.unwrap_or_default()).knows_chunks
    }

    /// Parses the head and hands it on. Borrowed, since a good answer needs no copy of it.
    pub fn parse<T>(
        &self,
        then: impl FnOnce(u16, &[u8], &[Header<'_>]) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut lines = syntax::lines(self.head());
        let status = syntax::status(lines.next().unwrap_or_default());
        let mut headers = [Header::EMPTY; MAX_HEADERS];
        let mut count = 0;
        for header in lines.filter_map(syntax::header) {
            *headers.get_mut(count).ok_or(Failure::HttpHeadTooBig(self.phase))? = header;
            count += 1;
        }
        let headers = headers.get(..count).unwrap_or_default();
        if is_smuggled(headers, status.knows_chunks) {
            return Err(malformed(self.head(), self.phase));
        }
        then(status.code, status.phrase, headers)
    }

    fn head(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }

    /// What came behind the head.
    pub fn into_rest(mut self) -> Vec<u8> {
        self.bytes.split_off(self.end)
    }
}

fn malformed(start: &[u8], phase: Phase) -> Failure {
    Failure::HttpMalformed { phase, start: Quoted::bytes(start) }
}

/// What is said of a head without an end: browsers look at what there is.
fn cut_off(bytes: Vec<u8>, phase: Phase) -> Failure {
    let closed = Failure::Closed(phase);
    match syntax::start(&bytes) {
        Start::At(start) => {
            let end = bytes.len();
            let seen = Head::cut(bytes, start, end, phase);
            seen.and_then(|head| head.parse(|_, _, _| Ok(()))).err().unwrap_or(closed)
        }
        _ if bytes.is_empty() => closed,
        _ => malformed(&bytes, phase),
    }
}

/// Several lengths, places or dispositions that differ: a proxy and a browser might see different
/// answers here, which is how answers are smuggled. A transfer coding makes lengths idle.
fn is_smuggled(headers: &[Header<'_>], knows_chunks: bool) -> bool {
    let is_chunked = knows_chunks && header::has(headers, "Transfer-Encoding", "chunked");
    !is_chunked && header::differ(header::values(headers, "Content-Length"))
        || header::differ(header::values(headers, "Content-Disposition"))
        || header::differ(header::whole(headers, "Location"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_head_is_the_same_however_it_is_cut() {
        let text = "\r\n\r\nHTTP/1.1 200 X\r\nA: b\r\n\r\nrest";
        for cut in 0..text.len() {
            let (first, rest) = text.as_bytes().split_at(cut);
            let read = Head::read(&mut first.chain(rest), Phase::Upgrade).await.unwrap();
            assert_eq!(read.head(), b"HTTP/1.1 200 X\r\nA: b\r\n\r\n", "cut at {cut}");
        }
    }

    async fn read(text: &str) -> Result<(u16, String, usize), Failure> {
        let head = Head::read(&mut text.as_bytes(), Phase::Upgrade).await?;
        head.parse(|status, phrase, headers| {
            Ok((status, String::from_utf8_lossy(phrase).into_owned(), headers.len()))
        })
    }

    #[tokio::test]
    async fn what_browsers_read_is_read() {
        for (text, status, phrase, headers) in [
            ("HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n", 101, "Switching Protocols", 1),
            ("HTTP/1.0 101\r\n\r\n", 101, "", 0),
            ("HTTP/1.1 403 \r\nA : b\r\n\r\n", 403, "", 1),
            ("HTTP/1.1  403 Verb\u{f6}ten\nA: b\n c\n\n", 403, "Verb\u{f6}ten", 1),
            ("HTTP/1.1 403 \u{1b}[2J\u{7f}\ta\rb:\r\nA: b\r\n\r\n", 403, "\u{1b}[2J\u{7f}\ta", 2),
            ("HTTP/1.1 101 X\r\nContent-Length: 0\r\ncontent-length:0\r\n\r\n", 101, "X", 2),
            ("HTTP/1.1 302 X\r\nLocation: /a, /b\r\nLocation: /a, /b\r\n\r\n", 302, "X", 2),
            (
                "HTTP/1.1 200 X\r\nContent-Length: 0\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                200,
                "X",
                3,
            ),
        ] {
            let expected = (status, phrase.to_owned(), headers);
            assert_eq!(read(text).await, Ok(expected), "{text:?}");
        }
    }

    #[tokio::test]
    async fn what_browsers_take_for_an_attack_is_malformed() {
        let two = "HTTP/1.1 403 X\r\nContent-Length: 0\r\nContent-Length: 1\r\n";
        for text in [
            "SSH-2.0-OpenSSH_9.2p1\r\n",
            "HTT",
            "HTTP/1.1 101 X\r\nA: \0\r\n\r\n",
            "HTTP/1.1 101 \0\r\nA: b\r\n\r\n",
            two,
            &format!("{two}\r\n"),
            &format!("{two}Transfer-Encoding: gzip\r\n\r\n"),
            &format!("{two}Transfer-Encoding: chunked\r\n\r\n").replace("1.1", "1.0"),
            "HTTP/1.1 403 X\r\nContent-Length: 0, 1\r\n\r\n",
            "HTTP/1.1 302 X\r\nLocation: /a\r\nLocation: /b\r\n\r\n",
            "HTTP/1.1 200 X\r\nContent-Disposition: inline, attachment\r\n\r\n",
        ] {
            assert!(matches!(read(text).await, Err(Failure::HttpMalformed { .. })), "{text:?}");
        }
    }

    #[tokio::test]
    async fn what_has_no_end_is_closed_or_too_big() {
        for text in ["", "HTTP/1.1 101 X\r\nA: b\r\n"] {
            assert_eq!(read(text).await, Err(Failure::Closed(Phase::Upgrade)), "{text:?}");
        }
        let many = "A: b\r\n".repeat(MAX_HEADERS + 1);
        let many = format!("HTTP/1.1 200 X\r\n{many}\r\n");
        assert_eq!(read(&many).await, Err(Failure::HttpHeadTooBig(Phase::Upgrade)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(text in "(HTTP/1.1 [0-9]{3} )?(\\PC|[\\x00-\\x1f:]){0,64}(\r\n)*") {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(read(&text)).ok();
        }
    }
}

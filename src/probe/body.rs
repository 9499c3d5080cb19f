//! The body of an HTTP/1 answer: where it ends, and no more of it than is of use.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};

use super::head::Head;
use super::io_error;
use crate::outcome::failure::Failure;
use crate::outcome::header::{self, Header};
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;

/// Largest body that is read whole.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Most bytes of a body that are read as evidence.
const MAX_EXCERPT_BYTES: usize = 1024;

/// Longest that they are waited for.
const EXCERPT_WAIT: Duration = Duration::from_millis(250);

/// Most bytes of a line between chunks, and of all lines behind the last one.
const MAX_LINE_BYTES: usize = 4 * 1024;

/// How much is read at a time.
const READ_BYTES: usize = 4 * 1024;

/// What tells where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Length(u64),
    /// Chunks (RFC 9112 section 7.1).
    Chunked,
    /// The end of the connection.
    UntilClose,
}

impl Framing {
    /// That of an answer to a request with this method (RFC 9112 section 6.3).
    pub fn of(head: &Head, method: &str) -> Result<Self, Failure> {
        let knows_chunks = head.knows_chunks();
        head.parse(|status, _, headers| {
            let without = method == "HEAD" || matches!(status, 100..=199 | 204 | 304);
            Ok(if without { Self::Length(0) } else { Self::told(headers, knows_chunks) })
        })
    }

    fn told(headers: &[Header<'_>], knows_chunks: bool) -> Self {
        if knows_chunks && header::has(headers, "Transfer-Encoding", "chunked") {
            return Self::Chunked;
        }
        // Several that differ are no head at all.
        let length = header::values(headers, "Content-Length").next();
        let digits = length.filter(|digits| digits.iter().all(u8::is_ascii_digit));
        let text = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        text.and_then(|text| text.parse().ok()).map_or(Self::UntilClose, Self::Length)
    }
}

/// What the next bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// So many bytes of the body, and then the end.
    Last(u64),
    /// All that comes.
    All,
    /// A line with the size of a chunk.
    Size,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The line behind a chunk, which is empty.
    ChunkEnd,
    /// Lines behind the last chunk, up to an empty one.
    Trailer,
    /// Nothing more.
    Nothing,
}

/// A body as far as it has come.
#[derive(Debug)]
pub struct Body {
    next: Next,
    line: Vec<u8>,
    trailer: usize,
    content: Vec<u8>,
    max: usize,
}

/// Chunks that are none.
#[derive(Debug, PartialEq, Eq)]
pub struct BadChunk;

impl Body {
    /// Nothing of it yet; of its content, no more than `max` bytes are kept.
    pub fn new(framing: Framing, max: usize) -> Self {
        let next = match framing {
            Framing::Length(0) => Next::Nothing,
            Framing::Length(length) => Next::Last(length),
            Framing::Chunked => Next::Size,
            Framing::UntilClose => Next::All,
        };
        Self { next, line: Vec::new(), trailer: 0, content: Vec::new(), max }
    }

    /// Takes in what has come.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), BadChunk> {
        while !bytes.is_empty() && !self.is_over() {
            bytes = match self.next {
                Next::Nothing => break,
                Next::All => self.keep(bytes, u64::MAX).1,
                Next::Last(left) => {
                    let (kept, rest) = self.keep(bytes, left);
                    let left = left - kept;
                    self.next = if left == 0 { Next::Nothing } else { Next::Last(left) };
                    rest
                }
                Next::Chunk(left) => {
                    let (kept, rest) = self.keep(bytes, left);
                    let left = left - kept;
                    self.next = if left == 0 { Next::ChunkEnd } else { Next::Chunk(left) };
                    rest
                }
                Next::Size | Next::ChunkEnd | Next::Trailer => self.read_line(bytes)?,
            };
        }
        Ok(())
    }

    /// Whether it came to its end.
    pub fn is_whole(&self) -> bool {
        self.next == Next::Nothing && !self.is_over()
    }

    /// Whether it is larger than what is kept.
    pub fn is_over(&self) -> bool {
        self.content.len() > self.max
    }

    /// Whether the end of the connection is its end.
    pub fn ends_here(&self) -> bool {
        matches!(self.next, Next::All | Next::Nothing)
    }

    /// What is kept of it.
    pub fn into_content(mut self) -> Vec<u8> {
        self.content.truncate(self.max);
        self.content
    }

    /// Takes up to `most` bytes of content; gives how many, and what is behind them.
    fn keep<'a>(&mut self, bytes: &'a [u8], most: u64) -> (u64, &'a [u8]) {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
        let (content, rest) = bytes.split_at_checked(most).unwrap_or((bytes, &[]));
        // One byte more than is kept tells that there is more.
        let room = (self.max + 1).saturating_sub(self.content.len());
        self.content.extend(content.iter().take(room));
        (content.len() as u64, rest)
    }

    /// Takes bytes of a line; gives what is behind it.
    fn read_line<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], BadChunk> {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            self.line.extend_from_slice(bytes);
            return if self.line.len() > MAX_LINE_BYTES { Err(BadChunk) } else { Ok(&[]) };
        };
        let (line, rest) = bytes.split_at_checked(end + 1).unwrap_or((bytes, &[]));
        self.line.extend_from_slice(line);
        let line = std::mem::take(&mut self.line);
        if line.len() > MAX_LINE_BYTES {
            return Err(BadChunk);
        }
        let line = line.trim_ascii_end();
        self.next = match self.next {
            Next::ChunkEnd if line.is_empty() => Next::Size,
            Next::ChunkEnd => return Err(BadChunk),
            Next::Trailer if line.is_empty() => Next::Nothing,
            Next::Trailer => {
                self.trailer += line.len();
                if self.trailer > MAX_LINE_BYTES {
                    return Err(BadChunk);
                }
                Next::Trailer
            }
            _ => match size(line)? {
                0 => Next::Trailer,
                size => Next::Chunk(size),
            },
        };
        Ok(rest)
    }
}

/// The number on the line before a chunk; what follows a semicolon is an extension.
fn size(line: &[u8]) -> Result<u64, BadChunk> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    let text = std::str::from_utf8(digits).map_err(|_| BadChunk)?;
    // `from_str_radix` takes a sign too.
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(BadChunk);
    }
    u64::from_str_radix(text, 16).map_err(|_| BadChunk)
}

/// Reads a body up to its end, or until it is larger than [`MAX_BODY_BYTES`]; `rest` came with its
/// head. Gives `None` where it is larger.
pub async fn whole(
    stream: &mut (impl AsyncRead + Unpin),
    rest: Vec<u8>,
    framing: Framing,
) -> Result<Option<Vec<u8>>, Failure> {
    let phase = Phase::Transfer;
    let mut body = Body::new(framing, MAX_BODY_BYTES);
    let mut bytes = rest;
    loop {
        body.feed(&bytes).map_err(|BadChunk| Failure::HttpMalformed {
            phase,
            start: Quoted::text("a chunk that is none"),
        })?;
        if body.is_over() {
            return Ok(None);
        }
        if body.is_whole() {
            return Ok(Some(body.into_content()));
        }
        bytes.clear();
        let read = (&mut *stream).take(READ_BYTES as u64).read_buf(&mut bytes).await;
        let ended = match read.map_err(|error| io_error::failure(&error, phase)) {
            Ok(read) => read == 0,
            // TLS that ends without saying so: browsers take what came.
            Err(Failure::Closed(_)) => true,
            Err(failure) => return Err(failure),
        };
        if ended && body.ends_here() {
            return Ok(Some(body.into_content()));
        }
        if ended {
            return Err(Failure::HttpBodyCutOff);
        }
    }
}

/// The first bytes of a body as evidence: as many as there are, or what comes soon.
pub async fn excerpt(
    mut stream: impl AsyncRead + Unpin,
    mut bytes: Vec<u8>,
    framing: Framing,
    until: Instant,
) -> Quoted {
    let mut body = Body::new(framing, MAX_EXCERPT_BYTES);
    let until = until.min(Instant::now() + EXCERPT_WAIT);
    let reading = async {
        while body.feed(&bytes).is_ok() && !body.is_over() && !body.is_whole() {
            bytes.clear();
            let read = (&mut stream).take(MAX_EXCERPT_BYTES as u64).read_buf(&mut bytes).await;
            if !matches!(read, Ok(1..)) {
                break;
            }
        }
    };
    // How it ends does not matter.
    timeout_at(until, reading).await.ok();
    Quoted::bytes(body.into_content().trim_ascii())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn framing(head: &str, method: &str) -> Framing {
        let head = Head::read(&mut head.as_bytes(), Phase::Request).await.unwrap();
        Framing::of(&head, method).unwrap()
    }

    #[tokio::test]
    async fn a_head_tells_where_its_body_ends() {
        for (head, method, expected) in [
            ("HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\n", "GET", Framing::Length(5)),
            ("HTTP/1.1 200 X\r\nContent-Length: 5, 5\r\n\r\n", "GET", Framing::Length(5)),
            ("HTTP/1.1 200 X\r\nContent-Length: +5\r\n\r\n", "GET", Framing::UntilClose),
            ("HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\n", "HEAD", Framing::Length(0)),
            ("HTTP/1.1 204 X\r\n\r\n", "POST", Framing::Length(0)),
            ("HTTP/1.1 200 X\r\n\r\n", "GET", Framing::UntilClose),
            (
                "HTTP/1.1 200 X\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                "GET",
                Framing::Chunked,
            ),
            (
                "HTTP/1.0 200 X\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                "GET",
                Framing::Length(5),
            ),
        ] {
            assert_eq!(framing(head, method).await, expected, "{head:?}");
        }
    }

    async fn read(framing: Framing, text: &str) -> Result<Option<String>, Failure> {
        let content = whole(&mut text.as_bytes(), Vec::new(), framing).await?;
        Ok(content.map(|content| String::from_utf8(content).unwrap()))
    }

    #[tokio::test]
    async fn a_body_ends_where_its_head_says() {
        use Framing::{Chunked, Length, UntilClose};
        for (framing, text, content) in [
            (Length(2), "abc", "ab"),
            (Length(0), "abc", ""),
            (UntilClose, "abc", "abc"),
            (Chunked, "2\r\nab\r\n1;x=y\r\nc\r\n0\r\nA: b\r\n\r\nrest", "abc"),
            (Chunked, "2\nab\nA \nABCDEFGHIJ\n00\n\n", "abABCDEFGHIJ"),
            (Chunked, "0\r\n\r\n", ""),
        ] {
            assert_eq!(read(framing, text).await, Ok(Some(content.to_owned())), "{text:?}");
        }
    }

    #[tokio::test]
    async fn what_ends_before_is_cut_off_and_chunks_may_be_none() {
        for (framing, text) in [
            (Framing::Length(3), "ab"),
            (Framing::Chunked, ""),
            (Framing::Chunked, "2\r\nab"),
            (Framing::Chunked, "2\r\nab\r\n0\r\n"),
        ] {
            assert_eq!(read(framing, text).await, Err(Failure::HttpBodyCutOff), "{text:?}");
        }
        let long = format!("{}\r\n", "0".repeat(MAX_LINE_BYTES));
        let trailer = format!("0\r\n{}", "A: b\r\n".repeat(MAX_LINE_BYTES));
        let all_f = "f".repeat(17);
        for text in
            ["x\r\n", "\r\n", "+1\r\na\r\n", "2\r\nabc\r\n", "-1\r\n", &long, &trailer, &all_f]
        {
            let read = read(Framing::Chunked, &format!("{text}\r\n")).await;
            assert!(matches!(read, Err(Failure::HttpMalformed { .. })), "{text:.20?}: {read:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_read_beyond_the_cap() {
        let big = "x".repeat(MAX_BODY_BYTES + 1);
        let chunked = format!("{:x}\r\n{big}\r\n0\r\n\r\n", big.len());
        for (framing, text) in [
            (Framing::UntilClose, big.clone()),
            (Framing::Length(u64::MAX), big.clone()),
            (Framing::Chunked, chunked),
        ] {
            assert_eq!(read(framing, &text).await, Ok(None));
        }
        let just = "x".repeat(MAX_BODY_BYTES);
        assert_eq!(read(Framing::UntilClose, &just).await, Ok(Some(just)));
    }

    #[tokio::test]
    async fn an_excerpt_is_of_the_content() {
        let until = Instant::now() + Duration::from_secs(5);
        let text = "4\r\n no \r\n3\r\nway\r\n0\r\n\r\n";
        let quoted = excerpt(text.as_bytes(), Vec::new(), Framing::Chunked, until).await;
        assert_eq!(quoted.as_str(), "no way");
        let (first, rest) = text.split_at(7);
        let quoted = excerpt(rest.as_bytes(), first.into(), Framing::Chunked, until).await;
        assert_eq!(quoted.as_str(), "no way");
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_same_comes_of_it(
            text in "([0-9a-f]{1,2}(;x)?\r?\n[a-z]{0,20}\r?\n|0\r\n\r\n|\\PC{0,8}){0,8}",
            cuts in prop::collection::vec(1..9_usize, 1..20),
            max in 0..64_usize,
        ) {
            let feed = |pieces: Vec<&[u8]>| {
                let mut body = Body::new(Framing::Chunked, max);
                let fed = pieces.into_iter().try_for_each(|piece| body.feed(piece));
                (fed, body.is_whole(), body.is_over(), body.into_content())
            };
            let bytes = text.as_bytes();
            let mut rest = bytes;
            let mut cuts = cuts.iter().cycle();
            let pieces = std::iter::from_fn(|| {
                let (piece, behind) = rest.split_at((*cuts.next()?).min(rest.len()));
                rest = behind;
                (!piece.is_empty()).then_some(piece)
            });
            let in_pieces = feed(pieces.collect());
            prop_assert!(in_pieces.3.len() <= max);
            prop_assert_eq!(in_pieces, feed(vec![bytes]));
        }
    }
}

//! One HTTP/1.1 request and the head of its answer, over a connection of its own.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout_at;

use super::conversation::Capped;
use super::dial::Stream;
use super::head::{Head, MAX_HEAD_BYTES};
use super::witness::Witness;
use super::{Run, io_error};
use crate::check::header::Header;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;

/// Most bytes that are read of an answer, with what TLS adds to them.
const MAX_ANSWER_BYTES: usize = 2 * MAX_HEAD_BYTES;

/// Most answers that only say that another is to come (1xx).
const MAX_INTERIM: usize = 8;

/// A request as it is written.
pub struct Message(Vec<u8>);

impl Message {
    /// Its first lines; `headers` are to follow, and may hold a `User-Agent`.
    pub fn begin(run: &Run<'_>, method: &str, headers: &[Header]) -> Self {
        let target = &run.check.endpoint.target;
        let mut message = Self(Vec::with_capacity(512));
        message.line(&[method.as_bytes(), b" ", target.path.as_bytes(), b" HTTP/1.1"]);
        message.line(&[b"Host: ", target.authority().as_bytes()]);
        message.line(&[b"Connection: close"]);
        if !has(headers, "user-agent") {
            message.line(&[b"User-Agent: ", run.prober.user_agent.as_bytes()]);
        }
        message
    }

    /// One line, put together.
    pub fn line(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.0.extend_from_slice(part));
        self.0.extend_from_slice(b"\r\n");
    }

    /// The headers that the method and the body ask for, and those that are given.
    pub fn headers(&mut self, method: &str, headers: &[Header], body: Option<&str>) {
        // A method that usually has a body says that there is none.
        if body.is_some() || matches!(method, "POST" | "PUT") {
            let length = body.unwrap_or_default().len().to_string();
            self.line(&[b"Content-Length: ", length.as_bytes()]);
        }
        if !has(headers, "accept") {
            self.line(&[b"Accept: */*"]);
        }
        for header in headers {
            self.line(&[header.name().as_bytes(), b": ", header.value()]);
        }
    }

    /// Ends the head; the body follows.
    pub fn end(mut self, body: Option<&str>) -> Vec<u8> {
        self.line(&[]);
        self.0.extend_from_slice(body.unwrap_or_default().as_bytes());
        self.0
    }
}

fn has(headers: &[Header], name: &str) -> bool {
    headers.iter().any(|header| header.name() == name)
}

/// Sends a request and reads the head of the answer to it.
pub async fn exchange(
    stream: &mut Stream,
    message: &[u8],
    phase: Phase,
    witness: &mut Witness,
) -> Result<Head, Failure> {
    witness.enter(phase);
    stream.allow(MAX_ANSWER_BYTES);
    let sent = async {
        stream.write_all(message).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| io_error::failure(&error, phase))?;
    let mut before = Vec::new();
    for _ in 0..MAX_INTERIM {
        let mut unread = before.as_slice();
        let head = Head::read(&mut (&mut unread).chain(&mut *stream), phase).await?;
        let unread = unread.to_vec();
        let status = head.parse(|status, _, _| Ok(status))?;
        if !matches!(status, 100 | 102..=199) {
            return Ok(head);
        }
        before = head.into_rest();
        before.extend(unread);
    }
    Err(Failure::HttpMalformed { phase, start: Quoted::text("1xx, again and again") })
}

/// Ends a connection. The verdict stands: a server that does not wait for this does no harm.
pub async fn goodbye(run: &Run<'_>, mut stream: Stream, witness: &mut Witness) {
    witness.enter(Phase::Close);
    timeout_at(run.last_word(), stream.shutdown()).await.ok();
}

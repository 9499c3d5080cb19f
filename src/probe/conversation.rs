//! What is said over an open WebSocket, and how it is closed.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::dial::Stream;
use super::io_error;
use crate::check::conversation::{Matcher, Step};
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;

/// Largest frame and message that is read.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Most frames that are read while one message is awaited.
const MAX_FRAMES: usize = 64;

/// Longest that the answer to our Close frame is waited for.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// An open WebSocket.
pub struct Conversation(WebSocketStream<Stream>);

impl Conversation {
    /// Takes over behind the handshake; `rest` came with the answer's head.
    pub async fn open(stream: Stream, rest: Vec<u8>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_MESSAGE_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        Self(WebSocketStream::from_partially_read(stream, rest, Role::Client, Some(config)).await)
    }

    /// Goes through the steps; waits for no message beyond `until`.
    pub async fn hold(&mut self, steps: &[Step], until: Instant) -> Result<(), Failure> {
        for step in steps {
            match step {
                Step::Send(text) => {
                    let sent = self.0.send(Message::text(text.as_str())).await;
                    sent.map_err(|error| failure(error, Phase::Transfer))?;
                }
                Step::Expect(matcher) => self.expect(matcher, until).await?,
            }
        }
        Ok(())
    }

    async fn expect(&mut self, matcher: &Matcher, until: Instant) -> Result<(), Failure> {
        let mut last = None;
        for _ in 0..MAX_FRAMES {
            let message = match timeout_at(until, self.next(Phase::Transfer)).await {
                Ok(message) => message?,
                Err(_) => {
                    return Err(match last {
                        Some(last) => Failure::MessageUnmatched { last },
                        None => Failure::TimedOut(Phase::Transfer),
                    });
                }
            };
            match message {
                Message::Text(text) if matcher.matches(&text) => return Ok(()),
                Message::Text(text) => last = Some(Quoted::text(&text)),
                Message::Binary(bytes) => last = Some(Quoted::bytes(&bytes)),
                Message::Close(frame) => return Err(closed(frame)),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        Err(Failure::FrameFlood)
    }

    /// Says goodbye with 1000 and waits a little for the answer.
    ///
    /// A server that never answers has let the page in all the same. One that closes with a
    /// code of its own has not: many let everybody through the upgrade and refuse afterwards.
    pub async fn close(mut self, until: Instant) -> Result<(), Failure> {
        let until = until.min(Instant::now() + CLOSE_WAIT);
        timeout_at(until, self.farewell()).await.unwrap_or(Ok(()))
    }

    async fn farewell(&mut self) -> Result<(), Failure> {
        let goodbye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        if self.0.close(Some(goodbye)).await.is_err() {
            return Ok(());
        }
        for _ in 0..MAX_FRAMES {
            match self.next(Phase::Close).await {
                Ok(Message::Close(frame)) => {
                    let refused = frame.as_ref().is_some_and(|frame| refuses(frame.code));
                    return if refused { Err(closed(frame)) } else { Ok(()) };
                }
                Ok(_) => {}
                Err(Failure::FrameInvalid { detail }) => {
                    return Err(Failure::FrameInvalid { detail });
                }
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    async fn next(&mut self, phase: Phase) -> Result<Message, Failure> {
        match self.0.next().await {
            Some(Ok(message)) => Ok(message),
            Some(Err(error)) => Err(failure(error, phase)),
            None => Err(Failure::Closed(phase)),
        }
    }
}

/// Codes with which a server sends a page away, rather than saying goodbye itself.
fn refuses(code: CloseCode) -> bool {
    let code = u16::from(code);
    matches!(code, 1002 | 1003 | 1007..=1009 | 1011 | 3000 | 3003 | 4000..=4999)
}

fn closed(frame: Option<CloseFrame>) -> Failure {
    match frame {
        Some(frame) => Failure::ClosedByServer {
            code: Some(frame.code.into()),
            reason: Quoted::text(&frame.reason),
        },
        None => Failure::ClosedByServer { code: None, reason: Quoted::default() },
    }
}

fn failure(error: Error, phase: Phase) -> Failure {
    match error {
        Error::Io(error) => io_error::failure(&error, phase),
        Error::ConnectionClosed | Error::AlreadyClosed => Failure::Closed(phase),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Failure::Closed(phase),
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Failure::FrameTooBig,
        Error::Protocol(error) => {
            Failure::FrameInvalid { detail: Quoted::text(&error.to_string()) }
        }
        error => Failure::FrameInvalid { detail: Quoted::text(&error.to_string()) },
    }
}

//! What is said over an open WebSocket, and how it is closed.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, Join, Sink};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::frame::{Frame, Frames, MAX_MESSAGE_BYTES, invalid};
use super::inflate::Inflater;
use crate::check::conversation::Step;
use crate::outcome::extension::Deflate;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;

/// Most frames that are read while one message is awaited: pieces and control frames count too.
const MAX_FRAMES: usize = 64;

/// Most bytes that are read while one message is awaited, with what TLS adds to them.
const MAX_BYTES: usize = MAX_FRAMES * (MAX_MESSAGE_BYTES + 4 * 1024);

/// Most Pings that are answered.
const MAX_PONGS: usize = 8;

/// Longest that the answer to our Close frame is waited for.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// A connection that can be told how much more may be read of it.
pub trait Capped: AsyncRead + AsyncWrite + Unpin {
    /// From now on, so many bytes may be read off the wire.
    fn allow(&mut self, bytes: usize);
}

/// Bytes that are in memory already, from somebody who listens to nothing.
impl<R: AsyncRead + Unpin> Capped for Join<R, Sink> {
    fn allow(&mut self, _bytes: usize) {}
}

/// An open WebSocket.
pub struct Conversation<S> {
    frames: Frames<S>,
    /// The pieces so far of a message that is not whole yet.
    pieces: Option<Pieces>,
    inflater: Option<Inflater>,
    pongs: usize,
}

/// A message as far as it has come.
struct Pieces {
    opcode: OpCode,
    compressed: bool,
    payload: Vec<u8>,
}

/// What a server says.
enum Message {
    Text(String),
    Binary(Vec<u8>),
    Close(Option<Goodbye>),
}

/// What a Close frame says.
struct Goodbye {
    code: u16,
    reason: Quoted,
}

impl<S: Capped> Conversation<S> {
    /// Takes over behind the handshake, with what was agreed on; `rest` came with the answer's
    /// head.
    pub fn open(stream: S, rest: Vec<u8>, deflate: Option<Deflate>) -> Self {
        let frames = Frames::new(stream, rest, deflate.is_some());
        Self { frames, pieces: None, inflater: deflate.map(Inflater::new), pongs: 0 }
    }

    /// Goes through the steps; waits for no message beyond `until`.
    pub async fn hold(&mut self, steps: &[Step], until: Instant) -> Result<(), Failure> {
        for step in steps {
            match step {
                Step::Send(text) => self.say(text).await?,
                Step::Expect(matcher) => {
                    self.listen(until, |text| matcher.matches(text).then_some(())).await?;
                }
            }
        }
        Ok(())
    }

    /// Sends a text as one message.
    pub async fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.send(OpCode::Data(Data::Text), text.as_bytes(), Phase::Transfer).await
    }

    /// Hears texts until one of them is what is waited for, or until it is too late.
    pub async fn listen<T>(
        &mut self,
        until: Instant,
        mut heard: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, Failure> {
        let mut last = None;
        let mut room = self.make_room();
        loop {
            let message = match timeout_at(until, self.message(&mut room, Phase::Transfer)).await {
                Ok(message) => message?,
                Err(_) => {
                    return Err(match last {
                        Some(last) => Failure::MessageUnmatched { last },
                        None => Failure::TimedOut(Phase::Transfer),
                    });
                }
            };
            match message {
                Message::Text(text) => match heard(&text) {
                    Some(awaited) => return Ok(awaited),
                    None => last = Some(Quoted::text(&text)),
                },
                Message::Binary(bytes) => last = Some(Quoted::bytes(&bytes)),
                Message::Close(goodbye) => return Err(closed(goodbye)),
            }
        }
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
        if self
            .send(OpCode::Control(Control::Close), &1000_u16.to_be_bytes(), Phase::Close)
            .await
            .is_err()
        {
            return Ok(());
        }
        // Behind our Close nothing may follow, no Pong either.
        self.pongs = MAX_PONGS;
        let mut room = self.make_room();
        loop {
            match self.message(&mut room, Phase::Close).await {
                Ok(Message::Close(goodbye)) => {
                    let refused = goodbye.as_ref().is_some_and(|goodbye| refuses(goodbye.code));
                    return if refused { Err(closed(goodbye)) } else { Ok(()) };
                }
                Ok(_) => {}
                Err(Failure::FrameInvalid { detail }) => {
                    return Err(Failure::FrameInvalid { detail });
                }
                Err(_) => return Ok(()),
            }
        }
    }

    /// How many frames the next message may take.
    fn make_room(&mut self) -> usize {
        self.frames.stream_mut().allow(MAX_BYTES);
        MAX_FRAMES
    }

    /// The next message, or the Close; takes no more frames than there is room for.
    async fn message(&mut self, room: &mut usize, phase: Phase) -> Result<Message, Failure> {
        loop {
            *room = room.checked_sub(1).ok_or(Failure::FrameFlood)?;
            let frame = self.frames.next(phase).await?;
            let message = match (frame.opcode, self.pieces.take()) {
                (OpCode::Control(Control::Close), _) => {
                    return goodbye(&frame.payload).map(Message::Close);
                }
                (OpCode::Control(Control::Ping), pieces) => {
                    self.pieces = pieces;
                    self.pong(&frame.payload, phase).await?;
                    continue;
                }
                (OpCode::Control(Control::Pong), pieces) => {
                    self.pieces = pieces;
                    continue;
                }
                (OpCode::Data(Data::Continue), None) => {
                    return Err(invalid("a continuation of nothing"));
                }
                (OpCode::Data(Data::Continue), Some(mut pieces)) => {
                    pieces.payload.extend(frame.payload);
                    pieces
                }
                (_, Some(_)) => return Err(invalid("a message inside another")),
                (opcode, None) => {
                    let Frame { compressed, payload, .. } = frame;
                    Pieces { opcode, compressed, payload }
                }
            };
            if message.payload.len() > MAX_MESSAGE_BYTES {
                return Err(Failure::FrameTooBig);
            }
            if !frame.last {
                self.pieces = Some(message);
                continue;
            }
            let Pieces { opcode, compressed, mut payload } = message;
            if let Some(inflater) = self.inflater.as_mut().filter(|_| compressed) {
                payload = inflater.inflate(payload)?;
            }
            return match opcode {
                OpCode::Data(Data::Text) => String::from_utf8(payload)
                    .map(Message::Text)
                    .map_err(|_| invalid("text that is no UTF-8")),
                _ => Ok(Message::Binary(payload)),
            };
        }
    }

    async fn pong(&mut self, payload: &[u8], phase: Phase) -> Result<(), Failure> {
        if self.pongs == MAX_PONGS {
            return Ok(());
        }
        self.pongs += 1;
        self.send(OpCode::Control(Control::Pong), payload, phase).await
    }

    async fn send(&mut self, opcode: OpCode, payload: &[u8], phase: Phase) -> Result<(), Failure> {
        let mut mask = [0; 4];
        // Without random numbers no run came this far.
        aws_lc_rs::rand::fill(&mut mask).ok();
        self.frames.send(opcode, payload, mask, phase).await
    }
}

/// RFC 6455 section 7.4. Browsers fail the connection at a code that must not be sent.
fn goodbye(payload: &[u8]) -> Result<Option<Goodbye>, Failure> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(invalid("a Close of one byte")),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(invalid(&format!("close code {code}, which is none")));
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok(Some(Goodbye { code, reason: Quoted::text(reason) })),
        Err(_) => Err(invalid("a close reason that is no UTF-8")),
    }
}

/// Codes with which a server sends a page away, rather than saying goodbye itself.
fn refuses(code: u16) -> bool {
    matches!(code, 1002 | 1003 | 1007..=1009 | 1011 | 3000 | 3003 | 4000..=4999)
}

fn closed(goodbye: Option<Goodbye>) -> Failure {
    match goodbye {
        Some(Goodbye { code, reason }) => Failure::ClosedByServer { code: Some(code), reason },
        None => Failure::ClosedByServer { code: None, reason: Quoted::default() },
    }
}

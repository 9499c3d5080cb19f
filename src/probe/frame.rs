//! Frames of RFC 6455, read one by one and as strictly as browsers do: no frame is taken on trust
//! that its own head would not fit, and none is waited for that is larger than what is of use.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::io_error;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;

/// Largest frame and message that is read.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Largest payload of a control frame.
const MAX_CONTROL_BYTES: usize = 125;

/// How much is read at a time.
const READ_BYTES: usize = 4 * 1024;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// The next piece of a message.
    Continuation = 0,
    /// Text, or its first piece.
    Text = 1,
    /// Bytes, or their first piece.
    Binary = 2,
    /// The last frame.
    Close = 8,
    /// Wants a Pong.
    Ping = 9,
    /// An answer to a Ping, or a sign of life.
    Pong = 10,
}

/// A frame that a server sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// The last piece of its message.
    pub last: bool,
    /// What it is.
    pub opcode: Opcode,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// A connection that carries frames.
pub struct Frames<S> {
    stream: S,
    unread: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    /// Takes over a connection; `unread` came with what was before.
    pub fn new(stream: S, unread: Vec<u8>) -> Self {
        Self { stream, unread }
    }

    /// The connection.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The next frame. Not to be called again after it was dropped half-way or has failed.
    pub async fn next(&mut self, phase: Phase) -> Result<Frame, Failure> {
        let head = loop {
            match Head::parse(&self.unread)? {
                Some(head) => break head,
                None => self.read(phase).await?,
            }
        };
        while self.unread.len() < head.bytes + head.payload {
            self.read(phase).await?;
        }
        let behind = self.unread.split_off(head.bytes + head.payload);
        let mut payload = std::mem::replace(&mut self.unread, behind);
        payload.drain(..head.bytes);
        Ok(Frame { last: head.last, opcode: head.opcode, payload })
    }

    async fn read(&mut self, phase: Phase) -> Result<(), Failure> {
        self.unread.reserve(READ_BYTES);
        let read = (&mut self.stream).take(READ_BYTES as u64).read_buf(&mut self.unread).await;
        match read.map_err(|error| io_error::failure(&error, phase))? {
            0 => Err(Failure::Closed(phase)),
            _ => Ok(()),
        }
    }

    /// Sends a whole frame, masked with these bytes.
    pub async fn send(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        mask: [u8; 4],
        phase: Phase,
    ) -> Result<(), Failure> {
        let bytes = masked(opcode, payload, mask);
        let sent = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|error| io_error::failure(&error, phase))
    }
}

/// What stands before a payload.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    last: bool,
    opcode: Opcode,
    payload: usize,
    bytes: usize,
}

impl Head {
    /// Reads it; `None` where bytes are missing. What is wrong is told with the first byte that
    /// shows it.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Failure> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(invalid("a reserved bit is set"));
        }
        let opcode = match first & 0x0f {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            other => return Err(invalid(&format!("opcode {other}, which is reserved"))),
        };
        let last = first & 0x80 != 0;
        let control = first & 0x08 != 0;
        if control && !last {
            return Err(invalid("a control frame in pieces"));
        }
        let Some(&second) = bytes.get(1) else { return Ok(None) };
        if second & 0x80 != 0 {
            return Err(invalid("a masked frame from the server"));
        }
        let short = usize::from(second);
        if control && short > MAX_CONTROL_BYTES {
            return Err(invalid("a control frame of more than 125 bytes"));
        }
        let (payload, head, least) = match short {
            126 => match bytes.get(2..4).and_then(|length| length.try_into().ok()) {
                Some(length) => (u64::from(u16::from_be_bytes(length)), 4, 126),
                None => return Ok(None),
            },
            127 => match bytes.get(2..10).and_then(|length| length.try_into().ok()) {
                Some(length) => (u64::from_be_bytes(length), 10, 1 << 16),
                None => return Ok(None),
            },
            _ => (u64::from(second), 2, 0),
        };
        if payload < least {
            return Err(invalid(&format!("{payload} bytes, written longer than they need")));
        }
        match usize::try_from(payload) {
            Ok(payload) if payload <= MAX_MESSAGE_BYTES => {
                Ok(Some(Self { last, opcode, payload, bytes: head }))
            }
            _ => Err(Failure::FrameTooBig),
        }
    }
}

/// RFC 6455 section 5.3: whatever a client sends is masked.
fn masked(opcode: Opcode, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 14);
    bytes.push(0x80 | opcode as u8);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..126), _) => bytes.push(0x80 | length),
        (_, Ok(length)) => {
            bytes.push(0x80 | 126);
            bytes.extend(length.to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A frame that breaks RFC 6455.
pub fn invalid(detail: &str) -> Failure {
    Failure::FrameInvalid { detail: Quoted::text(detail) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_head_is_read_as_soon_as_it_is_whole() {
        let long = [&[0x82, 127][..], &u64::to_be_bytes(1 << 16)].concat();
        for (bytes, opcode, payload) in [
            (&[0x81, 5][..], Opcode::Text, 5),
            (&[0x82, 126, 0, 126], Opcode::Binary, 126),
            (&[0x82, 126, 0xff, 0xff], Opcode::Binary, 65_535),
            (&long, Opcode::Binary, 65_536),
            (&[0x89, 125], Opcode::Ping, 125),
        ] {
            let head = Head { last: true, opcode, payload, bytes: bytes.len() };
            assert_eq!(Head::parse(bytes), Ok(Some(head)), "{bytes:?}");
            for cut in 0..bytes.len() {
                assert_eq!(Head::parse(&bytes[..cut]), Ok(None), "{bytes:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_broken_head_is_told_by_its_first_wrong_byte() {
        for bytes in [
            &[0xc1][..],
            &[0x83],
            &[0x8b],
            &[0x09],
            &[0x81, 0x80],
            &[0x89, 126],
            &[0x82, 126, 0, 125],
            &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
        ] {
            assert!(matches!(Head::parse(bytes), Err(Failure::FrameInvalid { .. })), "{bytes:?}");
            assert_eq!(Head::parse(&bytes[..bytes.len() - 1]), Ok(None), "{bytes:?}");
        }
        for length in [(1 << 16) + 1, 10 << 20, 1 << 63, u64::MAX] {
            let bytes = [&[0x82, 127][..], &length.to_be_bytes()].concat();
            assert_eq!(Head::parse(&bytes), Err(Failure::FrameTooBig), "{length}");
        }
    }

    proptest! {
        /// A peer that is no client would find the same frame behind the mask.
        #[test]
        fn what_is_masked_can_be_read(payload in prop::collection::vec(any::<u8>(), 0..70_000), mask: [u8; 4]) {
            let bytes = masked(Opcode::Binary, &payload, mask);
            let mut plain = bytes.clone();
            plain[1] &= 0x7f;
            let head = match Head::parse(&plain) {
                Err(Failure::FrameTooBig) => {
                    prop_assert!(payload.len() > MAX_MESSAGE_BYTES);
                    return Ok(());
                }
                head => head.unwrap().unwrap(),
            };
            prop_assert_eq!((head.opcode, head.payload), (Opcode::Binary, payload.len()));
            let behind = bytes[head.bytes..].split_at(4);
            prop_assert_eq!(behind.0, mask);
            let unmasked: Vec<_> = behind.1.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b).collect();
            prop_assert_eq!(unmasked, payload);
        }

        #[test]
        fn no_bytes_make_a_head_panic(bytes in prop::collection::vec(any::<u8>(), 0..16)) {
            Head::parse(&bytes).ok();
        }
    }
}

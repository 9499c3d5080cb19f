//! Frames of RFC 6455, one by one and judged as strictly as browsers do: none is waited for that
//! is larger than what is of use.
//!
//! tungstenite reads and writes their heads. Its own reader of messages goes on for ever over
//! empty pieces and Pings, which a run must count.

use std::io::Cursor;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame as Written, FrameHeader};

use super::io_error;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;

/// Largest frame and message that is read.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Largest payload of a control frame.
const MAX_CONTROL_BYTES: u64 = 125;

/// How much is read at a time.
const READ_BYTES: usize = 4 * 1024;

/// A frame that a server sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// The last piece of its message.
    pub last: bool,
    /// What it is.
    pub opcode: OpCode,
    /// It begins a message that is compressed.
    pub compressed: bool,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// A connection that carries frames.
pub struct Frames<S> {
    stream: S,
    unread: Vec<u8>,
    /// Whether messages may be compressed.
    deflate: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    /// Takes over a connection; `unread` came with what was before. Where `deflate` was agreed
    /// on, messages may be compressed.
    pub fn new(stream: S, unread: Vec<u8>, deflate: bool) -> Self {
        Self { stream, unread, deflate }
    }

    /// The connection.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The next frame; what is read of it is kept where this is dropped half-way. Not to be called
    /// again after it has failed.
    pub async fn next(&mut self, phase: Phase) -> Result<Frame, Failure> {
        let head = loop {
            match Head::parse(&self.unread, self.deflate)? {
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
        Ok(Frame { last: head.last, opcode: head.opcode, compressed: head.compressed, payload })
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
        opcode: OpCode,
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
    opcode: OpCode,
    compressed: bool,
    payload: usize,
    bytes: usize,
}

impl Head {
    /// Reads and judges it; `None` where bytes are missing.
    fn parse(bytes: &[u8], deflate: bool) -> Result<Option<Self>, Failure> {
        let mut cursor = Cursor::new(bytes);
        let (head, payload) = match FrameHeader::parse(&mut cursor) {
            Ok(Some(head)) => head,
            Ok(None) => return Ok(None),
            Err(error) => return Err(invalid(&error.to_string())),
        };
        let control = matches!(head.opcode, OpCode::Control(_));
        // RFC 7692 section 6: the first frame of a message says whether it is compressed.
        let begins = matches!(head.opcode, OpCode::Data(Data::Text | Data::Binary));
        if head.rsv1 && !(deflate && begins) || head.rsv2 || head.rsv3 {
            return Err(invalid("a reserved bit is set"));
        }
        if head.mask.is_some() {
            return Err(invalid("a masked frame from the server"));
        }
        if control && !head.is_final {
            return Err(invalid("a control frame in pieces"));
        }
        if control && payload > MAX_CONTROL_BYTES {
            return Err(invalid("a control frame of more than 125 bytes"));
        }
        let bytes = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        if bytes > head.len(payload) {
            return Err(invalid(&format!("{payload} bytes, written longer than they need")));
        }
        match usize::try_from(payload) {
            Ok(payload) if payload <= MAX_MESSAGE_BYTES => {
                let (last, opcode, compressed) = (head.is_final, head.opcode, head.rsv1);
                Ok(Some(Self { last, opcode, compressed, payload, bytes }))
            }
            _ => Err(Failure::FrameTooBig),
        }
    }
}

/// RFC 6455 section 5.3: whatever a client sends is masked.
fn masked(opcode: OpCode, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let head = FrameHeader { opcode, mask: Some(mask), ..FrameHeader::default() };
    let mut bytes = Vec::with_capacity(payload.len() + 14);
    let written = Written::from_payload(head, payload.to_vec().into()).format(&mut bytes);
    written.unwrap_or_else(|error| unreachable!("a Vec takes everything: {error}"));
    bytes
}

/// A frame that breaks RFC 6455.
pub fn invalid(detail: &str) -> Failure {
    Failure::FrameInvalid { detail: Quoted::text(detail) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::Control;

    use super::*;

    #[test]
    fn a_head_is_read_as_soon_as_it_is_whole() {
        let long = [&[0x82, 127][..], &u64::to_be_bytes(1 << 16)].concat();
        for (bytes, opcode, payload) in [
            (&[0x81, 5][..], OpCode::Data(Data::Text), 5),
            (&[0x82, 126, 0, 126], OpCode::Data(Data::Binary), 126),
            (&[0x82, 126, 0xff, 0xff], OpCode::Data(Data::Binary), 65_535),
            (&long, OpCode::Data(Data::Binary), 65_536),
            (&[0x89, 125], OpCode::Control(Control::Ping), 125),
        ] {
            let bytes_of_head = bytes.len();
            let head =
                Head { last: true, opcode, compressed: false, payload, bytes: bytes_of_head };
            assert_eq!(Head::parse(bytes, false), Ok(Some(head)), "{bytes:?}");
            for cut in 0..bytes.len() {
                assert_eq!(Head::parse(&bytes[..cut], false), Ok(None), "{bytes:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn only_the_begin_of_a_message_may_say_that_it_is_compressed() {
        for begin in [0xc1, 0xc2, 0x41] {
            let head = Head::parse(&[begin, 0], true).unwrap().unwrap();
            assert!(head.compressed, "{begin:#x}");
        }
        for other in [0xc0, 0x40, 0xc8, 0xc9, 0xca, 0xa1, 0x91, 0xe1] {
            let head = Head::parse(&[other, 0], true);
            assert!(matches!(head, Err(Failure::FrameInvalid { .. })), "{other:#x}");
        }
    }

    #[test]
    fn a_head_that_breaks_the_rules_is_told_as_soon_as_it_is_whole() {
        for bytes in [
            &[0xc1, 0][..],
            &[0x83, 0],
            &[0x8b, 0],
            &[0x09, 0],
            &[0x81, 0x80, 1, 2, 3, 4],
            &[0x89, 126, 0, 126],
            &[0x82, 126, 0, 125],
            &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
        ] {
            assert!(
                matches!(Head::parse(bytes, false), Err(Failure::FrameInvalid { .. })),
                "{bytes:?}"
            );
            assert_eq!(Head::parse(&bytes[..bytes.len() - 1], false), Ok(None), "{bytes:?}");
        }
        for length in [(1 << 16) + 1, 10 << 20, 1 << 63, u64::MAX] {
            let bytes = [&[0x82, 127][..], &length.to_be_bytes()].concat();
            assert_eq!(Head::parse(&bytes, false), Err(Failure::FrameTooBig), "{length}");
        }
    }

    proptest! {
        /// A peer that is no client would find the same frame behind the mask.
        #[test]
        fn what_is_masked_can_be_read(payload in prop::collection::vec(any::<u8>(), 0..70_000), mask: [u8; 4]) {
            let bytes = masked(OpCode::Data(Data::Binary), &payload, mask);
            let mut plain = bytes.clone();
            plain[1] &= 0x7f;
            let head = match Head::parse(&plain, false) {
                Err(Failure::FrameTooBig) => {
                    prop_assert!(payload.len() > MAX_MESSAGE_BYTES);
                    return Ok(());
                }
                head => head.unwrap().unwrap(),
            };
            prop_assert_eq!((head.opcode, head.payload), (OpCode::Data(Data::Binary), payload.len()));
            let behind = bytes[head.bytes..].split_at(4);
            prop_assert_eq!(behind.0, mask);
            let unmasked: Vec<_> = behind.1.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b).collect();
            prop_assert_eq!(unmasked, payload);
        }

        #[test]
        fn no_bytes_make_a_head_panic(bytes in prop::collection::vec(any::<u8>(), 0..16)) {
            Head::parse(&bytes, false).ok();
        }
    }
}

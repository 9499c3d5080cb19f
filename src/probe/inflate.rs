//! Messages that a server has compressed (RFC 7692), and never more of them than is of use.

use flate2::{Decompress, FlushDecompress, Status};

use super::frame::{MAX_MESSAGE_BYTES, invalid};
use crate::outcome::extension::Deflate;
use crate::outcome::failure::Failure;

/// What a compressed message leaves away at its end (RFC 7692 section 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// How much is inflated at a time.
const STEP: usize = 4 * 1024;

/// A reader of compressed messages.
pub struct Inflater {
    agreed: Deflate,
    /// Made for the first message: most servers send none.
    stream: Option<Decompress>,
}

impl Inflater {
    /// One for what was agreed on.
    pub fn new(agreed: Deflate) -> Self {
        Self { agreed, stream: None }
    }

    /// The message that these bytes hold.
    pub fn inflate(&mut self, mut compressed: Vec<u8>) -> Result<Vec<u8>, Failure> {
        compressed.extend(TAIL);
        let stream = self.stream.get_or_insert_with(|| Decompress::new(false));
        if self.agreed.afresh {
            stream.reset(false);
        }
        let mut rest = compressed.as_slice();
        let mut message = Vec::with_capacity(STEP);
        loop {
            message.reserve(STEP);
            let (read, written) = (stream.total_in(), message.len());
            let status = stream.decompress_vec(rest, &mut message, FlushDecompress::Sync);
            let status = status.map_err(|_| garbled())?;
            let read = usize::try_from(stream.total_in() - read).unwrap_or(usize::MAX);
            rest = rest.get(read..).unwrap_or_default();
            if message.len() > MAX_MESSAGE_BYTES {
                return Err(Failure::FrameTooBig);
            }
            if status == Status::StreamEnd {
                // A block may say that it is the last: what follows begins afresh.
                stream.reset(false);
            } else if read == 0 && message.len() == written {
                return if rest.is_empty() { Ok(message) } else { Err(garbled()) };
            }
        }
    }
}

fn garbled() -> Failure {
    invalid("compressed bytes that are garbled")
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    /// What a server sends for a message.
    fn deflated(stream: &mut Compress, message: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 * message.len() + 1024);
        stream.compress_vec(message, &mut bytes, FlushCompress::Sync).unwrap();
        // Of an empty message there may be nothing to flush (RFC 7692 section 7.2.3.6).
        bytes.strip_suffix(&TAIL).unwrap_or(&[0]).to_vec()
    }

    fn inflater(afresh: bool) -> Inflater {
        Inflater::new(Deflate { afresh })
    }

    #[test]
    fn the_examples_of_rfc_7692_are_read() {
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
        let mut goes_on = inflater(false);
        assert_eq!(goes_on.inflate(hello.to_vec()).unwrap(), b"Hello");
        assert_eq!(goes_on.inflate(again.to_vec()).unwrap(), b"Hello");
        let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
        assert_eq!(goes_on.inflate(stored.to_vec()).unwrap(), b"Hello");
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        assert_eq!(goes_on.inflate(last.to_vec()).unwrap(), b"Hello");
        let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(goes_on.inflate(two.to_vec()).unwrap(), b"Hello");
        let mut begins_afresh = inflater(true);
        assert_eq!(begins_afresh.inflate(hello.to_vec()).unwrap(), b"Hello");
        let refers = begins_afresh.inflate(again.to_vec());
        assert_ne!(refers, Ok(b"Hello".to_vec()), "there is nothing before it");
    }

    #[test]
    fn what_is_garbled_or_too_big_is_told() {
        for bytes in [&[0xff, 0xff][..], &[7], &[0x00, 0x05, 0x00, 0xfa]] {
            let failure = inflater(false).inflate(bytes.to_vec()).unwrap_err();
            assert!(matches!(failure, Failure::FrameInvalid { .. }), "{bytes:?}: {failure:?}");
        }
        let sent =
            |length| deflated(&mut Compress::new(Compression::best(), false), &vec![0; length]);
        assert_eq!(inflater(false).inflate(sent(MAX_MESSAGE_BYTES)).unwrap().len(), 65_536);
        assert_eq!(inflater(false).inflate(sent(65_537)), Err(Failure::FrameTooBig));
        assert_eq!(inflater(false).inflate(sent(1 << 20)), Err(Failure::FrameTooBig));
    }

    proptest! {
        #[test]
        fn what_is_deflated_is_inflated(messages in proptest::collection::vec("[a-c]{0,900}|\\PC{0,40}", 1..5), afresh: bool) {
            let mut server = Compress::new(Compression::fast(), false);
            let mut inflater = inflater(afresh);
            for message in messages {
                if afresh {
                    server.reset();
                }
                let bytes = deflated(&mut server, message.as_bytes());
                prop_assert_eq!(inflater.inflate(bytes).unwrap(), message.as_bytes());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(messages: Vec<Vec<u8>>) {
            let mut inflater = inflater(false);
            messages.into_iter().for_each(|message| drop(inflater.inflate(message)));
        }
    }
}

//! Those that let everybody in and misbehave behind the door.

use watchpost::outcome::phase::Phase::Transfer;
use watchpost::outcome::reason::Reason::{self, *};

use super::cage::{Animal, EXPECTING, flood};
use crate::fixture::raw::{self, OPEN};

pub fn animals() -> Vec<Animal> {
    let mut animals = broken();
    animals.extend(compressed());
    animals.extend(endless());
    animals.extend(closes());
    animals.extend(behind_our_goodbye());
    animals
}

pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    match u16::try_from(payload.len()) {
        Ok(length @ ..126) => [&[first, length as u8], payload].concat(),
        Ok(length) => [&[first, 126][..], &length.to_be_bytes(), payload].concat(),
        Err(_) => [&[first, 127][..], &(payload.len() as u64).to_be_bytes(), payload].concat(),
    }
}

/// A message as `permessage-deflate` has it.
fn deflated(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.len() / 100 + 1024);
    let mut stream = flate2::Compress::new(flate2::Compression::best(), false);
    stream.compress_vec(message, &mut bytes, flate2::FlushCompress::Sync).unwrap();
    bytes.strip_suffix(&[0, 0, 0xff, 0xff]).unwrap().to_vec()
}

fn compressed() -> Vec<Animal> {
    let welcome = deflated(b"welcome");
    let (begin, end) = welcome.split_at(3);
    let compressing = |name: &str, reason, bytes: Vec<u8>| {
        Animal::compressing(name, Some((Transfer, reason)), bytes)
    };
    vec![
        Animal::compressing("a word that is compressed", None, frame(0xc1, &welcome)),
        Animal::compressing("a word that is not, where it might be", None, frame(0x81, b"welcome")),
        Animal::compressing(
            "a compressed word in pieces, and a Ping",
            None,
            [frame(0x41, begin), frame(0x89, b""), frame(0x80, end)].concat(),
        ),
        compressing("a bomb of 4 MB", FrameTooBig, frame(0xc1, &deflated(&vec![b'x'; 4 << 20]))),
        compressing("compressed garbage", FrameInvalid, frame(0xc1, &[0xa5; 1000])),
        compressing(
            "compressed text that is no UTF-8",
            FrameInvalid,
            frame(0xc1, &deflated(b"\xff")),
        ),
        compressing(
            "a piece that says that it is compressed",
            FrameInvalid,
            [frame(0x41, begin), frame(0xc0, end)].concat(),
        ),
        compressing("a compressed Ping", FrameInvalid, frame(0xc9, b"")),
        compressing("another word, compressed", MessageUnmatched, frame(0xc1, &deflated(b"no"))),
    ]
}

pub fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes(), reason].concat())
}

fn sending(name: &str, reason: Reason, bytes: impl Into<Vec<u8>>) -> Animal {
    Animal::sending(name, Some((Transfer, reason)), bytes)
}

fn broken() -> Vec<Animal> {
    let mut animals: Vec<_> = (3..=7)
        .chain(11..=15)
        .map(|opcode| {
            let name = format!("the reserved opcode {opcode}");
            sending(&name, FrameInvalid, frame(0x80 | opcode, b"x"))
        })
        .collect();
    let announcing = |length: u64| [&[0x82, 127][..], &length.to_be_bytes(), &[0; 1000]].concat();
    let half = frame(0x01, &[b'x'; 40_000]);
    let pieces = [&half[..], &frame(0x80, &[b'x'; 40_000])].concat();
    let nested = frame(0x81, "[".repeat(60_000).as_bytes());
    animals.extend([
        sending("a masked frame", FrameInvalid, *b"\x81\x87\0\0\0\0welcome"),
        sending("a reserved bit: compressed", FrameInvalid, frame(0xc1, b"welcome")),
        sending("the second reserved bit", FrameInvalid, frame(0xa1, b"welcome")),
        sending("the third reserved bit", FrameInvalid, frame(0x91, b"welcome")),
        sending("a frame of 10 MB", FrameTooBig, frame(0x81, &vec![b'x'; 10 << 20])),
        sending("announces 64 KiB and one", FrameTooBig, announcing((64 << 10) + 1)),
        sending("announces 2^62", FrameTooBig, announcing(1 << 62)),
        sending("announces 2^63", FrameTooBig, announcing(1 << 63)),
        sending("announces all there is", FrameTooBig, announcing(u64::MAX)),
        sending("pieces of more than 64 KiB", FrameTooBig, pieces).reads(80_000),
        sending("7 in two bytes", FrameInvalid, *b"\x81\x7e\0\x07welcome"),
        sending("7 in eight bytes", FrameInvalid, *b"\x81\x7f\0\0\0\0\0\0\0\x07welcome"),
        sending("a continuation of nothing", FrameInvalid, frame(0x80, b"welcome")),
        sending(
            "a message inside another",
            FrameInvalid,
            [frame(1, b"wel"), frame(0x81, b"x")].concat(),
        ),
        sending("a Ping in pieces", FrameInvalid, frame(0x09, b"")),
        sending("a Close in pieces", FrameInvalid, frame(0x08, b"\x03\xe8")),
        sending("a Ping of 126 bytes", FrameInvalid, frame(0x89, &[b'x'; 126])),
        sending("a Pong of 64 KiB", FrameInvalid, frame(0x8a, &[b'x'; 65_536])),
        sending("text that is no UTF-8", FrameInvalid, frame(0x81, b"welcome\xff")),
        sending("text that is cut in a character", FrameInvalid, frame(0x81, b"welcome\xe2\x82")),
        sending("text with a surrogate", FrameInvalid, frame(0x81, b"\xed\xa0\x80")),
        sending("garbage behind the upgrade", FrameInvalid, vec![0xa5; 4096]),
        sending("a page behind the upgrade", FrameInvalid, *b"<html><title>Welcome</title>"),
        sending("text that acts on terminals", MessageUnmatched, frame(0x81, b"\x1b[2J\0\x07")),
        sending("the word in bytes", MessageUnmatched, frame(0x82, b"welcome")),
        sending("JSON of 60,000 levels", MessageUnmatched, nested)
            .keys("messages = [{ expect-json = { pointer = \"/x\" } }]"),
    ]);
    animals
}

/// Opens the door, sends `begin` and then `piece` for ever.
fn endlessly(name: &str, begin: &'static [u8], piece: Vec<u8>) -> Animal {
    Animal::plain(name, Some((Transfer, FrameFlood)), move |mut stream| {
        let piece = piece.clone();
        async move {
            raw::answer(&mut stream, OPEN).await;
            // As many as go into one write: a flood is not slowed down by its own system calls.
            let many = piece.repeat(4096_usize.div_ceil(piece.len()));
            tokio::io::AsyncWriteExt::write_all(&mut stream, begin).await.ok();
            flood(stream, &many).await;
        }
    })
    .keys(EXPECTING)
}

fn endless() -> Vec<Animal> {
    vec![
        endlessly("pieces of one byte for ever", b"\x01\x01x", frame(0x00, b"x")),
        endlessly("empty pieces for ever", b"\x01\x01x", frame(0x00, b"")),
        endlessly(
            "pieces and Pings for ever",
            b"\x01\x01x",
            [frame(0, b""), frame(0x89, b"")].concat(),
        ),
        endlessly("Pings for ever", b"", frame(0x89, b"")),
        endlessly("full Pings for ever", b"", frame(0x89, &[b'x'; 125])),
        endlessly("Pongs for ever", b"", frame(0x8a, b"x")),
        endlessly("empty messages for ever", b"", frame(0x81, b"")),
        endlessly("other messages for ever", b"", frame(0x81, b"go away")),
        endlessly("bytes for ever", b"", frame(0x82, b"go away")),
        endlessly("messages of 16 KiB for ever", b"", frame(0x81, &[b'x'; 16_384]))
            .reads(64 * 16_400),
    ]
}

fn closes() -> Vec<Animal> {
    let mut animals: Vec<_> = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535]
        .map(|code| sending(&format!("a Close with {code}"), FrameInvalid, close(code, b"")))
        .into();
    animals.extend([
        sending("a Close of one byte", FrameInvalid, frame(0x88, b"x")),
        sending("a Close of 126 bytes", FrameInvalid, close(1000, &[b'x'; 124])),
        sending("a Close with a reason that is no UTF-8", FrameInvalid, close(4000, &[0xff; 123])),
        sending("a Close with a full reason", ClosedByServer, close(4000, &[b'x'; 123])),
        sending("a Close with a reason for terminals", ClosedByServer, close(4000, b"\x1b[2J\0")),
        sending("a Close without a code", ClosedByServer, frame(0x88, b"")),
        sending(
            "a Close in the midst of a message",
            ClosedByServer,
            [frame(1, b"wel"), close(1001, b"")].concat(),
        ),
        sending(
            "the word behind a Close",
            ClosedByServer,
            [close(1000, b""), frame(0x81, b"welcome")].concat(),
        ),
    ]);
    animals
}

/// Where nothing is awaited, the door is open all the same.
fn behind_our_goodbye() -> Vec<Animal> {
    let passing = |name: &str, piece: Vec<u8>| {
        let mut animal = endlessly(name, b"", piece).keys("");
        animal.ends = None;
        animal
    };
    let lying = [999, 1005, 1006].map(|code| {
        sending(&format!("answers our Close with {code}"), FrameInvalid, close(code, b"")).keys("")
    });
    let mut animals: Vec<_> = lying.into();
    animals.extend([
        passing("Pings instead of a Close", frame(0x89, b"x")),
        passing("messages of 16 KiB instead of a Close", frame(0x82, &[0; 16_384]))
            .reads(64 * 16_400),
        passing("messages of 1 MB instead of a Close", frame(0x82, &[0; 1 << 20])),
        passing(
            "a flood behind its Close",
            [close(1000, b""), frame(0x81, &[b'x'; 60_000])].concat(),
        ),
        passing("answers our Close with Closes for ever", close(1001, b"")),
        sending("answers our Close with 4003", ClosedByServer, close(4003, b"not you")).keys(""),
        sending("answers our Close with garbage", FrameInvalid, vec![0xff; 64]).keys(""),
    ]);
    animals
}

//! Bodies: however they are cut into pieces the same comes of them, and no more is kept than wanted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watchpost::outcome::phase::Phase;
use watchpost::probe::body::{Body, Framing, MAX_BODY_BYTES, whole};
use watchpost_fuzz::{Pieces, at_once, can_strike, first};

fuzz_target!(|input: &[u8]| {
    let (kind, input) = first(input);
    let (length, input) = first(input);
    let framing = match kind % 3 {
        0 => Framing::Chunked,
        1 => Framing::Length(u64::from(length)),
        _ => Framing::UntilClose,
    };
    let pieces = Pieces::new(input);
    let (rest, later) = pieces.bytes.split_at(usize::from(kind) % (pieces.bytes.len() + 1));
    let in_pieces = at_once(whole(&mut pieces.clone(), Vec::new(), framing));
    assert_eq!(in_pieces, at_once(whole(&mut pieces.whole(), Vec::new(), framing)));
    let mut later = later;
    assert_eq!(in_pieces, at_once(whole(&mut later, rest.to_vec(), framing)));
    match &in_pieces {
        Ok(Some(content)) => {
            assert!(content.len() <= pieces.bytes.len().min(MAX_BODY_BYTES));
            if let Framing::Length(length) = framing {
                assert_eq!(content, &pieces.bytes[..usize::try_from(length).unwrap()]);
            }
        }
        Ok(None) => {}
        Err(failure) => {
            assert_eq!(failure.phase(), Some(Phase::Transfer));
            can_strike(failure);
        }
    }
    let mut body = Body::new(framing, usize::from(length));
    body.feed(&pieces.bytes).ok();
    assert!(body.into_content().len() <= usize::from(length));
});

//! Frames: however they are cut into pieces, the same comes of them, and only a message that came
//! is the awaited one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watchpost::check::conversation::{Matcher, Pattern, Step};
use watchpost::outcome::extension::Deflate;
use watchpost::outcome::failure::Failure;
use watchpost_fuzz::{Pieces, can_strike, first, talk};

/// Texts in the order of their ends; reads on where a client must give up.
fn texts(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut texts, mut open) = (Vec::new(), None::<Vec<u8>>);
    while let [first, second, rest @ ..] = bytes {
        let (length, rest) = match (second & 0x7f, rest) {
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (127, [0, 0, 0, 0, a, b, c, d, rest @ ..]) => {
                (u32::from_be_bytes([*a, *b, *c, *d]) as usize, rest)
            }
            (126 | 127, _) => break,
            (short, rest) => (usize::from(short), rest),
        };
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        match first & 0xf {
            0 => open.iter_mut().for_each(|text| text.extend_from_slice(payload)),
            1 => open = Some(payload.to_vec()),
            2 => open = None,
            _ => {}
        }
        if first & 0x8f == 0x80 || first & 0x8f == 0x81 {
            texts.extend(open.take());
        }
        bytes = rest;
    }
    texts
}

fuzz_target!(|input: &[u8]| {
    let (awaited, input) = first(input);
    // Where messages may be compressed, what is awaited is not known from the bytes.
    let deflate = match awaited >> 6 {
        0 | 1 => None,
        terms => Some(Deflate { afresh: terms == 3 }),
    };
    let (split, input) = first(input);
    let pieces = Pieces::new(input);
    let pattern = Step::Expect(Matcher::Regex(Pattern::new("a").unwrap()));
    let awaited = usize::from(awaited % 4);
    let steps = vec![pattern; awaited];

    let in_pieces = talk(pieces.clone(), Vec::new(), deflate, &steps);
    let whole = pieces.whole();
    assert_eq!(in_pieces, talk(whole, Vec::new(), deflate, &steps));
    // The first frames may come along with the head.
    let (rest, later) = pieces.bytes.split_at(usize::from(split) % (pieces.bytes.len() + 1));
    assert_eq!(in_pieces, talk(later, rest.to_vec(), deflate, &steps));

    let (held, closed) = in_pieces;
    if held.is_ok() && deflate.is_none() {
        let good = texts(&pieces.bytes).iter().filter(|text| text.contains(&b'a')).count();
        assert!(good >= awaited, "{good} messages, and {awaited} were awaited");
    }
    for failure in [held.err(), closed.clone().and_then(Result::err)].iter().flatten() {
        can_strike(failure);
    }
    if let Some(Err(failure)) = closed {
        let known = matches!(
            &failure,
            Failure::FrameInvalid { .. } | Failure::ClosedByServer { code: Some(_), .. }
        );
        assert!(known, "a goodbye cannot fail with {failure:?}");
    }
});

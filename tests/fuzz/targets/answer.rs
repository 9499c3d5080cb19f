//! The head of a response: however it is cut into pieces, the same comes of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watchpost::outcome::phase::Phase;
use watchpost::outcome::reason::Reason;
use watchpost::probe::answer::{self, Answer, Door};
use watchpost::probe::head::{Head, MAX_HEAD_BYTES};
use watchpost_fuzz::{KEY, Pieces, at_once, can_strike, first, quoted, response};

/// What came of it, and what is left behind it.
type Read = Result<(Answer, Vec<u8>), Reason>;

fn read(mut pieces: Pieces, offer: &[String]) -> Read {
    let whole = pieces.bytes.clone();
    let told = |failure: watchpost::outcome::failure::Failure| {
        can_strike(&failure);
        assert_eq!(failure.phase(), Some(Phase::Upgrade));
        failure.reason()
    };
    let head = at_once(Head::read(&mut pieces, Phase::Upgrade)).map_err(told)?;
    let answer = answer::read(&head, KEY, offer);
    let mut rest = head.into_rest();
    rest.extend_from_slice(pieces.rest());
    // The naive search for the first empty line behind the begin.
    let is_begin =
        |at: &usize| whole[*at..].len() >= 4 && whole[*at..*at + 4].eq_ignore_ascii_case(b"http");
    let begin = (0..=4.min(whole.len())).find(is_begin).expect("a begin");
    let end = (begin..=whole.len())
        .find(|end| {
            let head = &whole[begin..*end];
            head.ends_with(b"\n\n") || head.ends_with(b"\n\r\n")
        })
        .expect("an empty line");
    assert_eq!(rest, whole[end..]);
    answer.map(|answer| (answer, rest)).map_err(told)
}

fuzz_target!(|input: &[u8]| {
    let (flags, input) = first(input);
    let (offers, pieces) = (flags & 1 == 1, Pieces::new(input));
    let offer = if offers { vec!["chat".to_owned()] } else { Vec::new() };
    let whole = pieces.whole();
    let (in_pieces, at_once) = (read(pieces.clone(), &offer), read(whole, &offer));
    assert_eq!(in_pieces, at_once);
    match at_once {
        Err(Reason::HttpHeadTooBig) => {
            let lines = pieces.bytes.iter().filter(|byte| **byte == b'\n').count();
            assert!(pieces.bytes.len() >= MAX_HEAD_BYTES || lines > 200);
        }
        Err(reason) => assert!(matches!(reason, Reason::HttpMalformed | Reason::Closed)),
        Ok((answer, _)) => {
            assert_eq!(answer.status == 101, !matches!(answer.door, Ok(Door::Shut(_))));
            match &answer.door {
                Ok(Door::Open(agreed)) => {
                    assert_eq!(
                        agreed.subprotocol.as_ref().map(|name| name.as_str() == "chat"),
                        offers.then_some(true)
                    );
                }
                Ok(Door::Shut(shut)) => {
                    response(shut);
                    quoted(&shut.phrase);
                }
                Err(failure) => can_strike(failure),
            }
        }
    }
});

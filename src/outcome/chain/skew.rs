//! Whether the clock of this machine can be right: what was signed elsewhere cannot have been
//! signed in the future.

use jiff::{SignedDuration, Timestamp};

use super::certificate::Facts;
use super::staple::Staple;

/// No clock is right that says it is earlier: this program was not written before 2026.
pub const EARLIEST: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How far clocks may be apart that are both right.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Why the clock must be slow, where something shows it.
pub fn proof(leaf: Option<&Facts>, staple: Option<&Staple>, now: Timestamp) -> Option<String> {
    let said = |what: &str, at: Timestamp| {
        (now < early(at)).then(|| format!("it is {now} here, and {what} {at}"))
    };
    let log = || leaf?.sct_latest.and_then(|at| said("a log has seen the certificate at", at));
    let responder = || staple?.dates().and_then(|(at, _)| said("its OCSP answer is of", at));
    let program = || (now < EARLIEST).then(|| format!("it is {now} here, before this program was"));
    program().or_else(log).or_else(responder)
}

/// The times at which the answer may change.
pub fn turns(leaf: Option<&Facts>, staple: Option<&Staple>) -> impl Iterator<Item = Timestamp> {
    let log = leaf.and_then(|leaf| leaf.sct_latest);
    let responder = staple.and_then(Staple::dates).map(|(at, _)| at);
    log.into_iter().chain(responder).map(early).chain([EARLIEST])
}

/// To the second, as verdicts are remembered.
fn early(at: Timestamp) -> Timestamp {
    let early = at.saturating_sub(TOLERANCE).unwrap_or(Timestamp::MIN);
    Timestamp::from_second(early.as_second()).unwrap_or(Timestamp::MIN)
}

//! The last day of a check as pictures and JSON show it. Pure.

pub mod heatmap;
pub mod timeline;

use jiff::{SignedDuration, Timestamp};

use crate::record::store::past::Span;

/// How far back it goes.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Most runs of a check that are read: a day at an interval of five seconds.
pub const MAX_ROWS: usize = 20_000;

/// The day that ends now.
pub fn day(now: Timestamp) -> Span {
    // One second more: what ended just now is in it.
    let to = now.saturating_add(SignedDuration::from_secs(1)).unwrap_or(now);
    Span { from: now.saturating_sub(DAY).unwrap_or(now), to }
}

/// The part of a span, of so many equal ones, in which a moment lies.
fn part(span: Span, parts: usize, at: Timestamp) -> Option<usize> {
    let whole = span.from.duration_until(span.to).as_millis().max(1);
    let into = span.from.duration_until(at).as_millis();
    let index = into.checked_mul(i128::try_from(parts).ok()?)?.div_euclid(whole);
    usize::try_from(index).ok().filter(|index| *index < parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::row::{Row, RunResult};
    use crate::schedule::slot::{Purpose, Slot};

    /// When the days of the tests end.
    pub fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    /// A run so long before.
    pub fn row(minutes_ago: i64, result: RunResult) -> Row {
        let planned = now() - SignedDuration::from_mins(minutes_ago);
        let slot = Slot { number: 1, planned, purpose: Purpose::Scheduled };
        Row { result, ..Row::blank(slot) }
    }
}

//! How far one log was read, and what is to be asked next. Pure: `now` is passed in.

use jiff::{SignedDuration, Timestamp};

/// So much of what was asked for already is asked for again: entries come late. Those that are
/// known already are known again.
const OVERLAP: SignedDuration = SignedDuration::from_mins(30);

/// How far back the first question goes.
const FIRST: SignedDuration = SignedDuration::from_hours(24);

/// How far back one goes after a long time without an answer: what is given at once.
const LONGEST: SignedDuration = SignedDuration::from_hours(13 * 24);

/// The shortest time that is asked for by itself.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// Of one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    through: Option<Timestamp>,
    /// The longest time that is asked for at once, where a longer one had more than is read.
    span: Option<SignedDuration>,
}

impl Reach {
    /// Of a log that was read up to then, if it was.
    pub fn new(through: Option<Timestamp>) -> Self {
        Self { through, span: None }
    }

    /// From when on to ask.
    pub fn begin(&self, now: Timestamp) -> Timestamp {
        let before = |span| now.saturating_sub(span).unwrap_or(now);
        match self.through.and_then(|at| at.saturating_sub(OVERLAP).ok()) {
            // A clock that went back must not skip anything.
            Some(from) => from.clamp(before(LONGEST), before(OVERLAP)),
            None => before(FIRST),
        }
    }

    /// Up to when to ask, from then on.
    pub fn end(&self, from: Timestamp, now: Timestamp) -> Timestamp {
        let end = self.span.and_then(|span| from.saturating_add(span).ok());
        end.unwrap_or(now).min(now)
    }

    /// All up to then was read. Once that is now, nothing need be asked for in pieces.
    pub fn read(&mut self, to: Timestamp, now: Timestamp) {
        self.through = Some(to);
        if to >= now {
            self.span = None;
        }
    }

    /// There was more in that time than is read, and it is the oldest that is missing: half of it
    /// is asked for next. Says whether that can be.
    pub fn halve(&mut self, from: Timestamp, to: Timestamp) -> bool {
        let half = to.duration_since(from) / 2;
        let goes_on = half >= SHORTEST;
        if goes_on {
            self.span = Some(half);
        }
        goes_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + 60 * minutes).unwrap()
    }

    #[test]
    fn questions_overlap_and_skip_nothing() {
        let begin = |through, now| Reach::new(through).begin(now);
        assert_eq!(begin(None, at(0)), at(-24 * 60), "the first");
        assert_eq!(begin(Some(at(-60)), at(0)), at(-90));
        assert_eq!(begin(Some(at(-60_000)), at(0)), at(-13 * 24 * 60), "after a long time");
        assert_eq!(begin(Some(at(300)), at(0)), at(-30), "the clock went back");
    }

    #[test]
    fn a_time_with_too_much_in_it_is_read_in_pieces_and_none_is_passed_over() {
        let now = at(0);
        let mut reach = Reach::new(None);
        let mut from = reach.begin(now);
        assert_eq!(reach.end(from, now), now);
        // More than six hours of it are never read.
        let (mut asked, mut read) = (0, Vec::new());
        while from < now {
            let to = reach.end(from, now);
            assert!(to > from);
            asked += 1;
            if to.duration_since(from) > SignedDuration::from_hours(6) {
                assert!(reach.halve(from, to));
                continue;
            }
            reach.read(to, now);
            read.push((from, to));
            from = to;
        }
        assert_eq!(asked, 6, "once whole, once half, and four quarters");
        assert_eq!(read.first().unwrap().0, at(-24 * 60));
        assert!(read.windows(2).all(|two| two[0].1 == two[1].0), "{read:?}");
        assert_eq!(read.last().unwrap().1, now);
        assert_eq!(reach, Reach::new(Some(now)));
    }

    #[test]
    fn a_minute_with_too_much_in_it_is_not_passed() {
        let mut reach = Reach::new(Some(at(0)));
        assert!(reach.halve(at(0), at(2)));
        assert!(!reach.halve(at(0), at(1)));
        assert_eq!(reach.begin(at(1)), at(-30), "it is asked for again");
    }
}

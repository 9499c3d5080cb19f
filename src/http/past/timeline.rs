//! How the runs of a check ended, quarter of an hour by quarter.

use jiff::Timestamp;
use serde::Serialize;

use super::part;
use crate::incident::words::count;
use crate::record::row::RunResult;
use crate::record::store::past::{Past, Span};

/// Parts of a day: quarters of an hour.
pub const PARTS: usize = 96;

/// A day of a check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timeline {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
    /// Whether there were more runs than are read: the beginning is left out.
    pub cut: bool,
    /// Equal parts, the oldest first.
    pub parts: Vec<Part>,
}

/// How runs ended; those that were made to confirm others are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Part {
    /// As they should.
    pub success: u64,
    /// Otherwise.
    pub failure: u64,
    /// They say nothing about the endpoint.
    pub inconclusive: u64,
    /// There were none, and there should have been.
    pub missed: u64,
}

/// What a part looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// Nothing was to run.
    Nothing,
    /// Nobody knows.
    Unknown,
    /// Every run passed.
    Good,
    /// Some failed.
    Mixed,
    /// Every run failed.
    Bad,
}

impl Part {
    /// What it looks like.
    pub fn look(&self) -> Look {
        match (self.success, self.failure) {
            (0, 0) if self.inconclusive + self.missed > 0 => Look::Unknown,
            (0, 0) => Look::Nothing,
            (_, 0) => Look::Good,
            (0, _) => Look::Bad,
            _ => Look::Mixed,
        }
    }
}

impl Timeline {
    /// Of the rows of a span.
    pub fn of(past: &Past, span: Span) -> Self {
        let mut parts = vec![Part::default(); PARTS];
        for row in past.rows.iter().filter(|row| row.counts()) {
            let Some(place) = part(span, PARTS, row.at).and_then(|index| parts.get_mut(index))
            else {
                continue;
            };
            match row.result {
                RunResult::Success => place.success += 1,
                RunResult::Failure => place.failure += 1,
                RunResult::Inconclusive => place.inconclusive += 1,
                RunResult::Missed => place.missed += row.slots,
            }
        }
        Self { from: span.from, to: span.to, cut: past.cut, parts }
    }

    /// Everything together.
    pub fn sum(&self) -> Part {
        self.parts.iter().fold(Part::default(), |sum, part| Part {
            success: sum.success + part.success,
            failure: sum.failure + part.failure,
            inconclusive: sum.inconclusive + part.inconclusive,
            missed: sum.missed + part.missed,
        })
    }

    /// In one line: what a picture of it shows to whoever sees none.
    pub fn words(&self) -> String {
        let sum = self.sum();
        let told = sum.success + sum.failure;
        if told == 0 {
            return match sum.inconclusive + sum.missed {
                0 => "no runs".to_owned(),
                unknown => format!("not known: runs that said nothing or were missed: {unknown}"),
            };
        }
        let share = sum.success as f64 / told as f64 * 100.0;
        // What is not all is never said to be all.
        let share = if sum.failure > 0 { share.min(99.99) } else { share };
        let mut words = format!("{share:.2} % of {told} runs passed");
        let spells = self.spells();
        if spells > 0 {
            let quarters = self.parts.iter().filter(|part| part.failure > 0).count();
            let (quarters, times) =
                (count(quarters as u64, "quarter"), count(spells as u64, "time"));
            words.push_str(&format!(", failures began {times}, in {quarters} of an hour"));
        }
        let unknown = sum.inconclusive + sum.missed;
        if unknown > 0 {
            words.push_str(&format!(", {unknown} runs said nothing or were missed"));
        }
        if self.cut {
            words.push_str("; the beginning of the day is left out");
        }
        words
    }

    /// How often failures began.
    fn spells(&self) -> usize {
        let bad = |part: &Part| part.failure > 0;
        let before = std::iter::once(false).chain(self.parts.iter().map(bad));
        self.parts.iter().map(bad).zip(before).filter(|(now, before)| *now && !before).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::day;
    use super::super::tests::{now, row};
    use super::*;
    use crate::record::row::Row;
    use crate::schedule::slot::Purpose;

    fn timeline(rows: Vec<Row>) -> Timeline {
        Timeline::of(&Past { rows, cut: false }, day(now()))
    }

    #[test]
    fn each_run_is_in_its_quarter() {
        use RunResult::*;
        let confirm = |mut row: Row| {
            row.slot.purpose = Purpose::Confirm;
            row
        };
        let missed = Row { slots: 7, ..row(59, Missed) };
        let day = timeline(vec![
            row(1440, Success),
            row(100, Success),
            row(99, Failure),
            confirm(row(98, Failure)),
            missed,
            row(1, Failure),
            row(0, Failure),
        ]);
        let looks: Vec<_> = day.parts.iter().map(Part::look).collect();
        assert_eq!(looks.len(), PARTS);
        assert_eq!((looks[0], looks[1]), (Look::Good, Look::Nothing));
        assert_eq!((looks[89], looks[92], looks[95]), (Look::Mixed, Look::Unknown, Look::Bad));
        let sum = day.sum();
        assert_eq!((sum.success, sum.failure, sum.inconclusive, sum.missed), (2, 3, 0, 7));
        assert_eq!(
            day.words(),
            "40.00 % of 5 runs passed, failures began 2 times, in 2 quarters of an hour, \
             7 runs said nothing or were missed"
        );
    }

    #[test]
    fn what_is_not_known_is_not_good() {
        assert_eq!(timeline(Vec::new()).words(), "no runs");
        let silent = timeline(vec![row(5, RunResult::Inconclusive)]);
        assert_eq!(silent.words(), "not known: runs that said nothing or were missed: 1");
        let mut rows = vec![row(5, RunResult::Success); 19_999];
        rows.push(row(4, RunResult::Failure));
        assert!(timeline(rows).words().starts_with("99.99 % of 20000"), "never rounded to all");
    }
}

//! How the users of an endpoint fared in a minute, by statistics on counts. Pure.

use serde::{Deserialize, Serialize};

use super::series::{Counts, Hour, Series};
use super::{Minute, Silence, Users, poisson};

/// What is rarer than this is not chance.
pub const RARE: f64 = 0.001;

/// Minutes over which failures are looked at.
const RECENT_MINUTES: i64 = 5;

/// Fewer failures than this prove nothing.
const MIN_FAILURES: u32 = 3;

/// Ended conversations from which on a minute is also looked at by itself.
const MIN_OWN: u32 = 20;

/// What happens in one of ten minutes tells nothing of a minute by itself.
const COMMON: f64 = 0.1;

/// The share of failures that is always allowed for.
const MIN_SHARE: f64 = 0.01;

/// Hours from which the usual share of failures is known.
const SHARE_HOURS: i64 = 7 * 24;

/// Minutes before a silence from which it is known what is usual.
const HOURS_BEFORE: i64 = 3 * 60;

/// Minutes of these that must have been watched; and as many of an hour of an earlier week.
const MIN_WATCHED_BEFORE: u32 = 60;
const MIN_WATCHED_HOUR: u8 = 30;

/// Weeks that are looked back at.
const WEEKS: i64 = 4;

/// Longest silence that is measured.
const MAX_SILENCE: i64 = 24 * 60;

/// The numbers by which users were judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Conversations that failed in the five minutes that end with this one.
    pub failed: u32,
    /// Those that ended in them, however.
    pub ended: u32,
    /// The share of failures that is usual.
    pub usual_share: f64,
    /// The chance of as many failures, if that share held.
    pub failing_p: f64,
    /// The chance of as many failures as this minute alone has, if that share held; none where too
    /// few conversations ended in it to tell.
    pub own_p: Option<f64>,
    /// Minutes without a conversation that began, up to and with this one.
    pub silent_minutes: u32,
    /// How many would have begun in them by the same hours of earlier weeks.
    pub expected_by_weeks: Option<f64>,
    /// How many would have begun in them by the hours before.
    pub expected_by_hours: Option<f64>,
    /// The chance of none, by the smaller of the two; none where there is nothing to judge by.
    pub silent_p: Option<f64>,
}

/// Judges a minute.
pub fn judge(series: &Series, minute: Minute, silence: Silence) -> (Users, Figures) {
    let figures = figures(series, minute, silence);
    let counts = own(series, minute);
    let failing = counts.failed > 0
        && figures.failed >= MIN_FAILURES
        && figures.failing_p < RARE
        // One straggler among a hundred that went well: the outage of the minutes before is over.
        && figures.own_p.is_none_or(|p| p < COMMON);
    let users = if failing {
        Users::Failing
    } else if figures.silent_p.is_some_and(|p| p < RARE) {
        Users::Silent
    } else if counts.started > 0 || counts.ok > 0 {
        Users::Normal
    } else {
        Users::NoTraffic
    };
    (users, figures)
}

/// The conversations of a minute.
fn own(series: &Series, minute: Minute) -> Counts {
    series.minutes.get(minute).map(|row| row.counts).unwrap_or_default()
}

/// The numbers of a minute.
pub fn figures(series: &Series, minute: Minute, silence: Silence) -> Figures {
    let first = Minute(minute.0 - RECENT_MINUTES + 1);
    let recent = series.minutes.range(first..=minute).map(|(_, row)| row.counts);
    let (failed, ended) = recent.fold((0_u32, 0_u32), |(failed, ended), counts| {
        (failed.saturating_add(counts.failed), ended.saturating_add(counts.ended()))
    });
    let usual_share = usual_share(series, Hour::of(first));
    let own = own(series, minute);
    let own_p = (own.ended() >= MIN_OWN)
        .then(|| poisson::at_least(own.failed, usual_share * f64::from(own.ended())));
    let quiet = Quiet::until(series, minute);
    let expected_by_weeks = quiet.by_weeks(series);
    let expected_by_hours = quiet.by_hours(series);
    let expected = match (silence, expected_by_weeks, expected_by_hours) {
        (Silence::Off, ..) | (Silence::Weeks, None, _) | (_, _, None) => None,
        (_, weeks, Some(hours)) => Some(weeks.map_or(hours, |weeks| weeks.min(hours))),
    };
    let expected = expected.filter(|_| quiet.minutes > 0);
    Figures {
        failed,
        ended,
        usual_share,
        failing_p: poisson::at_least(failed, usual_share * f64::from(ended)),
        own_p,
        silent_minutes: quiet.minutes,
        expected_by_weeks,
        expected_by_hours,
        silent_p: expected.map(poisson::none),
    }
}

/// The share of failures in the week before this hour.
fn usual_share(series: &Series, hour: Hour) -> f64 {
    let hours = series.hours.range(Hour(hour.0 - SHARE_HOURS)..hour).map(|(_, row)| row.counts);
    let (failed, ended) = hours.fold((0_u64, 0_u64), |(failed, ended), counts| {
        (failed + u64::from(counts.failed), ended + u64::from(counts.ended()))
    });
    match ended {
        0 => MIN_SHARE,
        ended => (failed as f64 / ended as f64).max(MIN_SHARE),
    }
}

/// A run of watched minutes in which no conversation began.
#[derive(Debug, Clone, Copy)]
struct Quiet {
    /// Its first minute.
    begin: Minute,
    /// How many they are.
    minutes: u32,
    /// It is longer than that.
    longer: bool,
}

impl Quiet {
    /// The one that ends with this minute.
    fn until(series: &Series, minute: Minute) -> Self {
        let first = Minute(minute.0 - MAX_SILENCE + 1);
        let mut quiet = Self { begin: Minute(minute.0 + 1), minutes: 0, longer: false };
        for (at, row) in series.minutes.range(first..=minute).rev() {
            let next = at.0 + 1 == quiet.begin.0;
            if !next || !row.watched || row.counts.started > 0 {
                return quiet;
            }
            quiet.begin = at;
            quiet.minutes += 1;
        }
        quiet.longer = quiet.begin == first;
        quiet
    }

    /// How many conversations would have begun in it by the same hours of earlier weeks; an hour
    /// that no week knows adds nothing.
    fn by_weeks(&self, series: &Series) -> Option<f64> {
        let end = Minute(self.begin.0 + i64::from(self.minutes));
        let (mut expected, mut known) = (0.0, false);
        let mut at = self.begin;
        while at < end {
            let next = Hour(Hour::of(at).0 + 1).begin().min(end);
            if let Some(mean) = weekly_mean(series, Hour::of(at)) {
                expected += mean * (next.0 - at.0) as f64 / 60.0;
                known = true;
            }
            at = next;
        }
        known.then_some(expected)
    }

    /// How many would have begun in it at the pace of the hours before it, so that a silence does
    /// not become what is usual.
    fn by_hours(&self, series: &Series) -> Option<f64> {
        let (mut started, mut watched) = (0_u64, 0_u32);
        if self.longer {
            let mut hours = series.hours.range(..=Hour::of(self.begin)).rev();
            let (last, _) = hours.find(|(_, row)| row.counts.started > 0)?;
            for (_, row) in series.hours.range(Hour(last.0 - 2)..=last) {
                started += u64::from(row.counts.started);
                watched += u32::from(row.watched);
            }
        } else {
            let before = Minute(self.begin.0 - HOURS_BEFORE)..self.begin;
            for (_, row) in series.minutes.range(before).filter(|(_, row)| row.watched) {
                started += u64::from(row.counts.started);
                watched += 1;
            }
        }
        let known = watched >= MIN_WATCHED_BEFORE;
        known.then(|| started as f64 / f64::from(watched) * f64::from(self.minutes))
    }
}

/// How many conversations began in this hour of earlier weeks.
fn weekly_mean(series: &Series, hour: Hour) -> Option<f64> {
    let rows = (1..=WEEKS).filter_map(|week| series.hours.get(Hour(hour.0 - week * 7 * 24)));
    let rows = rows.filter(|row| row.watched >= MIN_WATCHED_HOUR);
    let (sum, weeks) = rows
        .fold((0_u64, 0_u32), |(sum, weeks), row| (sum + u64::from(row.counts.started), weeks + 1));
    (weeks > 0).then(|| sum as f64 / f64::from(weeks))
}

#[cfg(test)]
mod tests;

//! Which windows are judged when.

use jiff::Timestamp;

use super::Windows;
use crate::casebook::numbers::Counted;
use crate::check::endpoint::EndpointName;
use crate::correlate::series::{Judged, KEPT_MINUTES, OPEN_MINUTES};
use crate::correlate::{Correlation, Minute, Probes, Window, users};

/// Minutes that are judged for the first time in one step: after a day without the daemon there
/// are many.
const CLOSED_AT_A_TIME: i64 = 60;

/// Minutes that incidents look back at.
const RECENT_MINUTES: i64 = 30;

/// Windows that are judged again in one step.
const REVISED_AT_A_TIME: usize = 1000;

impl Windows {
    /// The last minute whose time to be judged has come.
    fn due(&self, now: Timestamp) -> Minute {
        let settled = now.checked_sub(self.settings.settle).unwrap_or(now);
        Minute(Minute::of(settled).0 - 1)
    }

    /// The last minute that was judged before now, by this daemon or one before it. What was judged
    /// while the clock was ahead says nothing of the minutes between.
    pub(super) fn closed_before(&self, now: Timestamp) -> Minute {
        let due = self.due(now);
        let series = || {
            let whose = |name: &EndpointName| Some(name.clone());
            self.takers().iter().filter_map(move |name| self.series.get(&whose(name)))
        };
        let judged = |(minute, row): (Minute, &crate::correlate::series::MinuteRow)| {
            row.judged.map(|_| minute)
        };
        let last =
            series().filter_map(|series| series.minutes.range(..=due).rev().find_map(judged));
        // One that ended before its first judgement has left minutes that it watched.
        let first = series().filter_map(|series| {
            let mut watched = series.minutes.range(..).filter(|(_, row)| row.watched);
            watched.next().map(|(minute, _)| Minute(minute.0 - 1))
        });
        last.max().or(first.min()).map_or(due, |closed| closed.min(due))
    }

    /// How the minutes of the last half hour were judged, the oldest first.
    pub fn recent(&self, now: Timestamp) -> Vec<Window> {
        let first = Minute(Minute::of(now).0 - RECENT_MINUTES);
        let of = |name: &EndpointName| {
            let series = self.series.get(&Some(name.clone()));
            let rows = series.into_iter().flat_map(move |series| series.minutes.range(first..));
            let name = name.clone();
            rows.filter_map(move |(minute, row)| Some(window(&name, minute, row.judged?)))
        };
        let mut windows: Vec<_> = self.takers().iter().flat_map(of).collect();
        windows.sort_by_key(|window| window.minute);
        windows
    }

    /// The newest judged minute of an endpoint.
    pub fn newest(&self, name: &EndpointName) -> Option<Window> {
        let series = self.series.get(&Some(name.clone()))?;
        let mut rows = series.minutes.range(..=self.closed).rev();
        rows.find_map(|(minute, row)| Some(window(name, minute, row.judged?)))
    }

    /// Judges what is due, and what may be otherwise than it was judged. While more events wait,
    /// `heard` is when the last of those arrived that were taken up.
    pub(super) fn judge(&mut self, now: Timestamp, heard: Option<Timestamp>) -> Vec<Window> {
        let takers: Vec<_> = self.takers().iter().cloned().collect();
        let minute = Minute::of(now);
        self.believe(minute);
        for name in &takers {
            self.series.entry(Some(name.clone())).or_default().watch(minute);
        }
        let due = self.due(now);
        if self.closed > due {
            // A clock that went back: these minutes come again, and are looked at again.
            self.closed = self.closed_before(now);
        }
        let due = heard.map_or(due, |heard| due.min(self.due(heard)));
        let first = (self.closed.0 + 1).max(due.0 - KEPT_MINUTES + 1);
        let last = due.0.min(first + CLOSED_AT_A_TIME - 1);
        let mut windows = Vec::new();
        for minute in (first..=last).map(Minute) {
            for name in &takers {
                let sights = self.sights.entry(name.clone()).or_default();
                sights.close(minute);
                sights.seal(minute);
                windows.extend(self.judge_one(name, minute));
            }
            self.closed = minute;
        }
        // Each has its share: one with much to revise must not keep the others from it.
        let share = (REVISED_AT_A_TIME / takers.len().max(1)).max(1);
        for name in &takers {
            windows.extend(self.revise(name, share));
        }
        windows
    }

    /// Judges again what may be otherwise.
    fn revise(&mut self, name: &EndpointName, most: usize) -> Vec<Window> {
        let Some(series) = self.series.get_mut(&Some(name.clone())) else { return Vec::new() };
        let Some(dirty) = series.dirty else { return Vec::new() };
        let first = Minute(dirty.0.max(self.closed.0 - OPEN_MINUTES + 1));
        // It may not have come to that yet.
        let range = (first <= self.closed).then(|| series.minutes.range(first..=self.closed));
        // Only what was judged as time went by: what lies before a daemon's first minute never is.
        let judged = range.into_iter().flatten().filter(|(_, row)| row.judged.is_some());
        let minutes: Vec<_> = judged.map(|(at, _)| at).take(most).collect();
        let last = minutes.last().copied();
        series.dirty = last.filter(|_| minutes.len() == most).map(|last| Minute(last.0 + 1));
        minutes.into_iter().filter_map(|minute| self.judge_one(name, minute)).collect()
    }

    /// Judges one window; gives it where that is new.
    fn judge_one(&mut self, name: &EndpointName, minute: Minute) -> Option<Window> {
        let whose = Some(name.clone());
        let probes = self.sights.get(name).map_or(Probes::Unknown, |sights| sights.probes(minute));
        let series = self.series.entry(whose.clone()).or_default();
        if !series.keeps(minute) {
            return None;
        }
        let (users, _) = users::judge(series, minute, self.settings.silence);
        let correlation = Correlation::between(probes, users);
        let counts = series.minutes.get(minute).map(|row| row.counts).unwrap_or_default();
        let judged = Judged { probes, users, correlation, counts };
        let before = series.judge(minute, judged);
        if before == Some(judged) {
            return None;
        }
        let mut counted = Counted::default();
        match before {
            None => {
                for (count, one) in counted.windows.iter_mut().zip(Correlation::ALL) {
                    *count = u64::from(one == correlation);
                }
            }
            Some(before) => counted.revised = u64::from(before.correlation != correlation),
        }
        let row = series.minutes.change(minute);
        if correlation == Correlation::UsersOnly && !row.blind_spot {
            row.blind_spot = true;
            counted.blind_spots = 1;
        }
        if correlation == Correlation::ProbeOnly && !row.false_alarm {
            row.false_alarm = true;
            counted.false_alarms = 1;
        }
        *self.pending.entry(whose).or_default() += counted;
        Some(window(name, minute, judged))
    }

    /// Follows the clock for what is thrown away: a minute in each step, but back at once.
    fn believe(&mut self, now: Minute) {
        if now != self.believed {
            self.believed = now.min(Minute(self.believed.0 + 1));
            self.sweeping = true;
            let believed = self.believed;
            self.series.values_mut().for_each(|series| series.expire(believed));
            self.sights.values_mut().for_each(|sights| sights.expire(believed));
        }
    }
}

/// A window, as it was judged.
fn window(name: &EndpointName, minute: Minute, judged: Judged) -> Window {
    let Judged { probes, users, correlation, counts } = judged;
    Window {
        endpoint: name.clone(),
        minute,
        probes,
        users,
        correlation,
        started: counts.started,
        ended: counts.ended(),
        failed: counts.failed,
    }
}

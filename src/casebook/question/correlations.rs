//! The newest windows with the numbers that were used, and what they come to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::MAX_ROWS;
use crate::casebook::tables::Whose;
use crate::casebook::windows::Windows;
use crate::check::endpoint::EndpointName;
use crate::correlate::series::{Counts, Hour, KEPT_MINUTES, Series};
use crate::correlate::users::{self, Figures};
use crate::correlate::{Correlation, Minute, Probes, Silence, Users};

/// Which windows.
#[derive(Debug, Clone)]
pub struct WindowsAsked {
    /// Of this endpoint alone.
    pub endpoint: Option<EndpointName>,
    /// From this minute on.
    pub since: Option<Minute>,
    /// Up to and with this minute.
    pub until: Option<Minute>,
    /// As many.
    pub limit: usize,
    /// Behind this one, in the order of the answer.
    pub after: Option<Place>,
}

/// A place in the order of windows: the newest first, in a minute by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The minute.
    pub minute: Minute,
    /// The endpoint.
    pub endpoint: EndpointName,
}

/// Windows, and what they come to.
#[derive(Debug, Serialize)]
pub struct Correlations {
    /// Against what a silence is held.
    pub silence: Silence,
    /// The newest first.
    pub windows: Vec<WindowView>,
    /// The `cursor` of those behind the last; none where there are no more.
    pub next: Option<String>,
    /// By endpoint.
    pub endpoints: Vec<Summary>,
    /// Conversations of whom nothing tells whose users they are.
    pub unmapped: Counts,
}

/// A minute of an endpoint.
#[derive(Debug, Serialize)]
pub struct WindowView {
    /// Whose users and probes.
    pub endpoint: EndpointName,
    /// Its first moment.
    pub at: Timestamp,
    /// What the probes saw.
    pub probes: Probes,
    /// How the users fared.
    pub users: Users,
    /// What the two say together.
    pub correlation: Correlation,
    /// Its conversations.
    pub conversations: Counts,
    /// The numbers by which its users are judged.
    pub figures: Figures,
}

/// What the hours of an endpoint come to: those that the asked time touches, as far as they are
/// kept.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The endpoint.
    pub endpoint: EndpointName,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Minutes by result.
    pub minutes: BTreeMap<&'static str, u64>,
    /// Conversations.
    pub conversations: Counts,
    /// The share of minutes with bad probes and users to tell in which the users fared badly too.
    pub precision: Option<f64>,
    /// The share of minutes in which users fared badly and probes could tell in which they did.
    pub recall: Option<f64>,
}

impl Windows {
    /// The newest windows; none where no such endpoint takes users.
    pub(in crate::casebook) fn correlations(&self, asked: &WindowsAsked) -> Option<Correlations> {
        let names: Vec<_> = match &asked.endpoint {
            None => self.takers().iter().collect(),
            Some(name) => vec![self.takers().get(name)?],
        };
        let series: Vec<_> = names
            .iter()
            .filter_map(|name| Some((*name, self.of(Some((*name).clone()))?)))
            .collect();
        let limit = asked.limit.clamp(1, MAX_ROWS);
        let mut windows = Vec::new();
        let mut next = None;
        let newest = asked.until.map_or(self.closed(), |until| until.min(self.closed()));
        let newest = asked.after.as_ref().map_or(newest, |after| newest.min(after.minute));
        let oldest = Minute(self.closed().0 - KEPT_MINUTES);
        let oldest = asked.since.map_or(oldest, |since| since.max(oldest));
        'minutes: for minute in (oldest.0..=newest.0).rev().map(Minute) {
            for (name, series) in &series {
                let passed = |after: &Place| minute == after.minute && **name <= after.endpoint;
                if asked.after.as_ref().is_some_and(passed) {
                    continue;
                }
                let Some(window) = self.view(name, series, minute) else { continue };
                if windows.len() == limit {
                    next = windows.last().map(|last: &WindowView| {
                        format!("{}/{}", Minute::of(last.at).0, last.endpoint)
                    });
                    break 'minutes;
                }
                windows.push(window);
            }
        }
        let summaries = series.iter().map(|(name, series)| summary(name, series, asked));
        let unmapped = self.of(None).map(|series| counts(series, asked)).unwrap_or_default();
        let endpoints = summaries.collect();
        Some(Correlations { silence: self.silence(), windows, next, endpoints, unmapped })
    }

    fn view(&self, name: &EndpointName, series: &Series, minute: Minute) -> Option<WindowView> {
        let judged = series.minutes.get(minute)?.judged?;
        Some(WindowView {
            endpoint: name.clone(),
            at: minute.begin(),
            probes: judged.probes,
            users: judged.users,
            correlation: judged.correlation,
            conversations: judged.counts,
            figures: users::figures(series, minute, self.silence()),
        })
    }

    fn of(&self, whose: Whose) -> Option<&Series> {
        self.series(&whose)
    }
}

/// The hours that the asked time touches.
fn hours(asked: &WindowsAsked) -> (Hour, Hour) {
    let first = asked.since.map_or(Hour(i64::MIN), Hour::of);
    // A range that ends before it begins holds nothing; asking for one is no mistake.
    (first, asked.until.map_or(Hour(i64::MAX), Hour::of).max(first))
}

fn counts(series: &Series, asked: &WindowsAsked) -> Counts {
    let (first, last) = hours(asked);
    series.hours.range(first..=last).fold(Counts::default(), |mut all, (_, row)| {
        all += row.counts;
        all
    })
}

fn summary(name: &EndpointName, series: &Series, asked: &WindowsAsked) -> Summary {
    let (first, last) = hours(asked);
    let mut minutes: BTreeMap<_, u64> =
        Correlation::ALL.into_iter().map(|correlation| (correlation.as_str(), 0)).collect();
    let mut since = None;
    for (hour, row) in series.hours.range(first..=last) {
        since.get_or_insert(hour.begin().begin());
        for (correlation, count) in Correlation::ALL.into_iter().zip(row.correlations) {
            *minutes.entry(correlation.as_str()).or_default() += u64::from(count);
        }
    }
    let of = |correlation: Correlation| minutes.get(correlation.as_str()).copied().unwrap_or(0);
    let both = of(Correlation::BothBad);
    let share = |other: u64| (both + other > 0).then(|| both as f64 / (both + other) as f64);
    Summary {
        endpoint: name.clone(),
        since,
        precision: share(of(Correlation::ProbeOnly)),
        recall: share(of(Correlation::UsersOnly)),
        minutes,
        conversations: counts(series, asked),
    }
}

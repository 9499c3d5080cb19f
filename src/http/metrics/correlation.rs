//! Families of what users and probes say of each other.

use crate::casebook::numbers::{Counted, Numbers};
use crate::correlate::Correlation;
use crate::correlate::conversation::Outcome;
use crate::http::exposition::{Exposition, Kind, Labels};

/// The label of conversations of whom nothing tells whose users they are: no endpoint can have it.
const UNMAPPED: &str = "~unmapped";

/// Writes them all.
pub fn write(e: &mut Exposition, numbers: &Numbers) {
    let endpoints = || {
        let named = numbers.endpoints.iter();
        named.filter_map(|(whose, counted)| Some((whose.as_deref()?, counted)))
    };

    let name = "watchpost_conversations_total";
    e.family(name, Kind::Counter, "Conversations of users that ended, by how.");
    for (whose, counted) in &numbers.endpoints {
        let labels = e.labels().with("endpoint", whose.as_deref().unwrap_or(UNMAPPED));
        for (outcome, count) in Outcome::ALL.into_iter().zip(counted.conversations) {
            e.sample(&labels.clone().with("outcome", outcome.as_str()), count);
        }
    }

    let name = "watchpost_correlation_windows_total";
    e.family(name, Kind::Counter, "Minutes by what users and probes said of them first.");
    for (endpoint, counted) in endpoints() {
        let labels = e.labels().with("endpoint", endpoint);
        for (correlation, count) in Correlation::ALL.into_iter().zip(counted.windows) {
            e.sample(&labels.clone().with("correlation", correlation.as_str()), count);
        }
    }

    type Plain = (&'static str, &'static str, fn(&Counted) -> u64);
    let plain: [Plain; 3] = [
        (
            "watchpost_correlation_windows_revised_total",
            "Minutes that turned out otherwise than they were judged before.",
            |counted| counted.revised,
        ),
        (
            "watchpost_blind_spot_minutes_total",
            "Minutes in which users failed or fell silent, and probes saw nothing of it.",
            |counted| counted.blind_spots,
        ),
        (
            "watchpost_false_alarm_minutes_total",
            "Minutes in which probes failed, and users did not.",
            |counted| counted.false_alarms,
        ),
    ];
    for (name, help, count) in plain {
        e.family(name, Kind::Counter, help);
        for (endpoint, counted) in endpoints() {
            let labels = e.labels().with("endpoint", endpoint);
            e.sample(&labels, count(counted));
        }
    }

    let none: Labels = e.labels();
    let name = "watchpost_casebook_lag_seconds";
    e.family(
        name,
        Kind::Gauge,
        "How long ago that arrived of which something was made last, while more waits.",
    );
    e.sample(&none, numbers.lag.as_secs_f64());
}

//! The numbers of whoever takes events in. They are there from its begin, so that a first event is
//! a rise.

use jiff::Timestamp;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::Stored;
use crate::event::word::Kind;

/// What is counted of one source of events.
#[derive(Debug)]
pub struct Meters {
    received: Vec<(Kind, Counter)>,
    duplicate: Counter,
    conflict: Counter,
    time_corrected: Counter,
    last_received: Gauge,
    lag: Histogram,
}

impl Meters {
    /// Those of a source of this name.
    pub fn new(source: &str) -> Self {
        let source = || source.to_owned();
        let received = |kind: Kind| counter!("watchpost_events_received_total", "source" => source(), "class" => kind.as_str());
        let received = Kind::ALL.iter().map(|kind| (*kind, received(*kind)));
        // Counted by the inbox, once they are on disk.
        counter!("watchpost_events_dead_letter_total", "source" => source()).increment(0);
        let meters = Self {
            received: received.collect(),
            duplicate: counter!("watchpost_events_duplicate_total", "source" => source()),
            conflict: counter!("watchpost_events_conflict_total", "source" => source()),
            time_corrected: counter!("watchpost_events_time_corrected_total", "source" => source()),
            last_received: gauge!("watchpost_events_last_received_timestamp_seconds", "source" => source()),
            lag: histogram!("watchpost_events_lag_seconds", "source" => source()),
        };
        let all = meters.received.iter().map(|(_, counter)| counter);
        for counter in all.chain([&meters.duplicate, &meters.conflict, &meters.time_corrected]) {
            counter.increment(0);
        }
        meters
    }

    /// An event was taken in.
    pub fn received(&self, event: Received) {
        if let Some((_, counter)) = self.received.iter().find(|(kind, _)| *kind == event.kind) {
            counter.increment(1);
        }
        match event.stored {
            Stored::New => {}
            Stored::Duplicate => self.duplicate.increment(1),
            Stored::Conflict => self.conflict.increment(1),
        }
        if event.time_corrected {
            self.time_corrected.increment(1);
        } else {
            let lag = event.received_at.duration_since(event.at).as_secs_f64();
            self.lag.record(lag.max(0.0));
        }
        self.last_received.set(event.received_at.as_microsecond() as f64 / 1e6);
    }
}

/// What is counted of an event.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// What happened.
    pub kind: Kind,
    /// When it happened.
    pub at: Timestamp,
    /// Whether that is not what the sender says.
    pub time_corrected: bool,
    /// When it came.
    pub received_at: Timestamp,
    /// What became of it.
    pub stored: Stored,
}

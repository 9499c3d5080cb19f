//! What `/metrics` says of the inbox.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::database::{self, aside};

/// The handles, looked up once.
pub struct Gauges {
    commits: Histogram,
    failures: Counter,
    writable: Gauge,
    length: Gauge,
    capacity: Gauge,
    size: Gauge,
    oldest: Gauge,
    quarantined: Gauge,
}

impl Gauges {
    /// All of them, at their beginnings.
    pub fn new() -> Self {
        let gauges = Self {
            commits: histogram!("watchpost_events_commit_seconds"),
            failures: counter!("watchpost_events_store_write_failures_total"),
            writable: gauge!("watchpost_events_inbox_writable"),
            length: gauge!("watchpost_events_inbox_length"),
            capacity: gauge!("watchpost_events_inbox_capacity"),
            size: gauge!("watchpost_events_store_size_bytes"),
            oldest: gauge!("watchpost_events_oldest_record_timestamp_seconds"),
            quarantined: gauge!("watchpost_store_quarantined", "file" => "events"),
        };
        gauges.failures.absolute(0);
        gauges
    }

    /// Letters of these receivers are on disk.
    pub fn buried(&self, receivers: &[Arc<str>]) {
        for receiver in receivers {
            let source = receiver.to_string();
            counter!("watchpost_events_dead_letter_total", "source" => source).increment(1);
        }
    }

    /// How long a batch took until it was on disk.
    pub fn commit(&self, took: Duration) {
        self.commits.record(took.as_secs_f64());
    }

    /// Something could not be written.
    pub fn failure(&self) {
        self.failures.increment(1);
    }

    /// Whether events are taken.
    pub fn writable(&self, writable: bool) {
        self.writable.set(f64::from(u8::from(writable)));
    }

    /// Events that wait, and how many may.
    pub fn length(&self, length: u64, capacity: u64) {
        self.length.set(length as f64);
        self.capacity.set(capacity as f64);
    }

    /// The file, and when its oldest event was stored.
    pub fn file(&self, path: &Path, oldest_us: Option<i64>) {
        self.size.set(database::file_bytes(path) as f64);
        self.oldest.set(oldest_us.map_or(f64::NAN, |micros| micros as f64 / 1e6));
        self.quarantined.set(aside::count(path) as f64);
    }
}

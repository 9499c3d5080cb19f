//! `[events]`: what is kept of what the contact centre says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fault::Faults;
use super::field::Table;
use super::raw;

/// Senders try again for a day, and an event must be known that long.
const MIN_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// `[events]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// The database file.
    pub path: PathBuf,
    /// Events older than this are deleted.
    pub retention: Duration,
    /// The oldest events are deleted above this size.
    pub max_size_bytes: u64,
    /// Events that may wait for something to be made of them.
    pub capacity: u64,
}

/// Every key of the table. A path is relative to where the results are kept.
pub(super) fn read(table: Table<raw::Events>, results: &Path, faults: &mut Faults) -> Events {
    let fix = "write it as a table: [events]";
    let (_, raw) = table.take("events", fix, faults).unwrap_or_default();
    let path = raw.path.take_spanned("events.path", faults);
    let folder = results.parent().unwrap_or(Path::new(""));
    let (span, path) = path.unwrap_or((0..0, "watchpost-events.db".into()));
    let path = folder.join(path);
    if path == results {
        let fix = "give each a file of its own";
        faults.add(&span, "events.path", "results are kept in that file", fix);
    }
    let retention = raw.retention.take_spanned("events.retention", faults);
    if let Some((span, retention)) = &retention
        && retention.0 < MIN_RETENTION
    {
        let problem = "senders try again for a day, and an event must be known that long";
        faults.add(span, "events.retention", problem, "write 1d or more");
    }
    let mib = raw.max_size_mib.take_spanned("events.max-size-mib", faults);
    if let Some((span, 0..16)) = &mib {
        faults.add(span, "events.max-size-mib", "too small to work in", "write 16 or more");
    }
    let capacity = raw.capacity.take_spanned("events.capacity", faults);
    if let Some((span, 0)) = &capacity {
        faults.add(span, "events.capacity", "nothing could be taken in", "write 1 or more");
    }
    let week = Duration::from_secs(7 * 24 * 60 * 60);
    Events {
        path,
        retention: retention.map_or(week, |(_, retention)| retention.0),
        max_size_bytes: mib.map_or(1024, |(_, n)| u64::from(n)) * 1024 * 1024,
        capacity: capacity.map_or(1_000_000, |(_, n)| u64::from(n)),
    }
}

//! `[events]`: what is kept of what the contact centre says.

use std::path::{Path, PathBuf};

use super::fault::Faults;
use super::field::Table;
use super::raw;

/// `[events]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// The database file.
    pub path: PathBuf,
}

/// Every key of the table. A path is relative to where the results are kept.
pub(super) fn read(table: Table<raw::Events>, results: &Path, faults: &mut Faults) -> Events {
    let fix = "write it as a table: [events]";
    let (_, raw) = table.take("events", fix, faults).unwrap_or_default();
    let path = raw.path.take("events.path", faults).unwrap_or("watchpost-events.db".into());
    let folder = results.parent().unwrap_or(Path::new(""));
    Events { path: folder.join(path) }
}

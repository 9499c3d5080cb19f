//! Reading the file beside its writer.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, params};

use super::{Arrival, InboxError};

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its place: later ones are higher.
    pub seq: u64,
    /// The event and its arrival.
    pub arrival: Arrival,
}

/// A connection that only reads.
#[derive(Debug)]
pub struct Reader(Connection);

impl Reader {
    /// Opens a file that the writer has made.
    pub fn open(path: &Path) -> Result<Self, InboxError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Self(Connection::open_with_flags(path, flags)?))
    }

    /// The connection, for tables that are read elsewhere.
    pub fn connection(&self) -> &Connection {
        &self.0
    }

    /// The last event that something was made of.
    pub fn through(&self) -> rusqlite::Result<u64> {
        let mut statement = self
            .0
            .prepare_cached("SELECT coalesce(max(value), 0) FROM meta WHERE key = 'through'")?;
        statement.query_row([], |row| row.get::<_, i64>(0)).map(|seq| seq.max(0) as u64)
    }

    /// Events after this one, oldest first.
    pub fn after(&self, seq: u64, limit: usize) -> rusqlite::Result<Vec<StoredEvent>> {
        let mut statement = self.0.prepare_cached(
            "SELECT seq, receiver, received_us, event FROM events \
             WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )?;
        let mut rows = statement.query(params![seq as i64, limit as i64])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            let received_us: i64 = row.get(2)?;
            let text = row.get_ref(3)?.as_str()?;
            // What an older program wrote is readable; what nobody can read is passed over.
            let Ok(event) = serde_json::from_str(text) else { continue };
            events.push(StoredEvent {
                seq: row.get::<_, i64>(0)? as u64,
                arrival: Arrival {
                    receiver: Arc::from(row.get_ref(1)?.as_str()?),
                    received_at: Timestamp::from_microsecond(received_us).unwrap_or_default(),
                    event,
                },
            });
        }
        Ok(events)
    }
}

//! Reading the file beside its writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, params};

use super::{Arrival, InboxError};
use crate::database;
use crate::database::place::Place;

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
pub struct Reader {
    connection: Connection,
    path: PathBuf,
    /// The file that is open, which another may have replaced.
    file: Option<Place>,
}

impl Reader {
    /// Opens a file that the writer has made.
    pub fn open(path: &Path) -> Result<Self, InboxError> {
        let file = Place::of(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(database::BUSY)?;
        Ok(Self { connection, path: path.to_owned(), file })
    }

    /// Opens the file that has come in this one's place, where the writer found it broken and set
    /// it aside. Says whether it did.
    pub fn follow(&mut self) -> Result<bool, InboxError> {
        let there = Place::of(&self.path);
        if there.is_none() || there == self.file {
            return Ok(false);
        }
        *self = Self::open(&self.path)?;
        Ok(true)
    }

    /// The connection, for tables that are read elsewhere.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The last event that something was made of.
    pub fn through(&self) -> rusqlite::Result<u64> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT coalesce(max(value), 0) FROM meta WHERE key = 'through'")?;
        statement.query_row([], |row| row.get::<_, i64>(0)).map(|seq| seq.max(0) as u64)
    }

    /// Events after this one, oldest first.
    pub fn after(&self, seq: u64, limit: usize) -> rusqlite::Result<Vec<StoredEvent>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, receiver, received_us, event FROM events \
             WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )?;
        read(statement.query(params![seq as i64, limit as i64])?)
    }

    /// The newest events, newest first.
    pub fn newest(&self, limit: usize) -> rusqlite::Result<Vec<StoredEvent>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, receiver, received_us, event FROM events ORDER BY seq DESC LIMIT ?1",
        )?;
        read(statement.query(params![limit as i64])?)
    }
}

fn read(mut rows: rusqlite::Rows<'_>) -> rusqlite::Result<Vec<StoredEvent>> {
    let mut last: Option<Arc<str>> = None;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let received_us: i64 = row.get(2)?;
        // What an older program wrote is readable; what nobody can read, a text of flipped bits
        // too, is passed over: those behind it must not wait for it.
        let (Ok(name), Ok(text)) = (row.get_ref(1)?.as_str(), row.get_ref(3)?.as_str()) else {
            continue;
        };
        let Ok(event) = serde_json::from_str(text) else { continue };
        // One text for all rows that bear the same.
        let receiver = last.take().filter(|last| **last == *name).unwrap_or_else(|| name.into());
        last = Some(receiver.clone());
        events.push(StoredEvent {
            seq: row.get::<_, i64>(0)? as u64,
            arrival: Arrival {
                receiver,
                received_at: Timestamp::from_microsecond(received_us).unwrap_or_default(),
                event,
            },
        });
    }
    Ok(events)
}

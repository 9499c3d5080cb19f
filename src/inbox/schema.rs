//! The tables, and which version of them a file holds.

use rusqlite::Connection;

use super::InboxError;

/// The version that this program writes.
const VERSION: i64 = 1;

/// Sets a connection up, and makes the tables in a new file. A file of a newer program is refused
/// untouched.
pub fn prepare(connection: &Connection) -> Result<(), InboxError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > VERSION {
        return Err(InboxError::Newer { found, known: VERSION });
    }
    if found == 0 {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Each commit is synced: an acknowledgement rests on it.
    connection.pragma_update(None, "synchronous", "FULL")?;
    if found == 0 {
        connection.execute_batch(TABLES)?;
    }
    Ok(())
}

/// The tables of the casebook are here too, since what is made of an event is written in one
/// transaction with how far that went.
const TABLES: &str = "
BEGIN;
CREATE TABLE events (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- never given again, also after a sweep
    id           BLOB NOT NULL UNIQUE,
    receiver     TEXT NOT NULL,
    received_us  INTEGER NOT NULL,                  -- microseconds since 1970
    at_us        INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    event        TEXT NOT NULL                      -- JSON: the normal form, nothing personal
) STRICT;
CREATE TABLE meta (
    key    TEXT PRIMARY KEY,
    value  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
COMMIT;
";

//! The tables, and which version of them a file holds.

use rusqlite::Connection;

use crate::database::{self, DatabaseError};

/// The version that this program writes.
const VERSION: i64 = 2;

/// The tables of a new file. Those of the casebook are here too, since what is made of an event is
/// written in one transaction with how far that went.
const TABLES: &[&str] = &[EVENTS, WINDOWS, INCIDENTS, KEPT];

/// What a file of an older program lacks, from the version on that it has.
const LATER: &[(i64, &str)] = &[(1, KEPT)];

/// Pages of 4 KiB that may be in memory: ids are looked up all over their index.
const CACHE_KIB: i64 = -16 * 1024;

/// Longest that the log stays once it is folded into the file.
const LOG_BYTES: i64 = 64 * 1024 * 1024;

/// Sets a connection up, and makes the tables in a new file. A file of a newer program is refused
/// untouched.
pub fn prepare(connection: &Connection) -> Result<(), DatabaseError> {
    let found = database::version(connection, VERSION)?;
    if found == 0 {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Each commit is synced: an acknowledgement rests on it.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Between batches, and where it fails that must be seen: SQLite's own would keep it to itself.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    if found == 0 {
        let tables = TABLES.concat();
        let sql = format!("BEGIN; {tables} PRAGMA user_version = {VERSION}; COMMIT;");
        connection.execute_batch(&sql)?;
    } else if found < VERSION {
        let missing = LATER.iter().filter(|(version, _)| *version >= found);
        let tables: String = missing.map(|(_, tables)| *tables).collect();
        let sql = format!("BEGIN; {tables} PRAGMA user_version = {VERSION}; COMMIT;");
        connection.execute_batch(&sql)?;
    }
    Ok(())
}

/// Sets a connection up that writes beside the daemon's, in a file that is there.
pub fn join(connection: &Connection) -> Result<(), DatabaseError> {
    if database::version(connection, VERSION)? == 0 {
        return Err(DatabaseError::Broken("it has no tables yet".to_owned()));
    }
    // The log is the daemon's to fold; what is written to it is synced all the same.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(())
}

const EVENTS: &str = "
CREATE TABLE events (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- never given again, also after a sweep
    id           BLOB NOT NULL UNIQUE,
    receiver     TEXT NOT NULL,
    received_us  INTEGER NOT NULL,                  -- microseconds since 1970
    at_us        INTEGER NOT NULL,
    stored_us    INTEGER NOT NULL,                  -- by a clock that never goes back
    kind         TEXT NOT NULL,
    event        TEXT NOT NULL                      -- JSON: the normal form, nothing personal
) STRICT;
CREATE TABLE dead_letters (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    receiver      TEXT NOT NULL,
    received_us   INTEGER NOT NULL,
    fault         TEXT NOT NULL,
    content_type  TEXT,
    body          BLOB NOT NULL
) STRICT;
CREATE TABLE meta (
    key    TEXT PRIMARY KEY,
    value  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What the casebook makes of events. Where an endpoint is empty, nothing tells whose users they
/// are. Rows are JSON.
const WINDOWS: &str = "
CREATE TABLE conversations (
    seq      INTEGER PRIMARY KEY,  -- in their order of coming: those of an hour lie together
    id       TEXT NOT NULL UNIQUE,
    last_us  INTEGER NOT NULL,
    row      TEXT NOT NULL
) STRICT;
CREATE TABLE minutes (
    endpoint  TEXT NOT NULL,
    at        INTEGER NOT NULL, -- minutes since 1970
    row       TEXT NOT NULL,
    PRIMARY KEY (endpoint, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE hours (
    endpoint  TEXT NOT NULL,
    at        INTEGER NOT NULL, -- hours since 1970
    row       TEXT NOT NULL,
    PRIMARY KEY (endpoint, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE sights (
    endpoint  TEXT NOT NULL,
    at        INTEGER NOT NULL, -- minutes since 1970
    row       TEXT NOT NULL,
    PRIMARY KEY (endpoint, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE carries (
    endpoint  TEXT PRIMARY KEY,
    row       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// `closed_us` is null while an incident is open; `done_us` while a message waits.
const INCIDENTS: &str = "
CREATE TABLE incidents (
    id         TEXT PRIMARY KEY,
    endpoint   TEXT NOT NULL,
    opened_us  INTEGER NOT NULL,
    closed_us  INTEGER,
    incident   TEXT NOT NULL                        -- JSON
) STRICT;
CREATE INDEX incidents_by_end ON incidents (closed_us);
CREATE TABLE evidence (
    incident  TEXT NOT NULL,
    n         INTEGER NOT NULL,
    bundle    TEXT NOT NULL,                        -- JSON
    PRIMARY KEY (incident, n)
) STRICT;
CREATE TABLE changes (
    at_us     INTEGER NOT NULL,
    source    TEXT NOT NULL,
    endpoint  TEXT NOT NULL,                        -- empty where it may concern all
    what      TEXT NOT NULL,
    who       TEXT,
    UNIQUE (at_us, source, endpoint, what)
) STRICT;
CREATE TABLE leaves (
    endpoint  TEXT NOT NULL,
    address   TEXT NOT NULL,
    leaves    TEXT NOT NULL,                        -- JSON: fingerprints, the last one last
    PRIMARY KEY (endpoint, address)
) STRICT, WITHOUT ROWID;
CREATE TABLE outgoing (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL,
    target     TEXT NOT NULL,
    incident   TEXT NOT NULL,
    event      TEXT NOT NULL,
    queued_us  INTEGER NOT NULL,
    next_us    INTEGER NOT NULL,                    -- not before this
    attempts   INTEGER NOT NULL DEFAULT 0,
    body       TEXT NOT NULL,
    done_us    INTEGER,
    result     TEXT,
    UNIQUE (target, id)
) STRICT;
CREATE INDEX outgoing_waiting ON outgoing (target, incident, seq) WHERE done_us IS NULL;
CREATE INDEX outgoing_of_incident ON outgoing (incident);
";

/// What is known of the organisation at Genesys Cloud. Rows are JSON.
const KEPT: &str = "
CREATE TABLE kept (
    kind  TEXT NOT NULL,
    id    TEXT NOT NULL,
    row   TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_an_older_program_gets_what_it_lacks_and_keeps_what_it_has() {
        let connection = Connection::open_in_memory().unwrap();
        let tables = [EVENTS, WINDOWS, INCIDENTS].concat();
        connection.execute_batch(&format!("{tables} PRAGMA user_version = 1;")).unwrap();
        connection.execute("INSERT INTO meta VALUES ('through', 7)", []).unwrap();
        prepare(&connection).unwrap();
        prepare(&connection).unwrap();
        assert_eq!(database::version(&connection, VERSION).unwrap(), VERSION);
        let through: i64 =
            connection.query_row("SELECT value FROM meta", [], |row| row.get(0)).unwrap();
        assert_eq!(through, 7);
        connection.execute("INSERT INTO kept VALUES ('a', 'b', '{}')", []).unwrap();
    }
}

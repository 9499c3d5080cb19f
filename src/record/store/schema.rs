//! The tables, and which version of them a file holds.

use rusqlite::Connection;

use crate::database::{self, DatabaseError};

/// The version that this program writes.
pub(super) const VERSION: i64 = 3;

/// Sets a connection up, and makes the tables in a new file.
///
/// A file of a newer program is refused untouched: this one would not keep what it cannot read.
pub fn prepare(connection: &Connection) -> Result<(), DatabaseError> {
    let found = database::version(connection, VERSION)?;
    if found == 0 {
        // Has an effect only while the file is still empty.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    // Results may lose their last second in a power cut, and never more than that.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    match found {
        0 => connection.execute_batch(&changed(TABLES))?,
        1 => connection.execute_batch(&changed(&format!("{FROM_1} {FROM_2}")))?,
        2 => connection.execute_batch(&changed(FROM_2))?,
        _ => {}
    }
    // No change of version: programs that do not know of it keep it up too. Where it is not there
    // yet, this takes some seconds for each gibibyte, once.
    connection.execute_batch(INDEX)?;
    Ok(())
}

/// All or nothing, the number of the version too.
fn changed(by: &str) -> String {
    format!("BEGIN; {by} PRAGMA user_version = {VERSION}; COMMIT;")
}

const FROM_1: &str = "ALTER TABLE results ADD COLUMN stalled_us INTEGER NOT NULL DEFAULT 0;";

const FROM_2: &str = "ALTER TABLE results ADD COLUMN preflight_us INTEGER; \
    ALTER TABLE results ADD COLUMN request_us INTEGER;";

/// By time, not by the order in which rows came: a clock that ran behind sets them apart.
const INDEX: &str = "BEGIN; \
    CREATE INDEX IF NOT EXISTS results_by_time ON results (check_key, at_us); \
    DROP INDEX IF EXISTS results_by_check; COMMIT;";

const TABLES: &str = "
CREATE TABLE checks (
    key    INTEGER PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE,   -- endpoint/probe/origin
    state  TEXT                    -- JSON: health and counts as of meta.through
) STRICT;
CREATE TABLE results (
    seq          INTEGER PRIMARY KEY,
    check_key    INTEGER NOT NULL REFERENCES checks (key),
    at_us        INTEGER NOT NULL, -- begin of the run, microseconds since 1970
    slot         INTEGER NOT NULL, -- intervals since 1970
    slots        INTEGER NOT NULL, -- more than 1 for missed slots in a row
    confirm      INTEGER NOT NULL, -- 1: out of turn, counts for health alone
    result       TEXT NOT NULL,
    reason       TEXT,
    phase        TEXT,
    delay_us     INTEGER NOT NULL, -- after its due time
    resolve_us   INTEGER,
    connect_us   INTEGER,
    tls_us       INTEGER,
    upgrade_us   INTEGER,
    transfer_us  INTEGER,
    close_us     INTEGER,
    http_status  INTEGER,
    stalled_us   INTEGER NOT NULL DEFAULT 0, -- we were held up meanwhile: the times are not the endpoint's
    preflight_us INTEGER,
    request_us   INTEGER
) STRICT;
CREATE TABLE latency (
    endpoint   TEXT NOT NULL,
    probe      TEXT NOT NULL,
    phase      TEXT NOT NULL,
    result     TEXT NOT NULL,
    histogram  BLOB NOT NULL,      -- HdrHistogram V2, microseconds, as of meta.through
    sum_us     INTEGER NOT NULL,
    PRIMARY KEY (endpoint, probe, phase, result)
) STRICT, WITHOUT ROWID;
CREATE TABLE meta (
    key    TEXT PRIMARY KEY,
    value  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(connection: &Connection) -> Vec<String> {
        let mut statement =
            connection.prepare("SELECT name FROM pragma_table_info('results')").unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.collect::<rusqlite::Result<_>>().unwrap()
    }

    fn indices(connection: &Connection) -> Vec<String> {
        let mut statement =
            connection.prepare("SELECT name FROM pragma_index_list('results')").unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn a_file_of_an_older_program_gets_the_same_columns_in_the_same_order() {
        let new = Connection::open_in_memory().unwrap();
        prepare(&new).unwrap();
        let added = ["stalled_us", "preflight_us", "request_us"];
        for (version, missing) in [(1, &added[..]), (2, &added[1..])] {
            let old = Connection::open_in_memory().unwrap();
            prepare(&old).unwrap();
            for column in missing {
                old.execute_batch(&format!("ALTER TABLE results DROP COLUMN {column}")).unwrap();
            }
            let index = "DROP INDEX results_by_time; \
                CREATE INDEX results_by_check ON results (check_key, seq);";
            old.execute_batch(index).unwrap();
            old.pragma_update(None, "user_version", version).unwrap();
            prepare(&old).unwrap();
            assert_eq!(indices(&old), ["results_by_time"]);
            assert_eq!(columns(&old), columns(&new), "from {version}");
            prepare(&old).unwrap();
        }
    }
}

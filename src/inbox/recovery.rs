//! After trouble with the disk: a new handle, and proof that what was acknowledged is there.
//!
//! After a sync that failed, the kernel may call pages clean that never reached the disk. So the
//! handle is dropped, and whatever the log holds is written once more, into the file itself, and
//! synced there; only then may an event be called a duplicate, or a new one be taken.

use rusqlite::{Connection, params};

use super::schema;
use super::store::{Known, Store};
use crate::database::place::Place;
use crate::database::{self, DatabaseError};

/// Opens the file anew, and makes sure of all that it holds.
pub fn recover(store: &mut Store) -> Result<(), DatabaseError> {
    store.connection = None;
    let Some(place) = Place::of(&store.path) else {
        let gone = "the file is gone, with all that was acknowledged: restart to begin a new one";
        return Err(DatabaseError::Broken(gone.to_owned()));
    };
    let connection = database::connect(&store.path)?;
    schema::prepare(&connection)?;
    if !store.known.is_in(&connection)? {
        let gone = "the last event that was acknowledged is not in it";
        return Err(DatabaseError::Broken(gone.to_owned()));
    }
    fold(&connection, "TRUNCATE")?;
    // It may be readable and full.
    let sql = "INSERT INTO meta VALUES ('opened', 1) \
        ON CONFLICT (key) DO UPDATE SET value = value + 1";
    connection.execute(sql, params![])?;
    store.known = Known::read(&connection)?;
    store.connection = Some(connection);
    store.place = Some(place);
    Ok(())
}

/// Writes what the log holds into the file; gives how many pages the log has still.
pub fn fold(connection: &Connection, how: &str) -> rusqlite::Result<i64> {
    let sql = format!("PRAGMA wal_checkpoint({how})");
    let mut statement = connection.prepare_cached(&sql)?;
    let (busy, log, folded) =
        statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    match (busy, how) {
        // A reader is in the way; a passive one takes what it can get.
        (1i64, "TRUNCATE") => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
            None,
        )),
        _ => Ok(i64::max(log, 0) - i64::max(folded, 0)),
    }
}

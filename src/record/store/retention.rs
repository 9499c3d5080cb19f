//! What is kept: not for ever, and not without a bound.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::StoreError;
use crate::database;

/// Rows that are deleted at a time, so that no write waits long behind it.
const SLICE: i64 = 5_000;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows older than this go.
    pub age: Duration,
    /// The oldest rows go while the file is larger than this.
    pub bytes: u64,
}

/// Deletes one slice of what is beyond the limits; says whether there may be more.
pub fn sweep(connection: &Connection, limits: Limits, now: Timestamp) -> Result<bool, StoreError> {
    let horizon = now.checked_sub(limits.age).unwrap_or(Timestamp::UNIX_EPOCH);
    let too_old = oldest(connection)?.is_some_and(|oldest| oldest < horizon);
    if !too_old && database::used_bytes(connection)? <= limits.bytes {
        return Ok(false);
    }
    let horizon = if too_old { horizon } else { Timestamp::MAX };
    connection.execute(
        "DELETE FROM results WHERE at_us < ?1 \
         AND seq IN (SELECT seq FROM results ORDER BY seq LIMIT ?2)",
        params![horizon.as_microsecond(), SLICE],
    )?;
    // Pages that came free go back to the disk, a few at a time.
    connection.execute_batch("PRAGMA incremental_vacuum(2000)")?;
    Ok(true)
}

/// When the oldest kept run began.
pub fn oldest(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT at_us FROM results ORDER BY seq LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Timestamp::from_microsecond(row.get(0)?).ok())
}

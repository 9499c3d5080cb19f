//! What is kept of events: not for ever, and not without a bound.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::store::{Store, micros};
use crate::clock;
use crate::database;

/// How long an id is known at the least: senders try again for a day.
pub const DEDUPE: Duration = Duration::from_secs(24 * 60 * 60);

/// Pages that go back to the disk at a time, while nothing arrives.
const PAGES: u32 = 500;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Events older than this go.
    pub age: Duration,
    /// The oldest events go while the file is larger than this.
    pub bytes: u64,
    /// Events that may wait for something to be made of them.
    pub capacity: u64,
}

/// What a sweep came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// Nothing has to go.
    Clean,
    /// More has to go.
    More,
    /// The file is too large, and nothing in it may go yet.
    NoRoom,
}

/// Deletes one slice of what is beyond the limits: never what nothing was made of yet, nor an id
/// that may come again.
pub fn sweep(
    store: &Store,
    connection: &Connection,
    limits: Limits,
    slice: usize,
) -> rusqlite::Result<Swept> {
    let too_large = database::used_bytes(connection)? > limits.bytes;
    let age = if too_large { DEDUPE } else { limits.age.max(DEDUPE) };
    let horizon = store.horizon_us(age);
    // The last one stays: by it a file is known again after trouble.
    let last = store.known.last.map_or(0, |(seq, _)| store.known.through.min(seq - 1));
    let oldest = oldest(connection)?.filter(|(seq, _)| *seq <= last);
    if oldest.is_none_or(|(_, stored_us)| stored_us >= horizon) {
        return Ok(if too_large { Swept::NoRoom } else { Swept::Clean });
    }
    let mut delete = connection.prepare_cached(
        "DELETE FROM events WHERE stored_us < ?1 \
         AND seq IN (SELECT seq FROM events WHERE seq <= ?2 ORDER BY seq LIMIT ?3)",
    )?;
    delete.execute(params![horizon, last, slice as i64])?;
    Ok(Swept::More)
}

/// What can wait until nothing arrives: letters that are too old, pages that are free.
pub fn tidy(store: &Store, connection: &Connection, limits: Limits) -> rusqlite::Result<()> {
    // Letters bear the time of the wall clock: where that and ours differ, they stay for longer.
    let now_us = store.now_us().min(clock::now().as_microsecond());
    let horizon = now_us.saturating_sub(micros(limits.age));
    let mut delete =
        connection.prepare_cached("DELETE FROM dead_letters WHERE received_us < ?1")?;
    delete.execute(params![horizon])?;
    connection.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})"))
}

/// The place of the oldest event, and when it was stored.
pub fn oldest(connection: &Connection) -> rusqlite::Result<Option<(i64, i64)>> {
    let mut select =
        connection.prepare_cached("SELECT seq, stored_us FROM events ORDER BY seq LIMIT 1")?;
    let mut rows = select.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((row.get(0)?, row.get(1)?)))
}

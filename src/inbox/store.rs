//! The file, and what its one writer knows of it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::time::Instant;

use super::retention::DEDUPE;
use super::{InboxError, schema};
use crate::database::place::Place;
use crate::database::{self, DatabaseError};

/// A file that is ours to write.
#[derive(Debug)]
pub struct Store {
    /// `None` once it failed: nothing rests on that one any more.
    pub(super) connection: Option<Connection>,
    pub(super) path: PathBuf,
    pub(super) known: Known,
    /// Which file it is, while it is open: another one may come to bear its name.
    pub(super) place: Option<Place>,
    clock: Steady,
    /// Held for as long as the store is: one file has one writer.
    _lock: File,
}

/// What the file holds, as far as it was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The last place that was given; nothing may be there, as a duplicate leaves its own free.
    pub last_seq: i64,
    /// The last event, where one is there: its place and its id.
    pub last: Option<(i64, [u8; 16])>,
    /// The last event that something was made of.
    pub through: i64,
    /// When the last event was stored.
    pub newest_us: i64,
}

impl Store {
    /// Opens or makes a file; one that is broken is set aside.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, InboxError> {
        let lock = database::lock(path)?;
        let (_, known) = database::open(path, now, |connection| {
            schema::prepare(connection)?;
            Ok(Known::read(connection)?)
        })?;
        // Nothing is written to it before it has been gone through as after trouble: what a
        // process left behind that was killed may be in the kernel's memory alone.
        let clock = Steady::from(now, known.newest_us);
        Ok(Self { connection: None, path: path.to_owned(), known, place: None, clock, _lock: lock })
    }

    /// Whether the file that is open still bears its name: what is written to one that was deleted
    /// or replaced is in nobody's reach once it is closed.
    pub fn is_in_place(&self) -> rusqlite::Result<()> {
        if self.place.is_some() && self.place == Place::of(&self.path) {
            return Ok(());
        }
        let code = rusqlite::ffi::SQLITE_READONLY_DBMOVED;
        let gone = "the file was deleted or replaced while it was written".to_owned();
        Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(gone)))
    }

    /// The time by which events age, in microseconds since 1970.
    pub fn now_us(&self) -> i64 {
        self.clock.now_us()
    }

    /// What was stored before this is older than that.
    pub fn horizon_us(&self, age: Duration) -> i64 {
        // Beyond a day, the clock at the start is believed.
        self.clock.horizon_us(age.min(DEDUPE)).min(self.now_us().saturating_sub(micros(age)))
    }

    /// Sets a broken file aside and begins a new one, in which no place is given again.
    pub fn begin_anew(&mut self, now: Timestamp) -> Result<PathBuf, DatabaseError> {
        self.connection = None;
        let io = |error| DatabaseError::Io { path: self.path.clone(), error };
        let kept = database::aside::set(&self.path, now).map_err(io)?;
        // A replay may have given places that this writer has not heard of.
        let last = self.known.last_seq.max(self.known.through);
        let (_, known) = database::open(&self.path, now, |connection| {
            schema::prepare(connection)?;
            let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?1)";
            connection.execute(sql, params![last])?;
            // Whatever reads on from its place goes on here.
            set_through(connection, last)?;
            Ok(Known::read(connection)?)
        })?;
        self.known = known;
        Ok(kept)
    }
}

impl Known {
    /// What a file says.
    pub fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT seq, id, stored_us FROM events ORDER BY seq DESC LIMIT 1";
        let last = connection
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'events'";
        let given: Option<i64> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
        let sql = "SELECT value FROM meta WHERE key = 'through'";
        let through: Option<i64> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
        let (last, newest_us) = match last {
            Some((seq, id, stored_us)) => (Some((seq, id)), stored_us),
            None => (None, 0),
        };
        let last_seq = given.unwrap_or(0).max(last.map_or(0, |(seq, _)| seq));
        Ok(Self { last_seq, last, through: through.unwrap_or(0), newest_us })
    }

    /// Whether a file holds the last event that was acknowledged.
    pub fn is_in(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let Some((seq, id)) = self.last else { return Ok(true) };
        let mut select = connection.prepare_cached("SELECT seq FROM events WHERE id = ?1")?;
        let found: Option<i64> = select.query_row(params![id], |row| row.get(0)).optional()?;
        // A replay puts an event that could not be worked on into a later place.
        Ok(found.is_some_and(|found| found >= seq))
    }
}

/// Notes how far the casebook has come; the caller holds the transaction.
pub fn set_through(connection: &Connection, seq: i64) -> rusqlite::Result<()> {
    let mut upsert =
        connection.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('through', ?1)")?;
    upsert.execute(params![seq]).map(drop)
}

/// A clock that a step of the wall clock does not move, and that goes on where the last event
/// left it.
#[derive(Debug)]
struct Steady {
    base_us: i64,
    newest_us: i64,
    since: Instant,
}

impl Steady {
    fn from(now: Timestamp, newest_us: i64) -> Self {
        let base_us = now.as_microsecond().max(newest_us);
        Self { base_us, newest_us, since: Instant::now() }
    }

    fn now_us(&self) -> i64 {
        self.base_us.saturating_add(micros(self.since.elapsed()))
    }

    /// Nobody knows how long there was no daemon where the clock may be wrong: what was young when
    /// the last event came stays young for as long as this one runs.
    fn horizon_us(&self, age: Duration) -> i64 {
        let horizon = self.now_us().saturating_sub(micros(age));
        match self.since.elapsed() < age {
            true => horizon.min(self.newest_us.saturating_sub(micros(age))),
            false => horizon,
        }
    }
}

/// A duration as the file has it.
pub fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_may_be_in_a_later_place_and_in_no_earlier_one() {
        let connection = Connection::open_in_memory().unwrap();
        schema::prepare(&connection).unwrap();
        let sql = "INSERT INTO events VALUES (7, ?1, 'r', 0, 0, 0, 'other', '{}')";
        connection.execute(sql, params![[1_u8; 16]]).unwrap();
        let known = Known::read(&connection).unwrap();
        let is_in = |seq, id| Known { last: Some((seq, id)), ..known }.is_in(&connection).unwrap();
        assert!(is_in(7, [1; 16]) && is_in(6, [1; 16]));
        assert!(!is_in(8, [1; 16]) && !is_in(7, [2; 16]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_with_a_fast_clock_takes_no_id_for_an_old_one() {
        let newest = Timestamp::from_second(1_790_000_000).unwrap();
        let years = Duration::from_secs(10 * 365 * 24 * 60 * 60);
        let fast = Steady::from(newest + years, newest.as_microsecond());
        let young = newest.as_microsecond() - micros(DEDUPE / 2);
        assert!(fast.horizon_us(DEDUPE) < young);
        tokio::time::advance(DEDUPE).await;
        assert!(fast.horizon_us(DEDUPE) > young, "by now it has had its day");
        let slow = Steady::from(newest - years, newest.as_microsecond());
        assert_eq!(slow.now_us(), newest.as_microsecond());
    }
}

//! The queue in the events file: what waits for one target.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::check::endpoint::EndpointName;
use crate::inbox::reader::Reader;
use crate::inbox::{Inbox, InboxError, Refused};
use crate::outbound::retry_after::LONGEST;

/// How long a message may wait for a target that does not take it.
const KEEP: SignedDuration = SignedDuration::from_hours(24);

/// A message that is due.
#[derive(Debug)]
pub struct Due {
    /// Its place in the queue.
    pub seq: i64,
    /// The same however often it is sent.
    pub id: String,
    /// How often it was sent already.
    pub attempts: u32,
    /// What is sent.
    pub body: String,
}

/// What waits.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Waiting {
    /// How many.
    pub length: u64,
    /// For how long the oldest.
    pub oldest_seconds: f64,
    /// How many for too long.
    pub expired: u64,
}

/// One target's part of the queue.
#[derive(Debug)]
pub struct Queue {
    target: EndpointName,
    reader: Reader,
    inbox: Inbox,
}

impl Queue {
    /// Opens it.
    pub fn open(target: EndpointName, path: &Path, inbox: Inbox) -> Result<Self, InboxError> {
        Ok(Self { target, reader: Reader::open(path)?, inbox })
    }

    /// The connection, for what else is read.
    pub fn connection(&mut self) -> &rusqlite::Connection {
        self.reader.connection()
    }

    /// Takes up another file in the place of one that was set aside.
    pub fn follow(&mut self) {
        if let Err(error) = self.reader.follow() {
            tracing::error!(%error, "the events file cannot be read");
        }
    }

    /// The next message: the first of its incident, once its time has come.
    pub fn due(&mut self, now: Timestamp) -> rusqlite::Result<Option<Due>> {
        // What waits for longer than any wait was put off by a clock that has gone back since.
        let latest = now.saturating_add(LONGEST).unwrap_or(now);
        let mut statement = self.reader.connection().prepare_cached(
            "SELECT seq, id, attempts, body FROM outgoing AS message \
             WHERE target = ?1 AND done_us IS NULL AND (next_us <= ?2 OR next_us > ?3) \
             AND NOT EXISTS (SELECT 1 FROM outgoing AS earlier WHERE earlier.target = ?1 \
                 AND earlier.done_us IS NULL AND earlier.incident = message.incident \
                 AND earlier.seq < message.seq) \
             ORDER BY next_us, seq LIMIT 1",
        )?;
        let times = params![&*self.target, now.as_microsecond(), latest.as_microsecond()];
        statement
            .query_row(times, |row| {
                let (seq, id) = (row.get(0)?, row.get(1)?);
                Ok(Due { seq, id, attempts: row.get(2)?, body: row.get(3)? })
            })
            .optional()
    }

    /// What waits.
    pub fn waiting(&mut self, now: Timestamp) -> rusqlite::Result<Waiting> {
        let mut statement = self.reader.connection().prepare_cached(
            "SELECT count(*), min(queued_us), coalesce(sum(queued_us < ?2), 0) FROM outgoing \
             WHERE target = ?1 AND done_us IS NULL",
        )?;
        statement.query_row(params![&*self.target, horizon(now)], |row| {
            let oldest: Option<i64> = row.get(1)?;
            let age = oldest.map_or(0, |oldest| now.as_microsecond().saturating_sub(oldest));
            Ok(Waiting {
                length: row.get::<_, i64>(0)?.unsigned_abs(),
                oldest_seconds: age.max(0) as f64 / 1e6,
                expired: row.get::<_, i64>(2)?.unsigned_abs(),
            })
        })
    }

    /// It was taken, or nobody wants it any more.
    ///
    /// By its id as well: in the meantime, another file may have taken the place of a broken one,
    /// where another message has that number.
    pub async fn done(
        &mut self,
        due: &Due,
        result: &'static str,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let (seq, id, now_us) = (due.seq, due.id.clone(), now.as_microsecond());
        self.write(
            "UPDATE outgoing SET done_us = ?3, result = ?4, attempts = attempts + 1, body = '' \
             WHERE seq = ?1 AND id = ?2",
            move |statement| statement.execute(params![seq, id, now_us, result]),
        )
        .await
    }

    /// Once more, not before this time.
    pub async fn again(&mut self, due: &Due, at: Timestamp) -> Result<(), Refused> {
        let (seq, id, next_us) = (due.seq, due.id.clone(), at.as_microsecond());
        self.write(
            "UPDATE outgoing SET next_us = ?3, attempts = attempts + 1 WHERE seq = ?1 AND id = ?2",
            move |statement| statement.execute(params![seq, id, next_us]),
        )
        .await
    }

    /// Gives up what waits for too long.
    pub async fn expire(&mut self, now: Timestamp) -> Result<(), Refused> {
        let (now_us, horizon, target) = (now.as_microsecond(), horizon(now), self.target.clone());
        self.write(
            "UPDATE outgoing SET done_us = ?1, result = 'expired', body = '' \
             WHERE target = ?2 AND done_us IS NULL AND queued_us < ?3",
            move |statement| statement.execute(params![now_us, &*target, horizon]),
        )
        .await
    }

    async fn write(
        &mut self,
        sql: &'static str,
        with: impl FnOnce(&mut rusqlite::CachedStatement<'_>) -> rusqlite::Result<usize>
        + Send
        + 'static,
    ) -> Result<(), Refused> {
        let inbox = self.inbox.clone();
        let changes = move |transaction: &rusqlite::Transaction<'_>| {
            with(&mut transaction.prepare_cached(sql)?).map(drop)
        };
        inbox.write(None, Box::new(changes)).await
    }
}

fn horizon(now: Timestamp) -> i64 {
    now.saturating_sub(KEEP).unwrap_or(now).as_microsecond()
}

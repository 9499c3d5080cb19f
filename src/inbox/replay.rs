//! Dead letters, read once more; also while the daemon runs.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::letter::{self, Buried, NORMAL_FORM};
use super::row::Row;
use super::store::Known;
use super::{Arrival, DeadLetter, InboxError, Stored, schema};
use crate::database::{self, DatabaseError};
use crate::event::AnalyticsEvent;

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// It is an event now.
    Stored(Stored),
    /// It still cannot be read, and stays.
    Unreadable(String),
}

/// Stores every letter that can be read now, and takes it out; all or nothing.
pub fn replay(
    path: &Path,
    now: Timestamp,
    read: impl Fn(&DeadLetter) -> Result<AnalyticsEvent, String>,
) -> Result<Vec<(Buried, Replayed)>, InboxError> {
    if !path.exists() {
        let error = std::io::ErrorKind::NotFound.into();
        return Err(DatabaseError::Io { path: path.to_owned(), error }.into());
    }
    let connection = database::connect(path)?;
    schema::join(&connection)?;
    let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)?;
    let stored_us = Known::read(&transaction)?.newest_us.max(now.as_microsecond());
    let mut replayed = Vec::new();
    for buried in letter::all(&transaction)? {
        let became = one(&transaction, &buried.letter, stored_us, &read)?;
        if matches!(became, Replayed::Stored(_)) {
            letter::remove(&transaction, buried.seq)?;
        }
        replayed.push((buried, became));
    }
    transaction.commit()?;
    Ok(replayed)
}

fn one(
    connection: &Connection,
    letter: &DeadLetter,
    stored_us: i64,
    read: impl Fn(&DeadLetter) -> Result<AnalyticsEvent, String>,
) -> Result<Replayed, InboxError> {
    let was_stored = letter.content_type.as_deref() == Some(NORMAL_FORM);
    let event = match was_stored {
        true => serde_json::from_slice(&letter.body).map_err(|error| error.to_string()),
        false => read(letter),
    };
    let event: AnalyticsEvent = match event {
        Ok(event) => event,
        Err(fault) => return Ok(Replayed::Unreadable(fault)),
    };
    if was_stored {
        // To another place: what was made of events has passed the one that it had.
        let sql = "DELETE FROM events WHERE id = ?1";
        connection.execute(sql, params![event.id.as_bytes()])?;
    }
    let (receiver, received_at) = (letter.receiver.clone(), letter.received_at);
    let row = match Row::new(&Arrival { receiver, received_at, event }) {
        Ok(row) => row,
        Err(error) => return Ok(Replayed::Unreadable(error.to_string())),
    };
    Ok(Replayed::Stored(row.insert(connection, stored_us)?))
}

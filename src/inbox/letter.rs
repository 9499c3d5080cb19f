//! What arrived and could not be read, kept for another try.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::Arrival;

/// As many are kept; the oldest go.
pub const MOST: i64 = 1000;

/// The longest body that is kept; what is beyond is cut off.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A body that could not be read, or an event that could not be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The receiver that took it in.
    pub receiver: Arc<str>,
    /// When.
    pub received_at: Timestamp,
    /// What is wrong with it.
    pub fault: String,
    /// What its sender called it.
    pub content_type: Option<String>,
    /// What there is of it: nothing personal.
    pub body: Vec<u8>,
}

/// What a letter's body is called that is an event in its normal form: one that was stored, and
/// could not be worked on.
pub const NORMAL_FORM: &str = "application/vnd.watchpost.event+json";

impl DeadLetter {
    /// Of an event that was stored, and could not be worked on.
    pub fn of_event(arrival: Arrival) -> serde_json::Result<Self> {
        let Arrival { receiver, received_at, event } = arrival;
        Ok(Self {
            receiver,
            received_at,
            fault: "the casebook cannot work on it".to_owned(),
            content_type: Some(NORMAL_FORM.to_owned()),
            body: serde_json::to_vec(&event)?,
        })
    }
}

/// A letter in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buried {
    /// Its place: later ones are higher.
    pub seq: u64,
    /// The letter.
    pub letter: DeadLetter,
}

/// Writes one; the caller holds the transaction.
pub fn insert(connection: &Connection, letter: &DeadLetter) -> rusqlite::Result<()> {
    let DeadLetter { receiver, received_at, fault, content_type, body } = letter;
    let body = body.get(..MAX_BODY_BYTES).unwrap_or(body);
    let mut insert = connection.prepare_cached(
        "INSERT INTO dead_letters (receiver, received_us, fault, content_type, body) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let seq = insert.insert(params![
        receiver,
        received_at.as_microsecond(),
        fault,
        content_type.as_deref(),
        body
    ])?;
    let mut delete = connection.prepare_cached("DELETE FROM dead_letters WHERE seq <= ?1")?;
    delete.execute(params![seq - MOST])?;
    Ok(())
}

/// All of them, oldest first.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<Buried>> {
    let mut select = connection.prepare_cached(
        "SELECT seq, receiver, received_us, fault, content_type, body FROM dead_letters \
         ORDER BY seq",
    )?;
    let letters = select.query_map([], |row| {
        Ok(Buried {
            seq: row.get::<_, i64>(0)?.unsigned_abs(),
            letter: DeadLetter {
                receiver: row.get(1)?,
                received_at: Timestamp::from_microsecond(row.get(2)?).unwrap_or_default(),
                fault: row.get(3)?,
                content_type: row.get(4)?,
                body: row.get(5)?,
            },
        })
    })?;
    letters.collect()
}

/// Takes one out.
pub fn remove(connection: &Connection, seq: u64) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM dead_letters WHERE seq = ?1")?;
    delete.execute(params![seq as i64]).map(drop)
}

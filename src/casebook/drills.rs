//! What is told of drills: in the same queue as all else, so that it is tried too.

use std::fmt;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::Serialize;

use super::outgoing::enqueue;
use crate::inbox::Changes;
use crate::incident::id::IncidentId;
use crate::incident::notice::Message;

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Who was to be told.
    pub target: String,
    /// Of what.
    pub event: String,
    /// How often it was tried.
    pub attempts: u32,
    /// `sent`, or why it never will be; none while it waits.
    pub result: Option<String>,
    /// When that was known.
    pub at: Option<Timestamp>,
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, event, result, .. } = self;
        write!(f, "{target} of {event}: {}", result.as_deref().unwrap_or("not taken yet"))
    }
}

/// Queues messages, each for its time.
pub fn queue(messages: Vec<(Message, Timestamp)>) -> Changes {
    Box::new(move |transaction| {
        enqueue(transaction, messages.iter().map(|(message, at)| (message, *at)))
    })
}

/// What became of those of a drill, in their order.
pub fn deliveries(connection: &Connection, id: &IncidentId) -> rusqlite::Result<Vec<Delivery>> {
    let mut statement = connection.prepare_cached(
        "SELECT target, event, attempts, result, done_us FROM outgoing \
         WHERE incident = ?1 ORDER BY seq",
    )?;
    let rows = statement.query_map(params![id.as_str()], |row| {
        let done: Option<i64> = row.get(4)?;
        Ok(Delivery {
            target: row.get(0)?,
            event: row.get(1)?,
            attempts: row.get(2)?,
            result: row.get(3)?,
            at: done.and_then(|done| Timestamp::from_microsecond(done).ok()),
        })
    })?;
    rows.collect()
}

//! Events as rows, and what happens when one comes again.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Arrival, Stored};
use crate::event::AnalyticsEvent;

/// An event, ready to be written.
#[derive(Debug)]
pub struct Row {
    id: [u8; 16],
    receiver: Arc<str>,
    received_us: i64,
    at_us: i64,
    kind: &'static str,
    event: String,
}

impl Row {
    /// The row of an event.
    pub fn new(arrival: &Arrival) -> serde_json::Result<Self> {
        let Arrival { receiver, received_at, event } = arrival;
        Ok(Self {
            id: *event.id.as_bytes(),
            receiver: receiver.clone(),
            received_us: received_at.as_microsecond(),
            at_us: event.at.as_microsecond(),
            kind: event.kind.as_str(),
            event: serde_json::to_string(event)?,
        })
    }

    /// The event's id.
    pub fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Writes it, where its id is not known yet.
    pub fn insert(&self, connection: &Connection, stored_us: i64) -> rusqlite::Result<Stored> {
        let mut insert = connection.prepare_cached(
            "INSERT OR IGNORE INTO events (id, receiver, received_us, at_us, stored_us, kind, event) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let Self { id, receiver, received_us, at_us, kind, event } = self;
        let values = params![id, receiver, received_us, at_us, stored_us, kind, event];
        if insert.execute(values)? == 1 {
            return Ok(Stored::New);
        }
        let first = Self::find(connection, id)?;
        let same = first.is_some_and(|(at, text)| text == self.event || self.is_again(at, &text));
        Ok(if same { Stored::Duplicate } else { Stored::Conflict })
    }

    /// The arrival and the text of the event of this id.
    fn find(connection: &Connection, id: &[u8; 16]) -> rusqlite::Result<Option<(i64, String)>> {
        let mut select =
            connection.prepare_cached("SELECT received_us, event FROM events WHERE id = ?1")?;
        select.query_row(params![id], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    }

    /// Whether the event that was stored first says the same as this one. A time that is not to be
    /// believed is that of an arrival, which is another one each time.
    fn is_again(&self, received_us: i64, text: &str) -> bool {
        let read = |text: &str| serde_json::from_str::<AnalyticsEvent>(text).ok();
        let (Some(mut first), Some(mut again)) = (read(text), read(&self.event)) else {
            return false;
        };
        let is_of_arrival = |event: &AnalyticsEvent, us| event.at.as_microsecond() == us;
        if is_of_arrival(&first, received_us) || is_of_arrival(&again, self.received_us) {
            [first.at, again.at] = [Timestamp::UNIX_EPOCH; 2];
        }
        first == again
    }
}

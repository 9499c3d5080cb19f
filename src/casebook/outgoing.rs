//! The queue of what others are told.

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use crate::incident::notice::Message;

/// Queues messages, each for its time; what is queued already stays as it is.
pub fn enqueue<'a>(
    transaction: &Transaction<'_>,
    messages: impl IntoIterator<Item = (&'a Message, Timestamp)>,
) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(
        "INSERT OR IGNORE INTO outgoing \
         (id, target, incident, event, queued_us, next_us, body) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
    )?;
    for (Message { id, target, incident, event, body }, at) in messages {
        let (target, incident) = (target.to_string(), incident.as_str());
        put.execute(params![id, target, incident, event.as_str(), at.as_microsecond(), body])?;
    }
    Ok(())
}

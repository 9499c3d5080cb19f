//! The newest events, with where their conversations belong.

use jiff::Timestamp;
use rusqlite::params;
use serde::Serialize;

use super::MAX_ROWS;
use crate::casebook::windows::Windows;
use crate::check::endpoint::EndpointName;
use crate::correlate::mapping::Layer;
use crate::event::AnalyticsEvent;
use crate::event::word::Kind;
use crate::inbox::reader::Reader;

/// Events that are looked through for those of a kind.
const LOOKED_THROUGH: i64 = 50_000;

/// Which events.
#[derive(Debug, Clone, Copy)]
pub struct EventsAsked {
    /// As many.
    pub limit: usize,
    /// Of this kind alone.
    pub kind: Option<Kind>,
    /// From before this place.
    pub before: Option<u64>,
}

/// Some events, the newest first.
#[derive(Debug, Serialize)]
pub struct Events {
    /// The events.
    pub events: Vec<EventView>,
    /// The `cursor` of those before them; none where there are no more.
    pub next: Option<u64>,
}

/// An event.
#[derive(Debug, Serialize)]
pub struct EventView {
    /// Its place: later arrivals are higher.
    pub seq: u64,
    /// The receiver that took it in.
    pub receiver: String,
    /// When.
    pub received_at: Timestamp,
    /// Where its conversation belongs, as far as that is known.
    pub endpoint: Option<EndpointName>,
    /// By what that is known.
    pub layer: Option<Layer>,
    /// The event itself.
    #[serde(flatten)]
    pub event: AnalyticsEvent,
}

impl Windows {
    /// The newest events.
    pub(in crate::casebook) fn events(
        &self,
        reader: &Reader,
        asked: EventsAsked,
    ) -> rusqlite::Result<Events> {
        let limit = asked.limit.clamp(1, MAX_ROWS);
        let before = asked.before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        let connection = reader.connection();
        // No further than this, however rare the kind is: the answer says where to go on.
        let floor: i64 = connection
            .prepare_cached(
                "SELECT coalesce(min(seq), 0) FROM \
                 (SELECT seq FROM events WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2)",
            )?
            .query_row(params![before, LOOKED_THROUGH], |row| row.get(0))?;
        let mut select = connection.prepare_cached(
            "SELECT seq, receiver, received_us, event FROM events \
             WHERE seq < ?1 AND seq >= ?2 AND (?3 IS NULL OR kind = ?3) \
             ORDER BY seq DESC LIMIT ?4",
        )?;
        let kind = asked.kind.map(Kind::as_str);
        let mut rows = select.query(params![before, floor, kind, limit as i64])?;
        let (mut events, mut read, mut last) = (Vec::new(), 0, floor);
        while let Some(row) = rows.next()? {
            read += 1;
            let seq: i64 = row.get(0)?;
            if read == limit {
                last = seq;
            }
            let Ok(event) = serde_json::from_str::<AnalyticsEvent>(row.get_ref(3)?.as_str()?)
            else {
                continue;
            };
            let (endpoint, layer) = match &event.conversation {
                Some(id) => self.place(reader, id)?,
                None => (None, None),
            };
            events.push(EventView {
                seq: seq.unsigned_abs(),
                receiver: row.get(1)?,
                received_at: Timestamp::from_microsecond(row.get(2)?).unwrap_or_default(),
                endpoint,
                layer,
                event,
            });
        }
        let mut older =
            connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM events WHERE seq < ?1)")?;
        let older: bool = older.query_row([last], |row| row.get(0))?;
        Ok(Events { events, next: older.then_some(last.unsigned_abs()) })
    }
}

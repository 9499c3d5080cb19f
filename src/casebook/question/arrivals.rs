//! Whether events arrive, and what the newest judged minute says.

use jiff::{SignedDuration, Timestamp};
use rusqlite::OptionalExtension;

use crate::casebook::windows::Windows;
use crate::check::endpoint::EndpointName;
use crate::correlate::{Minute, Window};
use crate::inbox::reader::Reader;

/// Conversations that began so lately are counted.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

/// What is heard of users.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arrivals {
    /// Whether any endpoint takes users; of one endpoint, whether it does.
    pub users: bool,
    /// Conversations that began in the last hour; of one endpoint, those of its users.
    pub conversations: u64,
    /// When the last event arrived, whatever it tells of.
    pub last_event: Option<Timestamp>,
    /// The newest judged minute of one endpoint.
    pub judged: Option<Window>,
}

impl Windows {
    /// Of all endpoints, or of one.
    pub(in crate::casebook) fn arrivals(
        &self,
        reader: &Reader,
        endpoint: Option<&EndpointName>,
        now: Timestamp,
    ) -> rusqlite::Result<Arrivals> {
        let first = Minute::of(now.saturating_sub(LATELY).unwrap_or(now));
        // Those of whom nothing tells whose users they are have arrived, too.
        let all = || self.takers().iter().cloned().map(Some).chain([None]);
        let whose: Vec<_> = endpoint.map_or_else(|| all().collect(), |one| vec![Some(one.clone())]);
        let series = whose.iter().filter_map(|whose| self.series(whose));
        let began = series.flat_map(|series| series.minutes.range(first..));
        let conversations = began.map(|(_, row)| u64::from(row.counts.started)).sum();
        let mut newest = reader
            .connection()
            .prepare_cached("SELECT received_us FROM events ORDER BY seq DESC LIMIT 1")?;
        let last_event: Option<i64> = newest.query_row([], |row| row.get(0)).optional()?;
        Ok(Arrivals {
            users: endpoint.map_or(!self.takers().is_empty(), |one| self.takers().contains(one)),
            conversations,
            last_event: last_event.and_then(|at| Timestamp::from_microsecond(at).ok()),
            judged: endpoint.and_then(|one| self.newest(one)),
        })
    }
}

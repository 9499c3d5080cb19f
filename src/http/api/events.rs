//! `GET /api/v1/events`

use axum::Json;
use axum::extract::{RawQuery, State};

use super::query::{Query, number};
use super::trouble::Trouble;
use crate::casebook::question::Question;
use crate::casebook::question::events::{Events, EventsAsked};
use crate::event::word::Kind;
use crate::http::Context;

/// The newest events.
pub async fn list(
    State(context): State<Context>,
    RawQuery(query): RawQuery,
) -> Result<Json<Events>, Trouble> {
    let asked = asked(query.as_deref())?;
    let found = context.casebook.ask(|answer| Question::Events(asked, answer)).await.flatten();
    found.map(Json).ok_or_else(Trouble::unreadable)
}

fn asked(query: Option<&str>) -> Result<EventsAsked, Trouble> {
    let query = Query::new(query, &["limit", "kind", "cursor"])?;
    let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let kind = |text: &str| Kind::ALL.iter().copied().find(|kind| kind.as_str() == text);
    let place = |text: &str| number(text).filter(|seq| i64::try_from(*seq).is_ok());
    Ok(EventsAsked {
        limit: query.limit()?,
        kind: query.read("kind", &format!("write one of {}", kinds.join(", ")), kind)?,
        before: query.read("cursor", "write the `next` of an earlier answer", place)?,
    })
}

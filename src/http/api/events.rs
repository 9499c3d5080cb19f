//! `GET /api/v1/events`

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::query::{Query, Wrong, number};
use crate::casebook::question::Question;
use crate::casebook::question::events::EventsAsked;
use crate::event::word::Kind;
use crate::http::Context;

/// The newest events.
pub async fn list(State(context): State<Context>, RawQuery(query): RawQuery) -> Response {
    let asked = match asked(query.as_deref()) {
        Ok(asked) => asked,
        Err(wrong) => return wrong.into_response(),
    };
    match context.casebook.ask(|answer| Question::Events(asked, answer)).await.flatten() {
        Some(events) => Json(events).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn asked(query: Option<&str>) -> Result<EventsAsked, Wrong> {
    let query = Query::new(query, &["limit", "kind", "before"])?;
    let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let kind = |text: &str| Kind::ALL.iter().copied().find(|kind| kind.as_str() == text);
    Ok(EventsAsked {
        limit: query.limit()?,
        kind: query.read("kind", &format!("write one of {}", kinds.join(", ")), kind)?,
        before: query.read("before", "write the `before` of an earlier answer", number)?,
    })
}

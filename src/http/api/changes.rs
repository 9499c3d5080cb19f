//! `GET /api/v1/changes`

use axum::Json;
use axum::extract::{RawQuery, State};

use super::query::{Query, number};
use super::trouble::Trouble;
use crate::casebook::changes::{ChangeFilter, Changes, Place};
use crate::casebook::question::Question;
use crate::check::endpoint::EndpointName;
use crate::http::Context;
use crate::incident::ChangeSource;

/// What was changed, newest first.
pub async fn list(
    State(context): State<Context>,
    RawQuery(query): RawQuery,
) -> Result<Json<Changes>, Trouble> {
    let filter = filter(query.as_deref())?;
    let found = context.casebook.ask(|answer| Question::Changes(filter, answer)).await.flatten();
    found.map(Json).ok_or_else(Trouble::unreadable)
}

fn filter(query: Option<&str>) -> Result<ChangeFilter, Trouble> {
    let query = Query::new(query, &["source", "endpoint", "since", "limit", "cursor"])?;
    let sources = ChangeSource::ALL.map(ChangeSource::as_str).join(", ");
    let source = |text: &str| ChangeSource::ALL.into_iter().find(|source| source.as_str() == text);
    let name = |text: &str| EndpointName::try_from(text.to_owned()).ok();
    let place = |text: &str| {
        let (at, row) = text.split_once('-')?;
        Some(Place(number(at)?, number(row)?))
    };
    Ok(ChangeFilter {
        source: query.read("source", &format!("write one of {sources}"), source)?,
        endpoint: query.read("endpoint", "write the name of an endpoint", name)?,
        since: query.time("since")?,
        limit: query.limit()?,
        after: query.read("cursor", "write the `next` of an earlier answer", place)?,
    })
}

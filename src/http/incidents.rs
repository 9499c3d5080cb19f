//! `/api/v1/incidents`: which there are, what happened, the evidence.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::Context;
use crate::casebook::archive::Filter;
use crate::casebook::question::Question;
use crate::check::endpoint::EndpointName;
use crate::incident::id::IncidentId;
use crate::incident::markdown;
use crate::incident::view::{Detail, Summary};

/// Incidents in an answer, where the question does not say how many.
const LIMIT: usize = 20;

/// Incidents in an answer at the most.
const MAX_LIMIT: usize = 100;

/// The pairs of a query, as they come.
type Pairs = Vec<(String, String)>;

#[derive(Serialize)]
struct Incidents<'a> {
    incidents: Vec<Summary<'a>>,
    /// The `cursor` of the next page; `null` where there is none.
    next: Option<&'a IncidentId>,
}

#[derive(Serialize)]
struct Trouble {
    error: String,
}

/// Which incidents there are, newest first.
pub async fn list(State(context): State<Context>, Query(pairs): Query<Pairs>) -> Response {
    let mut filter = match filter(pairs) {
        Ok(filter) => filter,
        Err(error) => return trouble(StatusCode::BAD_REQUEST, error),
    };
    let limit = filter.limit;
    // One more, to know whether there are more.
    filter.limit += 1;
    let question = |answer| Question::Incidents(filter, answer);
    let Some(found) = context.casebook.ask(question).await.flatten() else { return unreadable() };
    let shown = found.get(..limit).unwrap_or(&found);
    let next = shown.last().filter(|_| found.len() > limit).map(|last| &last.id);
    let incidents = shown.iter().map(Summary::of).collect();
    Json(Incidents { incidents, next }).into_response()
}

/// One, as JSON or as a page for a ticket.
pub async fn one(
    State(context): State<Context>,
    Path(id): Path<String>,
    Query(pairs): Query<Pairs>,
    headers: HeaderMap,
) -> Response {
    let accepts = |wanted| {
        let mut values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        values.any(|value| value.to_ascii_lowercase().contains(wanted))
    };
    let mut as_page = accepts("text/markdown");
    for (key, value) in &pairs {
        match (key.as_str(), value.as_str()) {
            ("format", "markdown") => as_page = true,
            ("format", "json") => as_page = false,
            ("format", _) => {
                return trouble(StatusCode::BAD_REQUEST, "format is json or markdown".to_owned());
            }
            _ => return trouble(StatusCode::BAD_REQUEST, unknown(key)),
        }
    }
    let id = IncidentId::from_text(&id);
    match context.casebook.ask(|answer| Question::Incident(id, answer)).await.flatten() {
        None => unreadable(),
        Some(None) => trouble(StatusCode::NOT_FOUND, "no such incident".to_owned()),
        Some(Some(incident)) if as_page => {
            let headers = [(CONTENT_TYPE, "text/markdown; charset=utf-8"), (VARY, "accept")];
            (headers, markdown::page(&incident)).into_response()
        }
        Some(Some(incident)) => ([(VARY, "accept")], Json(Detail::of(&incident))).into_response(),
    }
}

/// What one failed run saw.
pub async fn evidence(
    State(context): State<Context>,
    Path((id, n)): Path<(String, String)>,
) -> Response {
    let Ok(n) = n.parse() else {
        return trouble(StatusCode::BAD_REQUEST, "evidence has a number".to_owned());
    };
    let id = IncidentId::from_text(&id);
    match context.casebook.ask(|answer| Question::Evidence(id, n, answer)).await.flatten() {
        None => unreadable(),
        Some(None) => trouble(StatusCode::NOT_FOUND, "no such evidence".to_owned()),
        Some(Some(bundle)) => ([(CONTENT_TYPE, "application/json")], bundle).into_response(),
    }
}

fn filter(pairs: Pairs) -> Result<Filter, String> {
    let mut filter = Filter { limit: LIMIT, ..Filter::default() };
    for (key, value) in pairs {
        match key.as_str() {
            "endpoint" => {
                let name = EndpointName::try_from(value);
                filter.endpoint = Some(name.map_err(|error| format!("endpoint: {error}"))?);
            }
            "state" => {
                filter.open = Some(match value.as_str() {
                    "open" => true,
                    "closed" => false,
                    _ => return Err("state is open or closed".to_owned()),
                });
            }
            "since" => {
                let since = value.parse();
                let since = since.map_err(|_| "since is a time such as 2026-11-21T12:00:00Z");
                filter.since = Some(since?);
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                filter.limit = limit.ok_or("limit is 1 to 100")?;
            }
            "cursor" => filter.after = Some(IncidentId::from_text(&value)),
            _ => return Err(unknown(&key)),
        }
    }
    Ok(filter)
}

fn unknown(key: &str) -> String {
    format!("no such parameter: {key}")
}

fn unreadable() -> Response {
    trouble(StatusCode::SERVICE_UNAVAILABLE, "the events file cannot be read".to_owned())
}

fn trouble(status: StatusCode, error: String) -> Response {
    (status, Json(Trouble { error })).into_response()
}

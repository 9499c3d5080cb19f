//! `/api/v1/incidents`: which there are, what happened, the evidence.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use serde::Serialize;

use super::query::{Query, number};
use super::trouble::Trouble;
use crate::casebook::archive::Filter;
use crate::casebook::question::Question;
use crate::check::endpoint::EndpointName;
use crate::http::drill::{self, Last};
use crate::http::{Context, status};
use crate::incident::id::IncidentId;
use crate::incident::markdown;
use crate::incident::view::{Detail, Summary};

#[derive(Serialize)]
struct Incidents<'a> {
    incidents: Vec<Summary<'a>>,
    /// The `cursor` of the next page; `null` where there is none.
    next: Option<&'a IncidentId>,
}

/// Which incidents there are, newest first.
pub async fn list(
    State(context): State<Context>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let mut filter = filter(query.as_deref())?;
    let limit = filter.limit;
    // One more, to know whether there are more.
    filter.limit += 1;
    let question = |answer| Question::Incidents(filter, answer);
    let found = context.casebook.ask(question).await.flatten().ok_or_else(Trouble::unreadable)?;
    let shown = found.get(..limit).unwrap_or(&found);
    let next = shown.last().filter(|_| found.len() > limit).map(|last| &last.id);
    let incidents = shown.iter().map(Summary::of).collect();
    Ok(Json(Incidents { incidents, next }).into_response())
}

/// One, as JSON or as a page for a ticket.
pub async fn one(
    State(context): State<Context>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let query = Query::new(query.as_deref(), &["format"])?;
    let format = |text: &str| match text {
        "markdown" => Some(true),
        "json" => Some(false),
        _ => None,
    };
    let asked = query.read("format", "write json or markdown", format)?;
    let accepts = |wanted| {
        let mut values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        values.any(|value| value.to_ascii_lowercase().contains(wanted))
    };
    let as_page = asked.unwrap_or_else(|| accepts("text/markdown"));
    let id = IncidentId::from_text(&id);
    let vary = [(VARY, "accept")];
    let written = [(CONTENT_TYPE, "text/markdown; charset=utf-8")];
    // What a drill tells has links as all else has that is told.
    if let Some(drill) = drill::known(&context, &id).await? {
        return Ok(if as_page {
            (vary, written, status::drill_for_ticket(&drill)).into_response()
        } else {
            (vary, Json(Last { drill: Some(drill) })).into_response()
        });
    }
    let found = context.casebook.ask(|answer| Question::Incident(id, answer)).await.flatten();
    let incident = found.ok_or_else(Trouble::unreadable)?;
    let incident = incident.ok_or_else(|| Trouble::missing("incident"))?;
    Ok(if as_page {
        (vary, written, markdown::page(&incident)).into_response()
    } else {
        (vary, Json(Detail::of(&incident))).into_response()
    })
}

/// What one failed run saw.
pub async fn evidence(
    State(context): State<Context>,
    Path((id, n)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    let n = number(&n).ok_or_else(|| Trouble::wrong("evidence", "it has a number"))?;
    let id = IncidentId::from_text(&id);
    let found = context.casebook.ask(|answer| Question::Evidence(id, n, answer)).await.flatten();
    let bundle = found.ok_or_else(Trouble::unreadable)?;
    let bundle = bundle.ok_or_else(|| Trouble::missing("evidence"))?;
    Ok(([(CONTENT_TYPE, "application/json")], bundle).into_response())
}

fn filter(query: Option<&str>) -> Result<Filter, Trouble> {
    let query = Query::new(query, &["endpoint", "state", "since", "limit", "cursor"])?;
    let name = |text: &str| EndpointName::try_from(text.to_owned()).ok();
    let state = |text: &str| match text {
        "open" => Some(true),
        "closed" => Some(false),
        _ => None,
    };
    Ok(Filter {
        endpoint: query.read("endpoint", "write the name of an endpoint", name)?,
        open: query.read("state", "write open or closed", state)?,
        since: query.time("since")?,
        limit: query.limit()?,
        after: query.text("cursor").map(IncidentId::from_text),
    })
}

//! `GET /api/v1/correlations`

use axum::Json;
use axum::extract::{RawQuery, State};

use super::query::{Query, number};
use super::trouble::Trouble;
use crate::casebook::question::Question;
use crate::casebook::question::correlations::{Correlations, Place, WindowsAsked};
use crate::check::endpoint::EndpointName;
use crate::correlate::Minute;
use crate::http::Context;

/// Digits of a minute in a cursor: with as many, the year 9999 is far behind.
const DIGITS: usize = 10;

/// The newest windows, and what they come to.
pub async fn list(
    State(context): State<Context>,
    RawQuery(query): RawQuery,
) -> Result<Json<Correlations>, Trouble> {
    let asked = asked(query.as_deref())?;
    let found = context.casebook.ask(|answer| Question::Correlations(asked, answer)).await;
    let found = found.ok_or_else(Trouble::unreadable)?;
    found.map(Json).ok_or_else(|| Trouble::missing("endpoint that takes users"))
}

fn asked(query: Option<&str>) -> Result<WindowsAsked, Trouble> {
    let query = Query::new(query, &["endpoint", "since", "until", "limit", "cursor"])?;
    let name = |text: &str| EndpointName::try_from(text.to_owned()).ok();
    let after = |text: &str| {
        let (minute, endpoint) = text.split_once('/')?;
        let minute = number(minute).filter(|_| minute.len() <= DIGITS)?;
        Some(Place { minute: Minute(minute), endpoint: name(endpoint)? })
    };
    Ok(WindowsAsked {
        endpoint: query.read("endpoint", "write the name of an endpoint", name)?,
        since: query.time("since")?.map(Minute::of),
        until: query.time("until")?.map(Minute::of),
        limit: query.limit()?,
        after: query.read("cursor", "write the `next` of an earlier answer", after)?,
    })
}

//! `GET /api/v1/correlations`

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::query::{Query, Wrong, number};
use crate::casebook::question::Question;
use crate::casebook::question::correlations::{Place, WindowsAsked};
use crate::check::endpoint::EndpointName;
use crate::correlate::Minute;
use crate::http::Context;

/// The latest minute that is asked for: of the year 9999.
const LATEST: i64 = 4_223_371_679;

/// The newest windows, and what they come to.
pub async fn list(State(context): State<Context>, RawQuery(query): RawQuery) -> Response {
    let asked = match asked(query.as_deref()) {
        Ok(asked) => asked,
        Err(wrong) => return wrong.into_response(),
    };
    match context.casebook.ask(|answer| Question::Correlations(asked, answer)).await {
        Some(Some(found)) => Json(found).into_response(),
        Some(None) => Wrong::new("endpoint", "none of this name takes users").into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn asked(query: Option<&str>) -> Result<WindowsAsked, Wrong> {
    let query = Query::new(query, &["endpoint", "since", "until", "limit", "after"])?;
    let name = |text: &str| EndpointName::try_from(text.to_owned()).ok();
    let after = |text: &str| {
        let (minute, endpoint) = text.split_once('/')?;
        let minute = number(minute).filter(|minute| *minute <= LATEST)?;
        Some(Place { minute: Minute(minute), endpoint: name(endpoint)? })
    };
    Ok(WindowsAsked {
        endpoint: query.read("endpoint", "write the name of an endpoint", name)?,
        since: query.time("since")?.map(Minute::of),
        until: query.time("until")?.map(Minute::of),
        limit: query.limit()?,
        after: query.read("after", "write the `next` of an earlier answer", after)?,
    })
}

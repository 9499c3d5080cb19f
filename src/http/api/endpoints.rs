//! `/api/v1/endpoints/{name}`: the last day of one endpoint.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::trouble::Trouble;
use crate::check::endpoint::EndpointName;
use crate::http::Context;
use crate::http::portrait::Portrait;

/// One of them.
pub async fn one(
    State(context): State<Context>,
    Path(name): Path<String>,
) -> Result<Response, Trouble> {
    let name = EndpointName::try_from(name).map_err(|_| Trouble::missing("endpoint"))?;
    let Some(snapshot) = context.reader.look().await else {
        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
    };
    let portrait = Portrait::of(&snapshot, &name, &context.drawings).await;
    let portrait = portrait.ok_or_else(|| Trouble::missing("endpoint"))?;
    Ok(Json(portrait).into_response())
}

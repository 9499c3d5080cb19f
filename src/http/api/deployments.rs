//! `GET /api/v1/deployments`

use axum::Json;
use axum::extract::{RawQuery, State};

use super::query::Query;
use super::trouble::Trouble;
use crate::http::Context;
use crate::tenant::report::Deployments;

/// Every deployment that is known, with what was found of its pages.
pub async fn list(
    State(context): State<Context>,
    RawQuery(query): RawQuery,
) -> Result<Json<Deployments>, Trouble> {
    Query::new(query.as_deref(), &[])?;
    let snapshot = context.reader.look().await.ok_or_else(Trouble::unreadable)?;
    let view = context.tenant.borrow().clone();
    Ok(Json(Deployments::new(&snapshot, &view)))
}

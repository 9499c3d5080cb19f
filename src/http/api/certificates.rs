//! `/api/v1/certificates`: what every endpoint presents.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use crate::http::Context;
use crate::http::chains::Held;
use crate::record::snapshot::Snapshot;

/// All of them.
#[derive(Debug, Serialize)]
pub struct Certificates {
    taken_at: Timestamp,
    /// What is not trusted first, then what has the least of its life left.
    certificates: Vec<Held>,
}

/// Of a snapshot.
pub fn view(snapshot: &Snapshot) -> Certificates {
    Certificates { taken_at: snapshot.taken_at, certificates: Held::all(snapshot) }
}

/// Which there are.
pub async fn list(State(context): State<Context>) -> Response {
    match context.reader.look().await {
        Some(snapshot) => Json(view(&snapshot)).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

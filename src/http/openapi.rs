//! `/api/v1/openapi.json`: what the API answers, for machines.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

/// OpenAPI 3.1; a test holds it against the routes.
const DOCUMENT: &str = include_str!("openapi.json");

/// The document.
pub async fn document() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

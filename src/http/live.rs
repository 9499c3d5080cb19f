//! Whether the process works.

use axum::extract::State;
use http::StatusCode;

use super::Context;

/// The process answers.
pub async fn healthy() -> &'static str {
    "ok\n"
}

/// The recorder answers too, so that what is served is what is known.
pub async fn ready(State(context): State<Context>) -> (StatusCode, &'static str) {
    match context.reader.look().await {
        Some(_) => (StatusCode::OK, "ready\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the recorder has ended\n"),
    }
}

//! Why a question to the API has no answer, in words.

use std::fmt::Display;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

/// No answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    #[serde(skip)]
    status: StatusCode,
    error: String,
}

impl Trouble {
    /// A parameter has none of the values that it may have.
    pub fn wrong(name: &str, what: impl Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: format!("{name}: {what}") }
    }

    /// There is no such thing.
    pub fn missing(what: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, error: format!("no such {what}") }
    }

    /// The daemon ends, or its file cannot be read.
    pub fn unreadable() -> Self {
        let error = "the events file cannot be read; see the log".to_owned();
        Self { status: StatusCode::SERVICE_UNAVAILABLE, error }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

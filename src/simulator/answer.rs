//! What is answered.

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A status with nothing else.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Vec::new() }
    }

    /// JSON.
    pub fn json(status: StatusCode, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// JSON, with 200.
    pub fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// Text of some kind.
    pub fn text(status: StatusCode, kind: &'static str, body: impl Into<String>) -> Self {
        let mut answer = Self::empty(status);
        answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        answer.body = body.into().into_bytes();
        answer
    }

    /// What the platform API says of an error.
    pub fn error(status: StatusCode, code: &str, message: &str) -> Self {
        let body = json!({
            "message": message, "code": code, "status": status.as_u16(),
            "messageParams": {}, "details": [], "errors": [],
        });
        Self::json(status, &body)
    }

    /// There is no such thing.
    pub fn not_found(what: &str) -> Self {
        let message = format!("{what} was not found.");
        Self::error(StatusCode::NOT_FOUND, "not.found", &message)
    }

    /// The request says something wrong.
    pub fn bad(message: &str) -> Self {
        Self::error(StatusCode::BAD_REQUEST, "bad.request", message)
    }

    /// Nobody may do that here.
    pub fn no_method() -> Self {
        let message = "The request method is not supported for this resource.";
        Self::error(StatusCode::METHOD_NOT_ALLOWED, "method.not.allowed", message)
    }

    /// Too much was asked.
    pub fn too_many(seconds: i64) -> Self {
        let message =
            format!("Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds");
        let code = "too.many.requests.retry.after";
        let mut answer = Self::error(StatusCode::TOO_MANY_REQUESTS, code, &message);
        answer.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        answer
    }

    /// With one more header.
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// As the platform API sends it: with the id by which support finds it, in error bodies too.
    pub fn correlated(mut self, id: &str) -> Self {
        if self.status.is_client_error() || self.status.is_server_error() {
            let body = serde_json::from_slice::<Value>(&self.body).ok();
            if let Some(Value::Object(mut body)) = body {
                body.insert("contextId".to_owned(), id.into());
                self.body = Value::Object(body).to_string().into_bytes();
            }
        }
        self.with(HeaderName::from_static("inin-correlation-id"), id)
    }
}

/// What is there of a body: the API leaves out what is null, and its clients rely on that.
pub fn without_nulls(body: Value) -> Value {
    match body {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            fields.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(list) => list.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

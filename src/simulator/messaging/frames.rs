//! What the socket says.

use serde_json::{Value, json};

use crate::simulator::deployments::deployment::Deployment;

/// An error.
pub fn error(code: u16, message: &str, tracing: Option<&Value>) -> Value {
    traced(json!({ "type": "response", "class": "string", "code": code, "body": message }), tracing)
}

/// Too much was said.
pub fn too_many(seconds: i64, message: &str, tracing: Option<&Value>) -> Value {
    let body = json!({ "retryAfter": seconds, "errorCode": 4029, "errorMessage": message });
    let frame = json!({
        "type": "response", "class": "TooManyRequestsErrorMessage", "code": 429, "body": body,
    });
    traced(frame, tracing)
}

/// An answer of a class.
pub fn response(class: &str, body: &Value, tracing: Option<&Value>) -> Value {
    traced(json!({ "type": "response", "class": class, "code": 200, "body": body }), tracing)
}

/// What nobody asked for.
pub fn message(class: &str, body: &Value) -> Value {
    json!({ "type": "message", "class": class, "code": 200, "body": body })
}

fn traced(mut frame: Value, tracing: Option<&Value>) -> Value {
    if let (Value::Object(frame), Some(tracing)) = (&mut frame, tracing) {
        frame.insert("tracingId".to_owned(), tracing.clone());
    }
    frame
}

/// What files a guest may send.
fn media() -> Value {
    json!({ "inbound": { "fileTypes": [{ "type": "*/*" }], "maxFileSizeKB": 10240 } })
}

/// What a deployment lets guests do.
pub fn configuration(deployment: &Deployment) -> Value {
    json!({
        "allowedMedia": media(),
        "maxCustomDataBytes": 2048,
        "messageRoutingEnabled": true,
        "sessionDurationSeconds": deployment.configuration.session_seconds,
    })
}

/// A session.
pub fn session(deployment: &Deployment, is_new: bool, read_only: bool, until: i64) -> Value {
    json!({
        "connected": true,
        "newSession": is_new,
        "readOnly": read_only,
        "clearedExistingSession": false,
        "maxCustomDataBytes": 2048,
        "allowedMedia": media(),
        "blockedExtensions": [".exe"],
        "durationSeconds": deployment.configuration.session_seconds,
        "expirationDate": until,
        "autoStarted": deployment.auto_started,
    })
}

/// A connection too many was opened, or the session was closed.
pub fn closed(reason: &str) -> Value {
    message("ConnectionClosedEvent", &json!({ "reason": reason }))
}

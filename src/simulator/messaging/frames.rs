//! What the socket says.

use serde_json::{Value, json};

use crate::simulator::deployments::deployment::Deployment;

/// An error.
pub fn error(code: u16, message: &str, tracing: Option<&Value>) -> Value {
    traced(json!({ "type": "response", "class": "string", "code": code, "body": message }), tracing)
}

/// What is said with a code.
pub fn words(code: u16) -> &'static str {
    match code {
        4000 => "feature unavailable",
        4001 => "file type not supported",
        4002 => "file size not supported",
        4003 => "file content not supported",
        4004 => "file name not supported",
        4005 => "file name too long",
        4006 => "session expired error message",
        4007 => "session not found error message",
        4008 => "attachment has expired",
        4009 => "attachment not found",
        4010 => "attachment not uploaded",
        4011 => "message too long",
        4013 => "custom attributes too large",
        4017 => "cannot downgrade to unauthenticated",
        4020 => "missing parameter",
        4029 => "Message rate too high for this session",
        4102 => "file is empty",
        5000 => "unexpected error",
        _ => "error",
    }
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

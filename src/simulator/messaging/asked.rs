//! A frame of a guest, and what it is answered with.

use jiff::Timestamp;
use serde_json::Value;

use super::frames;

/// Frames, and the lines that they go to.
pub type Frames = Vec<(u64, Value)>;

/// A frame that says what it wants.
#[derive(Debug)]
pub struct Asked {
    /// The line that it came over.
    pub line: u64,
    /// The deployment of that line.
    pub deployment: String,
    /// The guest.
    pub token: String,
    /// All of it.
    pub body: Value,
    /// When it came.
    pub now: Timestamp,
}

impl Asked {
    /// What the guest knows its answer by.
    pub fn tracing(&self) -> Option<&Value> {
        self.body.get("tracingId")
    }

    /// The session that it is about.
    pub fn session(&self) -> (String, String) {
        (self.deployment.clone(), self.token.clone())
    }

    /// A text.
    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// An error.
    pub fn error(&self, code: u16, message: &str) -> Frames {
        vec![(self.line, frames::error(code, message, self.tracing()))]
    }

    /// An error in the application's own words.
    pub fn refusal(&self, code: u16) -> Frames {
        match code {
            4029 => self.too_many(3, frames::words(code)),
            _ => self.error(code, frames::words(code)),
        }
    }

    /// It is too much.
    pub fn too_many(&self, seconds: i64, message: &str) -> Frames {
        vec![(self.line, frames::too_many(seconds, message, self.tracing()))]
    }

    /// An answer.
    pub fn answer(&self, class: &str, body: &Value) -> Frames {
        vec![(self.line, frames::response(class, body, self.tracing()))]
    }
}

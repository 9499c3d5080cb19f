//! What the messenger of a deployment is like.

use http::StatusCode;
use serde_json::{Value, json};

use crate::simulator::answer::Answer;

/// A configuration, of which the last version is published.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Whether a conversation begins by itself where the messenger is opened.
    pub auto_start: bool,
    /// How long a session is kept, in seconds.
    pub session_seconds: u64,
    /// Whether guests must be signed in.
    pub auth: bool,
    /// Whether a conflict of versions is 400 with a message, and not 409.
    pub conflict_is_bad_request: bool,
}

impl Configuration {
    /// The first version.
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            version: 1,
            auto_start: false,
            session_seconds: 259_200,
            auth: false,
            conflict_is_bad_request: false,
        }
    }

    /// As the API shows it.
    pub fn to_json(&self) -> Value {
        let mut body = self.common();
        if let Value::Object(body) = &mut body {
            body.insert("name".to_owned(), self.name.as_str().into());
            body.insert("status".to_owned(), "Active".into());
            body.insert("authenticationSettings".to_owned(), json!({ "enabled": self.auth }));
        }
        body
    }

    /// As the CDN shows it; `at` is where the simulator is.
    pub fn published(&self, at: &str) -> Value {
        let mut body = self.common();
        let auth = json!({ "enabled": self.auth, "allowSessionUpgrade": false });
        if let Value::Object(body) = &mut body {
            body.insert("apiEndpoint".to_owned(), format!("https://{at}").into());
            body.insert("auth".to_owned(), auth);
        }
        let conversations = body.pointer_mut("/messenger/apps/conversations");
        if let Some(Value::Object(conversations)) = conversations {
            conversations.insert("messagingEndpoint".to_owned(), format!("wss://{at}").into());
        }
        body
    }

    /// What is the same in the API and on the CDN.
    fn common(&self) -> Value {
        json!({
            "id": self.id,
            "version": self.version.to_string(),
            "headlessMode": { "enabled": false },
            "languages": ["en-us"],
            "defaultLanguage": "en-us",
            "messenger": {
                "enabled": true,
                "apps": { "conversations": {
                    "enabled": true,
                    "autoStart": { "enabled": self.auto_start },
                    "conversationDisconnect": { "enabled": true, "type": "Send" },
                    "conversationClear": { "enabled": false },
                    "sessionDurationSeconds": self.session_seconds,
                } },
                "launcherButton": { "visibility": "On" },
                "fileUpload": { "modes": [
                    { "fileTypes": ["image/jpeg", "image/png"], "maxFileSizeKB": 10240 },
                ] },
            },
            "journeyEvents": { "enabled": true },
            "cobrowse": { "enabled": false },
        })
    }

    /// The draft is written, by whoever knows the version that it is made from.
    pub fn put_draft(&mut self, body: &Value) -> Answer {
        let version = body.get("version").map(|version| match version {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let ours = self.version.to_string();
        match version {
            None => Answer::bad("The version is missing."),
            Some(version) if version != ours && self.conflict_is_bad_request => Answer::error(
                StatusCode::BAD_REQUEST,
                "bad.request",
                &format!("The version {version} does not match the current version {ours}."),
            ),
            Some(version) if version != ours => Answer::error(
                StatusCode::CONFLICT,
                "version.conflict",
                &format!("The version {version} does not match the current version {ours}."),
            ),
            Some(_) => {
                if let Some(name) = body.get("name").and_then(Value::as_str) {
                    self.name = name.to_owned();
                }
                Answer::ok(&self.to_json())
            }
        }
    }
}

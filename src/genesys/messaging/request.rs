//! What a guest asks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A guest of a deployment.
#[derive(Debug, Clone, Copy)]
pub struct Guest<'a> {
    /// The deployment.
    pub deployment: &'a str,
    /// By what the application knows the guest again.
    pub token: &'a str,
}

impl Guest<'_> {
    /// How is the deployment configured?
    pub fn configuration(&self, tracing: &str) -> String {
        self.asks("getConfiguration", tracing, json!({ "deploymentId": self.deployment }))
    }

    /// A session, the one that there is, or a new one in the place of one that is over.
    pub fn session(&self, tracing: &str, starts_new: bool) -> String {
        let more = json!({ "deploymentId": self.deployment, "startNew": starts_new });
        self.asks("configureSession", tracing, more)
    }

    /// Something to be said back, which reaches nobody else.
    pub fn echo(&self, tracing: &str, text: &str) -> String {
        self.asks("echo", tracing, json!({ "message": { "type": "Text", "text": text } }))
    }

    /// Something to be told to whoever is there: it begins a conversation.
    pub fn message(
        &self,
        tracing: &str,
        text: &str,
        attributes: &BTreeMap<String, String>,
    ) -> String {
        let channel = json!({ "metadata": { "customAttributes": attributes } });
        let message = json!({ "type": "Text", "text": text, "channel": channel });
        self.asks("onMessage", tracing, json!({ "message": message }))
    }

    /// The end of it, for every connection of this guest.
    pub fn close(&self, tracing: &str) -> String {
        self.asks("closeSession", tracing, json!({ "closeAllConnections": true }))
    }

    fn asks(&self, action: &str, tracing: &str, more: Value) -> String {
        let mut request = json!({ "action": action, "token": self.token, "tracingId": tracing });
        if let (Value::Object(request), Value::Object(more)) = (&mut request, more) {
            request.extend(more);
        }
        request.to_string()
    }
}

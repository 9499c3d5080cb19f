//! The notification channel: what its frames are, and what is to be done when.

pub mod backlog;
pub mod lease;
pub mod pulse;
pub mod queue;
pub mod topic;
pub mod transition;

use jiff::Timestamp;
use serde_json::Value;

use super::moment;
use crate::event::key::{EventId, Key};
use crate::outcome::quoted::Quoted;

/// Longest frame that is read: an event has some KiB.
pub const MAX_FRAME: usize = 256 * 1024;

/// Topics that a channel takes.
pub const MAX_TOPICS: usize = 1000;

/// Channels that a client may have; one more takes the place of the oldest.
pub const MAX_CHANNELS: usize = 20;

/// What a frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The server lives; it says so every 30 s.
    Heartbeat,
    /// It answers our ping.
    Pong,
    /// It is about to close the socket; the channel goes on.
    Closing,
    /// There is no such channel any more.
    Gone,
    /// An event.
    Event {
        /// Of what.
        topic: Key,
    },
    /// Whatever else: it shows that the server lives.
    Other,
}

impl Frame {
    /// Reads one; none where it is no JSON object.
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > MAX_FRAME {
            return None;
        }
        let frame: Value = serde_json::from_str(text).ok()?;
        let fields = frame.as_object()?;
        let topic = fields.get("topicName").and_then(Value::as_str);
        let Some(topic) = topic else {
            let code = ["result", "status", "code"].into_iter().find_map(|field| fields.get(field));
            let is_gone = code.is_some_and(|code| match code {
                Value::String(text) => ["404", "410"].contains(&text.as_str()),
                Value::Number(number) => [Some(404), Some(410)].contains(&number.as_u64()),
                _ => false,
            });
            return Some(if is_gone { Self::Gone } else { Self::Other });
        };
        let message = fields.get("eventBody").and_then(|body| body.get("message"));
        let message = message.and_then(Value::as_str).unwrap_or_default();
        Some(match topic {
            "channel.metadata" if message.eq_ignore_ascii_case("pong") => Self::Pong,
            "channel.metadata" => Self::Heartbeat,
            "v2.system.socket_closing" => Self::Closing,
            own if own.starts_with("v2.system.") => Self::Other,
            topic => Key::new(topic).map_or(Self::Other, |topic| Self::Event { topic }),
        })
    }
}

/// What is sent to see whether the server lives.
pub const PING: &str = r#"{"message":"ping"}"#;

/// A channel as it was made. Where its socket is opened is a secret: whoever has it may listen.
#[derive(Clone, PartialEq, Eq)]
pub struct Channel {
    /// By what it is known.
    pub id: Key,
    /// Where its socket is opened.
    pub connect_uri: String,
    /// When it ends, unless its topics are set before.
    pub expires: Option<Timestamp>,
}

impl Channel {
    /// Reads one; the id becomes a part of a path.
    pub fn read(answer: &Value) -> Option<Self> {
        let text = |field: &str| answer.get(field).and_then(Value::as_str);
        let id = text("id")?;
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let id = Key::new(id).ok().filter(|_| plain)?;
        let connect_uri = text("connectUri").filter(|uri| uri.len() <= 2048)?.to_owned();
        let expires = answer.get("expires").and_then(moment::read);
        Some(Self { id, connect_uri, expires })
    }

    /// Reads the client's channels; what is none is passed over.
    pub fn list(answer: &Value) -> Option<Vec<Self>> {
        let entities = answer.get("entities")?.as_array()?;
        Some(entities.iter().take(MAX_CHANNELS).filter_map(Self::read).collect())
    }

    /// By what it is known again, for whoever may not know its name.
    pub fn digest(&self) -> EventId {
        EventId::of([b"channel".as_slice(), self.id.as_str().as_bytes()])
    }

    /// A text in which neither its name nor its address is.
    pub fn without_secret(&self, text: &str) -> String {
        text.replace(&self.connect_uri, "…").replace(self.id.as_str(), "…")
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Channel(…)")
    }
}

/// What became of a topic that was subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Which.
    pub topic: Key,
    /// Why it was refused; none where it was not.
    pub refused: Option<Refusal>,
}

/// Why a topic was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the server wrote.
    pub said: Quoted,
    /// Permissions that are missing.
    pub missing: Vec<Key>,
}

/// Reads what became of topics that were subscribed to with `ignoreErrors`.
pub fn subscriptions(answer: &Value) -> Option<Vec<Subscription>> {
    let entities = answer.get("entities")?.as_array()?;
    let read = |entity: &Value| {
        let topic = Key::new(entity.get("id")?.as_str()?).ok()?;
        let state = entity.get("state").and_then(Value::as_str).unwrap_or_default();
        let said = entity.get("rejectionReason").and_then(Value::as_str).unwrap_or_default();
        let missing = entity.get("missingPermissions").and_then(Value::as_array);
        let missing = missing.into_iter().flatten().take(16);
        let missing = missing.filter_map(|name| Key::new(name.as_str()?).ok()).collect();
        let refused = state
            .eq_ignore_ascii_case("rejected")
            .then(|| Refusal { said: Quoted::text(said), missing });
        Some(Subscription { topic, refused })
    };
    Some(entities.iter().take(MAX_TOPICS).filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn frames_are_told_apart() {
        let heartbeat =
            r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#;
        let pong = r#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#;
        let event =
            r#"{"topicName":"v2.webdeployments.deployments.d-1","version":"2","eventBody":{}}"#;
        let topic = Key::new("v2.webdeployments.deployments.d-1").unwrap();
        for (text, frame) in [
            (heartbeat, Some(Frame::Heartbeat)),
            (pong, Some(Frame::Pong)),
            (r#"{"topicName":"v2.system.socket_closing","eventBody":{}}"#, Some(Frame::Closing)),
            (r#"{"topicName":"v2.system.other"}"#, Some(Frame::Other)),
            (r#"{"result":"404"}"#, Some(Frame::Gone)),
            (r#"{"result":404,"message":"no"}"#, Some(Frame::Gone)),
            (r#"{"result":"200"}"#, Some(Frame::Other)),
            (event, Some(Frame::Event { topic })),
            (r#"{"topicName":"a b"}"#, Some(Frame::Other)),
            (r#"{"topicName":7}"#, Some(Frame::Other)),
            ("[]", None),
            ("", None),
            ("pong", None),
        ] {
            assert_eq!(Frame::read(text), frame, "{text}");
        }
        let long = format!(r#"{{"topicName":"x","a":"{}"}}"#, "x".repeat(MAX_FRAME));
        assert_eq!(Frame::read(&long), None);
    }

    #[test]
    fn where_a_channel_is_shows_nowhere() {
        let read =
            |id| Channel::read(&json!({ "id": id, "connectUri": "wss://x/channels/s3cr3t" }));
        let channel = read("streaming-3-abc").unwrap();
        assert!(!format!("{channel:?}").contains("s3cr3t"));
        assert_eq!(channel.connect_uri, "wss://x/channels/s3cr3t");
        let said = "streaming-3-abc is not at wss://x/channels/s3cr3t";
        assert_eq!(channel.without_secret(said), "… is not at …");
        assert_eq!(channel.digest(), read("streaming-3-abc").unwrap().digest());
        assert_ne!(channel.digest(), read("streaming-3-abd").unwrap().digest());
        let listed = json!({ "entities": [{ "id": "a", "connectUri": "wss://x" }, { "id": 7 }] });
        assert_eq!(Channel::list(&listed).map(|all| all.len()), Some(1));
        assert_eq!(Channel::list(&json!([])), None);
        for bad in ["", "../x", "a?b", "a/b"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(Channel::read(&json!({ "id": "x", "connectUri": 7 })), None);
    }

    #[test]
    fn a_refused_topic_says_what_is_missing() {
        let answer = json!({ "entities": [
            { "id": "v2.a", "state": "Permitted" },
            { "id": "v2.b", "state": "Rejected", "rejectionReason": "no\u{1b}",
              "missingPermissions": ["routing:queue:view", 7, "a b"] },
            { "id": 7 },
        ] });
        let read = subscriptions(&answer).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].refused, None);
        let refused = read[1].refused.clone().unwrap();
        assert_eq!((refused.said.as_str(), refused.missing.len()), ("no·", 1));
        assert_eq!(subscriptions(&json!({})), None);
    }
}

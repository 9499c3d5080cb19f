//! What a guest says: the only thing that begins a conversation.

use serde_json::{Value, json};

use super::asked::{Asked, Frames};
use super::{actions, frames};
use crate::simulator::conversations::Course;
use crate::simulator::org::Org;

/// Longest message, in bytes.
const MAX_TEXT: usize = 4096;

/// Most that may be said of a guest, in bytes.
const MAX_ATTRIBUTES: usize = 2048;

/// A message or an event.
pub fn message(org: &mut Org, asked: &Asked) -> Frames {
    let attributes = ["/message/channel", "/channel"]
        .into_iter()
        .find_map(|at| asked.body.pointer(&format!("{at}/metadata/customAttributes")));
    let session = match actions::session(org, asked) {
        Ok(session) => session,
        Err(frames) => return frames,
    };
    if !session.messages.takes(asked.now) {
        return asked.too_many(1, "Message rate too high for this session");
    }
    if asked.text("/message/text").len() > MAX_TEXT {
        return asked.error(4011, "message too long");
    }
    if attributes.is_some_and(|attributes| attributes.to_string().len() > MAX_ATTRIBUTES) {
        return asked.error(4013, "custom attributes too large");
    }
    let is_read_only = session.read_only;
    match asked.text("/message/type") {
        _ if is_read_only => asked.error(400, "session is read only"),
        "Text" => text(org, asked, attributes.cloned()),
        "Event" => event(org, asked),
        _ => asked.error(4020, "missing parameter message"),
    }
}

fn text(org: &mut Org, asked: &Asked, attributes: Option<Value>) -> Frames {
    let conversation = begin(org, asked, attributes);
    let (own, other) = (org.ids.uuid(), org.ids.uuid());
    for id in [&own, &other] {
        org.messaging.messages.insert(id.clone(), conversation.clone());
    }
    let channel = json!({ "time": asked.now.to_string(), "type": "Private" });
    let said = json!({
        "text": asked.text("/message/text"), "type": "Text", "direction": "Inbound", "id": own,
        "channel": channel, "metadata": { "correlationId": conversation },
    });
    let reply = json!({
        "text": "Hello, how can we help?", "type": "Text", "direction": "Outbound", "id": other,
        "channel": channel, "originatingEntity": "Bot",
        "metadata": { "correlationId": conversation },
    });
    let mut answers = asked.answer("StructuredMessage", &said);
    answers.push((asked.line, frames::message("StructuredMessage", &reply)));
    if org.deployment(&asked.deployment).is_some_and(|deployment| deployment.out_of_order) {
        answers.reverse();
    }
    answers
}

fn event(org: &mut Org, asked: &Asked) -> Frames {
    match asked.text("/message/events/0/presence/type") {
        "Join" => {
            begin(org, asked, None);
            Vec::new()
        }
        kind @ ("Disconnect" | "Clear") => {
            if let Ok(session) = actions::session(org, asked) {
                session.read_only = kind == "Disconnect";
                session.conversation = None;
            }
            let id = org.ids.uuid();
            let body = json!({
                "type": "Event", "direction": "Outbound", "id": id,
                "events": [{ "eventType": "Presence", "presence": { "type": kind } }],
                "metadata": { "readOnly": (kind == "Disconnect").to_string() },
            });
            vec![(asked.line, frames::message("StructuredMessage", &body))]
        }
        _ => Vec::new(),
    }
}

/// The conversation of the session, which begins now where there was none.
fn begin(org: &mut Org, asked: &Asked, attributes: Option<Value>) -> String {
    if let Ok(session) = actions::session(org, asked)
        && let Some(known) = &session.conversation
    {
        return known.clone();
    }
    let id = org.begin(&asked.deployment, Course::Answered, asked.now);
    if let Ok(session) = actions::session(org, asked) {
        session.conversation = Some(id.clone());
    }
    if let Some(attributes) = &attributes {
        org.tell_attributes(&id, attributes, asked.now);
    }
    org.messaging.conversations.push(Conversation {
        id: id.clone(),
        deployment: asked.deployment.clone(),
        token: asked.token.clone(),
        attributes: attributes.unwrap_or_default(),
    });
    id
}

/// A conversation that a guest began over the socket.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// The deployment.
    pub deployment: String,
    /// The guest.
    pub token: String,
    /// What was said of the guest.
    pub attributes: Value,
}

//! What can happen to a part of a conversation: it begins, it ends. Whoever tells of it, the
//! channel, the queue's topic or the back-fill, it is one event and has one id.

use serde_json::{Map, Value, json};

use crate::event::AnalyticsEvent;
use crate::event::key::{EventId, Key};
use crate::event::word::Kind;

/// Participants, sessions and segments that are read of one list.
const MAX_ROWS: usize = 200;

/// Whose part it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The customer's.
    Customer,
    /// The queue's: waiting.
    Acd,
    /// A flow's or a bot's.
    Flow,
    /// An agent's.
    User,
}

impl Part {
    /// By the `purpose` of a participant.
    pub fn of(participant: &Value) -> Option<Self> {
        match participant.get("purpose")?.as_str()? {
            "customer" | "external" => Some(Self::Customer),
            "acd" => Some(Self::Acd),
            "workflow" | "botflow" | "bot" | "ivr" => Some(Self::Flow),
            "agent" | "user" => Some(Self::User),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Acd => "acd",
            Self::Flow => "flow",
            Self::User => "user",
        }
    }

    /// The frame that tells that this part did `what`: `start` or `end`.
    pub fn frame(self, conversation: &Key, what: &str, body: Map<String, Value>) -> Value {
        frame(conversation, &format!("{}.{what}", self.as_str()), body)
    }
}

/// A frame as a socket gets it that is subscribed to this conversation.
pub fn frame(conversation: &Key, what: &str, body: Map<String, Value>) -> Value {
    let topic = format!("v2.detail.events.conversation.{conversation}.{what}");
    json!({ "topicName": topic, "version": "2", "eventBody": body })
}

/// By what a transition is known again; none for what may happen more than once.
///
/// No time is in it: each who tells has another one, by some milliseconds. How a part ended is, as
/// one may know it that another did not.
pub fn id(event: &AnalyticsEvent) -> Option<EventId> {
    let tells = match event.kind {
        Kind::CustomerStart | Kind::AcdStart | Kind::FlowStart | Kind::UserStart => "",
        Kind::CustomerEnd | Kind::AcdEnd | Kind::FlowEnd | Kind::UserEnd => {
            event.disconnect.map_or("", |disconnect| disconnect.as_str())
        }
        // Our own mark, whenever it is set.
        Kind::Attributes => event.probe.as_ref()?.as_str(),
        _ => return None,
    };
    let (conversation, participant) = (event.conversation.as_ref()?, event.participant.as_ref()?);
    Some(EventId::of([
        b"transition".as_slice(),
        event.kind.as_str().as_bytes(),
        conversation.as_str().as_bytes(),
        participant.as_str().as_bytes(),
        tells.as_bytes(),
    ]))
}

/// The elements of a list, so many at the most.
pub fn rows<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(field).and_then(Value::as_array).into_iter().flatten().take(MAX_ROWS)
}

/// Texts alone.
pub fn copy(to: &mut Map<String, Value>, from: &Value, fields: &[&str]) {
    for field in fields {
        if let Some(value @ Value::String(_)) = from.get(field) {
            to.insert((*field).to_owned(), value.clone());
        }
    }
}

/// How a part ended, as events write it: `TRANSPORT_FAILURE` for `transportFailure` and for
/// `transport.failure`.
pub fn shouted(word: &str) -> String {
    let known = [
        ("transfer.conference", "CONFERENCE_TRANSFER"),
        ("transfer.consult", "CONSULT_TRANSFER"),
        ("transfer.forward", "FORWARD_TRANSFER"),
        ("transfer.noanswer", "NO_ANSWER_TRANSFER"),
        ("transfer.notavailable", "NOT_AVAILABLE_TRANSFER"),
        ("transfer.dnd", "DND_TRANSFER"),
        ("endpoint.dnd", "DND_ENDPOINT"),
    ];
    if let Some((_, known)) = known.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(word)) {
        return (*known).to_owned();
    }
    let is_shouted = !word.bytes().any(|byte| byte.is_ascii_lowercase());
    let mut shouted = String::new();
    for c in word.chars().take(Key::MAX_BYTES) {
        match c {
            '.' => shouted.push('_'),
            c if c.is_ascii_uppercase() && !is_shouted => shouted.extend(['_', c]),
            c => shouted.push(c.to_ascii_uppercase()),
        }
    }
    shouted
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::word::Disconnect;

    #[test]
    fn every_spelling_of_an_end_is_understood() {
        for (written, read) in [
            ("transportFailure", Disconnect::TransportFailure),
            ("transport.failure", Disconnect::TransportFailure),
            ("TRANSPORT_FAILURE", Disconnect::TransportFailure),
            ("session.expired", Disconnect::SessionExpired),
            ("transfer.noanswer", Disconnect::NoAnswerTransfer),
            ("endpoint.dnd", Disconnect::DndEndpoint),
            ("noAnswerTransfer", Disconnect::NoAnswerTransfer),
            ("peer", Disconnect::Peer),
            ("error", Disconnect::Error),
            ("teleported", Disconnect::Other),
        ] {
            assert_eq!(Disconnect::from_theirs(&shouted(written)), read, "{written}");
        }
    }

    #[test]
    fn a_transition_is_one_whenever_it_is_told() {
        let event = |kind, second| AnalyticsEvent {
            conversation: Key::new("c").ok(),
            participant: Key::new("p").ok(),
            ..AnalyticsEvent::new(
                EventId::from_bytes([0; 16]),
                kind,
                Timestamp::from_second(second).unwrap(),
            )
        };
        let start = id(&event(Kind::CustomerStart, 1));
        assert!(start.is_some());
        assert_eq!(start, id(&event(Kind::CustomerStart, 2)));
        assert_ne!(start, id(&event(Kind::CustomerEnd, 1)));
        let end = |disconnect| id(&AnalyticsEvent { disconnect, ..event(Kind::CustomerEnd, 1) });
        assert_ne!(end(None), end(Some(Disconnect::Error)), "somebody knew more");
        assert_eq!(id(&event(Kind::Wrapup, 1)), None);
        assert_eq!(id(&AnalyticsEvent { participant: None, ..event(Kind::AcdStart, 1) }), None);
    }
}

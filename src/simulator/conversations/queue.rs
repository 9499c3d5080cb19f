//! A conversation as the topics of its queue tell of it: whole, each time that anything changes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::stages::{self, Kind};
use super::{AGENT, Course, QUEUE, Talk};
use crate::simulator::answer::without_nulls;
use crate::simulator::org::Org;

/// Somebody's part, from which event to which.
const PARTS: [(&str, Kind, Kind); 4] = [
    ("customer", Kind::CustomerStart, Kind::CustomerEnd),
    ("workflow", Kind::FlowStart, Kind::FlowEnd),
    ("acd", Kind::AcdStart, Kind::AcdEnd),
    ("agent", Kind::UserStart, Kind::UserEnd),
];

/// Whether it has come to the queue: before that, its topics do not know it.
fn is_in_queue(talk: &Talk) -> bool {
    happened(talk, Kind::AcdStart).is_some()
}

/// When something happened in it.
fn happened(talk: &Talk, kind: Kind) -> Option<Timestamp> {
    let steps = stages::of(talk.course).iter().zip(&talk.steps);
    steps.filter(|(kinds, _)| kinds.contains(&kind)).map(|(_, at)| *at).next()
}

impl Org {
    /// Those who listen to the queue are told what there is of a conversation.
    pub(super) fn tell_queue(&mut self, talk: &Talk) {
        if is_in_queue(talk) {
            let topic = format!("v2.routing.queues.{QUEUE}.conversations");
            self.stream_event(&format!("{topic}.messages"), &of_messages(talk));
            self.stream_event(&topic, &of_any(talk));
        }
    }
}

/// As the topic of messages alone has it.
fn of_messages(talk: &Talk) -> Value {
    let parts = parts(talk).map(|(id, purpose, began, ended)| {
        let mut part = common(talk, purpose, ended.is_some());
        set(&mut part, "id", id.into());
        set(&mut part, "startTime", iso(began).into());
        set(&mut part, "connectedTime", iso(began).into());
        set(&mut part, "endTime", ended.map(iso).into());
        set(&mut part, "purpose", purpose.into());
        set(&mut part, "address", talk.guest.2.clone().into());
        match purpose {
            "acd" => set(&mut part, "queue", json!({ "id": QUEUE })),
            "agent" => set(&mut part, "user", json!({ "id": AGENT })),
            _ => {}
        }
        without_nulls(part)
    });
    json!({ "id": talk.id, "name": "Guest", "participants": parts.collect::<Vec<_>>(), "otherMediaUris": [] })
}

/// As the topic of every medium has it.
fn of_any(talk: &Talk) -> Value {
    let parts = parts(talk).map(|(id, purpose, began, ended)| {
        let mut message = common(talk, purpose, ended.is_some());
        set(&mut message, "id", talk.guest.1.clone().into());
        set(&mut message, "connectedTime", iso(began).into());
        set(&mut message, "disconnectedTime", ended.map(iso).into());
        set(&mut message, "toAddress", json!({ "addressNormalized": talk.deployment }));
        without_nulls(json!({
            "id": id, "purpose": purpose, "connectedTime": iso(began), "endTime": ended.map(iso),
            "queueId": (purpose == "acd").then_some(QUEUE), "messages": [without_nulls(message)],
        }))
    });
    json!({ "id": talk.id, "participants": parts.collect::<Vec<_>>(), "recordingState": "none" })
}

fn common(talk: &Talk, purpose: &str, ended: bool) -> Value {
    let how = match (purpose, talk.course) {
        _ if !ended => None,
        ("customer", Course::Broken) => Some("transport.failure"),
        ("workflow", _) => Some("transfer"),
        ("acd", Course::Answered) => Some("transfer"),
        _ => Some("peer"),
    };
    json!({
        "state": if ended { "disconnected" } else { "connected" }, "disconnectType": how,
        "direction": "inbound", "type": "webmessaging", "provider": "PureCloud Webchat V2",
    })
}

type Told<'a> = (String, &'static str, Timestamp, Option<Timestamp>);

fn parts(talk: &Talk) -> impl Iterator<Item = Told<'_>> {
    let (customer, ..) = &talk.guest;
    PARTS.into_iter().enumerate().filter_map(move |(n, (purpose, start, end))| {
        let id = match (n, customer.get(1..)) {
            (0, _) | (_, None) => customer.clone(),
            (n, Some(rest)) => format!("{n}{rest}"),
        };
        Some((id, purpose, happened(talk, start)?, happened(talk, end)))
    })
}

fn set(value: &mut Value, field: &str, to: Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.insert(field.to_owned(), to);
    }
}

fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

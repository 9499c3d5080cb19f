//! Events that were posted, as EventBridge would send them on.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Value, json};

/// Events that wait to be taken; older ones are lost.
const WAITING: usize = 10_000;

/// Events that nobody has taken yet.
#[derive(Debug, Default)]
pub struct Events {
    waiting: VecDeque<Event>,
    posted: usize,
}

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its topic, with ids.
    pub topic: String,
    /// What happened.
    pub body: Value,
}

impl Events {
    pub(super) fn note(&mut self, topic: &str, body: &Value) {
        if self.waiting.len() == WAITING {
            self.waiting.pop_front();
        }
        self.posted += 1;
        self.waiting.push_back(Event { topic: topic.to_owned(), body: body.clone() });
    }

    /// Those that wait, oldest first; they wait no more.
    pub fn take(&mut self) -> Vec<Event> {
        self.waiting.drain(..).collect()
    }

    /// How many were ever posted.
    pub fn posted(&self) -> usize {
        self.posted
    }
}

impl Event {
    /// As EventBridge posts it.
    pub fn envelope(&self, id: &str, org: &str, now: Timestamp) -> Value {
        let words = self.topic.split('.').map(|word| match is_id(word) {
            true => "{id}",
            false => word,
        });
        let time = now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        json!({
            "version": "0",
            "id": id,
            "detail-type": words.collect::<Vec<_>>().join("."),
            "source": format!("aws.partner/genesys.com/cloud/{org}/watchpost"),
            "account": "123456789012",
            "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": "eu-west-1",
            "resources": [],
            "detail": {
                "topicName": self.topic,
                "version": "2",
                "eventBody": self.body,
                "metadata": { "CorrelationId": id },
                "timestamp": time,
            },
        })
    }
}

fn is_id(word: &str) -> bool {
    word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_an_event_names_no_id() {
        let topic = "v2.detail.events.conversation.5409c0de-0000-4000-8000-000000000001.acd.start";
        let event = Event { topic: topic.to_owned(), body: json!({}) };
        let envelope = event.envelope("id", "org", Timestamp::UNIX_EPOCH);
        assert_eq!(envelope["detail-type"], "v2.detail.events.conversation.{id}.acd.start");
        assert_eq!(envelope["detail"]["topicName"], topic);
        assert_eq!(envelope["time"], "1970-01-01T00:00:00Z");
    }
}

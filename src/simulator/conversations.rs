//! Conversations of customers, and the events that tell of them.

mod analytics;
mod queue;
mod stages;

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::events::Event;
use super::org::Org;
pub(super) use analytics::answer;

/// Conversations that are remembered.
const REMEMBERED: usize = 10_000;

/// The queue of the shop.
pub const QUEUE: &str = "40e0e000-0000-4000-8000-000000000001";

/// The bot that everybody meets first.
pub const FLOW: &str = "f1040000-0000-4000-8000-000000000001";

/// An agent.
pub const AGENT: &str = "a9e40000-0000-4000-8000-000000000001";

/// The division of everything.
pub const DIVISION: &str = "d1010000-0000-4000-8000-000000000001";

/// How a conversation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// A bot, a queue, an agent, a goodbye.
    Answered,
    /// The customer leaves the queue.
    Abandoned,
    /// The bot breaks.
    FlowError,
    /// The connection breaks.
    Broken,
}

/// A conversation.
#[derive(Debug, Clone)]
pub struct Talk {
    /// Its id.
    pub id: String,
    /// The deployment that the customer wrote to.
    pub deployment: String,
    /// How it goes.
    pub course: Course,
    /// When it began.
    pub begun: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The guest: participant, session, token.
    pub guest: (String, String, String),
    /// What of it has happened.
    stage: usize,
    /// When each step of that was.
    steps: Vec<Timestamp>,
}

/// The conversations, oldest first.
#[derive(Debug, Default)]
pub struct Talks(VecDeque<Talk>);

impl Talks {
    /// Those that go on.
    pub fn going_on(&self) -> usize {
        self.0.iter().filter(|talk| talk.ended.is_none()).count()
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Talk> {
        self.0.iter()
    }
}

impl Org {
    /// A customer begins a conversation; the events of its beginning are posted. Gives its id.
    pub fn begin(&mut self, deployment: &str, course: Course, now: Timestamp) -> String {
        let talk = Talk {
            id: self.ids.uuid(),
            deployment: deployment.to_owned(),
            course,
            begun: now,
            ended: None,
            guest: (self.ids.uuid(), self.ids.uuid(), self.ids.uuid()),
            stage: 0,
            steps: Vec::new(),
        };
        let id = talk.id.clone();
        if self.talks.0.len() == REMEMBERED {
            self.talks.0.pop_front();
        }
        self.talks.0.push_back(talk);
        self.go_on(&id, now);
        id
    }

    /// The next thing happens in a conversation, and is posted. Whether more will.
    pub fn go_on(&mut self, id: &str, now: Timestamp) -> bool {
        let Some(talk) = self.talks.0.iter_mut().find(|talk| talk.id == id) else { return false };
        let stages = stages::of(talk.course);
        let Some(kinds) = stages.get(talk.stage) else { return false };
        talk.stage += 1;
        talk.steps.push(now);
        let more = talk.stage < stages.len();
        if !more {
            talk.ended = Some(now);
        }
        let talk = talk.clone();
        for kind in *kinds {
            let topic = format!("v2.detail.events.conversation.{}.{}", talk.id, kind.word());
            self.post(&topic, &kind.body(&talk, now));
        }
        self.tell_queue(&talk);
        more
    }

    /// It is told what is known of the customer.
    pub(super) fn tell_attributes(&mut self, id: &str, attributes: &Value, now: Timestamp) {
        let Some(talk) = self.talks.0.iter().find(|talk| talk.id == id) else { return };
        let body = json!({
            "eventTime": now.as_millisecond(), "conversationId": id,
            "participantId": talk.guest.0, "attributes": attributes,
        });
        self.post(&format!("v2.detail.events.conversation.{id}.attributes"), &body);
    }

    /// Every conversation with a deployment that goes on breaks off next.
    pub fn all_break(&mut self, deployment: &str) {
        let going = self.talks.0.iter_mut().filter(|talk| talk.ended.is_none());
        for talk in going.filter(|talk| talk.deployment == deployment) {
            talk.course = Course::Broken;
            talk.stage = 1;
            talk.steps.truncate(1);
        }
    }

    /// The events that nobody has taken yet, as EventBridge posts them, with their ids.
    pub fn take_envelopes(&mut self, now: Timestamp) -> Vec<(String, Value)> {
        let (events, org) = (self.events.take(), self.id.clone());
        let envelope = |event: Event| {
            let id = self.ids.uuid();
            let body = event.envelope(&id, &org, now);
            (id, body)
        };
        events.into_iter().map(envelope).collect()
    }

    /// The next thing happens in every conversation that goes on.
    pub fn all_go_on(&mut self, now: Timestamp) {
        let going: Vec<_> = self.talks.0.iter().filter(|talk| talk.ended.is_none()).collect();
        let ids: Vec<_> = going.into_iter().map(|talk| talk.id.clone()).collect();
        for id in ids {
            self.go_on(&id, now);
        }
    }
}

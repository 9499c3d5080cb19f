//! The set-up by which events of the real platform come to a receiver: Amazon EventBridge with an
//! API destination, or a trigger whose workflow calls a data action. Checked and printed, not made.

mod eventbridge;
mod trigger;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;

use super::raw;
use super::values::Via;
use super::webhook::{address, idle, receiver};
use crate::check::target::{Host, Scheme, Target};
use crate::config::fault::{Faults, Span};
use crate::config::values::Line;
use crate::event::key::Key;
use crate::event::topic::Topic;
use crate::event::word::Kind;
use crate::receiver::{Auth, Method, Receiver};

/// What is subscribed to where the file names nothing: all that a receiver makes something of.
const TOPICS: [&str; 7] = [
    "v2.detail.events.conversation.{id}.customer.start",
    "v2.detail.events.conversation.{id}.customer.end",
    "v2.detail.events.conversation.{id}.acd.start",
    "v2.detail.events.conversation.{id}.acd.end",
    "v2.detail.events.conversation.{id}.flow.start",
    "v2.detail.events.conversation.{id}.flow.end",
    "v2.detail.events.conversation.{id}.attributes",
];

/// Longest that an API destination waits for an answer.
pub const ANSWER_WITHIN_SECONDS: u32 = 5;

/// A set-up that holds together.
#[derive(Debug)]
pub struct Setup {
    /// Whom events come to.
    pub receiver: Arc<str>,
    /// Events a second that it takes.
    pub max_rate: u32,
    /// As it is reached from outside.
    pub address: Target,
    /// By which way.
    pub via: Via,
    /// What is subscribed to.
    pub topics: Vec<String>,
    /// How the sender shows that it may post.
    pub shows: Shows,
    /// What a trigger starts.
    pub workflow: Option<Key>,
    /// Of which events a trigger starts it, where the file says so.
    pub criteria: Option<Vec<Value>>,
}

/// How a sender that signs nothing shows that it may post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shows {
    /// A header that holds a key.
    ApiKey {
        /// Its name.
        header: String,
    },
    /// `Authorization: Basic`
    Basic,
    /// `Authorization: Bearer`
    Bearer,
}

/// Reads the table.
pub fn read(
    raw: raw::Webhook,
    span: &Span,
    receivers: &[Arc<Receiver>],
    faults: &mut Faults,
    notices: &mut Faults,
) -> Option<Setup> {
    let why = "the platform has no webhooks: events come by EventBridge or by a trigger";
    let others = [
        ("name", raw.name.span()),
        ("enabled", raw.enabled.span()),
        ("event", raw.event.span()),
        ("filter", raw.filter.span()),
        ("headers", raw.headers.span()),
    ];
    idle(&others, why, faults);
    let via = raw.via.take("webhook.via", faults).unwrap_or_default();
    let criteria_at = raw.match_criteria.span();
    if via == Via::Eventbridge {
        let others = [("workflow", raw.workflow.span()), ("match-criteria", criteria_at)];
        idle(&others, "it belongs to via = \"trigger\"", faults);
    }
    let name = raw.receiver.take_spanned("webhook.receiver", faults);
    let name = name.map(|(span, name)| (span, name.0));
    let receiver = receiver(name, span, receivers, faults);
    let address = address(raw.address, span, faults);
    if let (Some((at, address)), Some(receiver)) = (&address, receiver) {
        public(at, address, receiver, faults, notices);
    }
    let shows = receiver.and_then(|receiver| shows(receiver, span, faults));
    let topics = topics(raw.topics, via, faults, notices);
    let workflow = raw.workflow.take("webhook.workflow", faults).map(|id| id.0);
    if via == Via::Trigger && workflow.is_none() {
        let fix = "add workflow = \"…\", the id of an Architect workflow";
        faults.add(span, "webhook.workflow", "missing", fix);
    }
    let criteria = trigger::criteria(raw.match_criteria, faults);
    let receiver = receiver?;
    Some(Setup {
        receiver: receiver.name.clone(),
        max_rate: receiver.max_rate,
        address: address?.1,
        via,
        topics,
        shows: shows?,
        workflow,
        criteria,
    })
}

/// Whether senders outside can reach an address, and believe its certificate.
fn public(
    span: &Span,
    address: &Target,
    receiver: &Receiver,
    faults: &mut Faults,
    notices: &mut Faults,
) {
    let key = "webhook.address";
    if address.scheme != Scheme::Https {
        faults.add(span, key, "not https", "write https://: nothing else is posted to");
    }
    let problem = match &address.host {
        Host::Name(name) => {
            let name = name.as_ref().trim_end_matches('.');
            let own = ["localhost", "local", "internal", "lan", "home.arpa", "localdomain"];
            let is_own = |end: &str| name == end || name.ends_with(&format!(".{end}"));
            (own.into_iter().any(is_own) || !name.contains('.'))
                .then_some("nobody outside knows this name")
        }
        Host::Address(IpAddr::V4(v4))
            if v4.is_private() || v4.is_loopback() || v4.is_link_local() =>
        {
            Some("nobody outside reaches this address")
        }
        Host::Address(_) => Some("an address for which no public CA answers"),
    };
    if let Some(problem) = problem {
        faults.add(span, key, problem, "write the public name of a proxy in front of the receiver");
    }
    if address.path != receiver.path {
        let problem = format!("its path is not the receiver's, {}", receiver.path);
        notices.add(span, key, problem, "see that the proxy in front rewrites it");
    }
}

/// The first way to get in that needs no signature: neither way of the platform signs anything.
fn shows(receiver: &Receiver, span: &Span, faults: &mut Faults) -> Option<Shows> {
    let key = "webhook.receiver";
    let methods = match &receiver.auth {
        Auth::AnyOf(methods) => methods.as_slice(),
        Auth::Open => {
            let problem = "it takes events from anyone, and its address is public";
            faults.add(span, key, problem, "give it auth = [{ api-key = … }]");
            return None;
        }
    };
    let way = |method: &Method| match method {
        Method::ApiKey { header, .. } => Some(Shows::ApiKey { header: header.to_string() }),
        Method::Basic { .. } => Some(Shows::Basic),
        Method::Bearer { .. } => Some(Shows::Bearer),
        Method::HubSignature { .. } | Method::StandardWebhooks { .. } => None,
    };
    let found = methods.iter().find_map(way);
    if found.is_none() {
        let problem = "it takes signed events alone, and these are not signed";
        faults.add(span, key, problem, "add { api-key = … } to its auth");
    }
    found
}

fn topics(
    table: raw::Fields<Line>,
    via: Via,
    faults: &mut Faults,
    notices: &mut Faults,
) -> Vec<String> {
    let key = "webhook.topics";
    let Some((span, rows)) = table.take(key, "write a list of topics", faults) else {
        return TOPICS.map(str::to_owned).to_vec();
    };
    if rows.is_empty() || rows.len() > 64 {
        faults.add(&span, key, "not 1 to 64 topics", "name some, or leave the key out");
    }
    let mut topics: Vec<String> = Vec::new();
    for (n, row) in rows.into_iter().take(64).enumerate() {
        let key = format!("{key}[{n}]");
        let Some((span, topic)) = row.take_spanned(&key, faults) else { continue };
        let topic = topic.0;
        let read = Topic::read(&topic);
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-{}".contains(&byte);
        if !topic.starts_with("v2.") || !topic.bytes().all(legal) {
            let fix = "write a name such as \"v2.detail.events.conversation.{id}.customer.end\"";
            faults.add(&span, &key, "not a topic", fix);
        } else if !topic.contains("{id}") {
            let fix = "write {id} in the place of the id: these are not subscribed to one by one";
            faults.add(&span, &key, "it is about one thing alone", fix);
        } else if via == Via::Trigger && read.kind == Kind::Audit {
            let fix = "take audits by EventBridge, or let them be asked for: audits = true";
            faults.add(&span, &key, "no trigger starts on an audit", fix);
        } else if topics.contains(&topic) {
            faults.add(&span, &key, "it stands in this list already", "remove one");
        } else {
            if read.kind == Kind::Other {
                let fix = "leave it out, unless others need it";
                notices.add(&span, &key, "nothing is made of this topic", fix);
            }
            topics.push(topic);
        }
    }
    topics
}

impl Setup {
    /// For programs: what is to be made, as the platform and AWS take it.
    pub fn json(&self) -> Value {
        match self.via {
            Via::Eventbridge => eventbridge::json(self),
            Via::Trigger => trigger::json(self),
        }
    }
}

impl fmt::Display for Setup {
    /// For people: what to do, step by step.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.via {
            Via::Eventbridge => eventbridge::words(self, f),
            Via::Trigger => trigger::words(self, f),
        }
    }
}

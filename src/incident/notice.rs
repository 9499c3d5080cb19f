//! What others are told of an incident.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::alert;
use super::id::IncidentId;
use super::record::{Incident, Trouble};
use super::severity::Severity;
use crate::check::endpoint::EndpointName;
use crate::outcome::reason::Reason;

/// What happened to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// It was opened, or went on.
    #[serde(rename = "incident.opened")]
    Opened,
    /// Its kind or its severity is another.
    #[serde(rename = "incident.changed")]
    Changed,
    /// It was closed.
    #[serde(rename = "incident.closed")]
    Closed,
}

impl Event {
    /// The `type` of the message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "incident.opened",
            Self::Changed => "incident.changed",
            Self::Closed => "incident.closed",
        }
    }

    /// What a `type` stands for.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Opened, Self::Changed, Self::Closed].into_iter().find(|event| event.as_str() == text)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// What happened.
    pub event: Event,
    /// When.
    pub at: Timestamp,
    /// The incident as it was then.
    pub incident: Incident,
    /// As what it was told of before, where that is another.
    pub before: Option<(Trouble, Severity)>,
}

impl Notice {
    /// The id of the message: the same however often it is sent.
    pub fn id(&self) -> String {
        // Verifiers split what is signed at dots; no name of an endpoint has a tilde.
        let incident = self.incident.id.as_str().replace('.', "~");
        format!("msg_{incident}_{}", self.incident.last_word.notices)
    }
}

/// How somebody wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// As a Standard Webhook.
    Webhook,
    /// As alerts of Alertmanager's API v2.
    Alertmanager,
}

/// Who wants to be told of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// By this name in metrics, in the timeline and in the queue.
    pub name: EndpointName,
    /// How.
    pub form: Form,
    /// Of these endpoints; none means all.
    pub endpoints: Option<Vec<EndpointName>>,
    /// Of incidents that have been at least so bad.
    pub min_severity: Severity,
    /// Where this monitor is to be found, for links.
    pub external_url: Option<String>,
}

/// A message that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same however often it is sent.
    pub id: String,
    /// To whom.
    pub target: EndpointName,
    /// Of which incident: those of one are sent in their order.
    pub incident: IncidentId,
    /// What it tells.
    pub event: Event,
    /// What is sent.
    pub body: String,
}

impl Subscription {
    /// Whether an incident is one of those.
    pub fn wants(&self, incident: &Incident) -> bool {
        let endpoint = &incident.endpoint;
        let named = self.endpoints.as_ref().is_none_or(|endpoints| endpoints.contains(endpoint));
        named && incident.worst >= self.min_severity
    }

    /// What is sent of a notice; nothing where it is not wanted.
    pub fn message(&self, notice: &Notice) -> Option<Message> {
        self.wants(&notice.incident).then(|| {
            let body = match self.form {
                Form::Webhook => webhook(notice, self.external_url.as_deref()),
                Form::Alertmanager => alert::of_notice(notice, self.external_url.as_deref()),
            };
            Message {
                id: notice.id(),
                target: self.name.clone(),
                incident: notice.incident.id.clone(),
                event: notice.event,
                body: body.to_string(),
            }
        })
    }
}

/// Where an incident is to be seen.
pub fn link(incident: &Incident, external_url: Option<&str>) -> Option<String> {
    let root = external_url?.trim_end_matches('/');
    Some(format!("{root}/api/v1/incidents/{}?format=markdown", incident.id))
}

/// `type`, `timestamp` and `data`, as Standard Webhooks advises.
fn webhook(notice: &Notice, external_url: Option<&str>) -> Value {
    let incident = &notice.incident;
    let checks: Vec<_> = incident
        .checks
        .iter()
        .map(|(id, check)| {
            let reason = check.cause.and_then(|cause| cause.reason);
            json!({
                "id": id,
                "expect": check.expect,
                "standing": check.standing,
                "since": check.since,
                "reason": reason,
                "phase": check.cause.and_then(|cause| cause.phase),
                "message": reason.map(Reason::sentence),
                "fix": reason.filter(|_| check.is_held()).map(Reason::fix),
            })
        })
        .collect();
    let before = notice.before;
    json!({
        "type": notice.event,
        "timestamp": notice.at,
        "data": {
            "incident": incident.id,
            "endpoint": incident.endpoint,
            "title": incident.title(),
            "trouble": incident.trouble,
            "severity": incident.severity,
            "whose": incident.whose,
            "before": before.map(|(trouble, severity)| json!({ "trouble": trouble, "severity": severity })),
            "began_at": incident.began_at,
            "opened_at": incident.opened_at,
            "closed_at": incident.closed.map(|closed| closed.at),
            "closed_because": incident.closed.map(|closed| closed.why),
            "reopened": incident.reopened,
            "owner": incident.owner,
            "checks": checks,
            "affected": incident.affected(),
            "changes": alert::changes(incident),
            "url": link(incident, external_url),
        },
    })
}

//! What is known of a conversation: the sum of its events, whatever their order and however often
//! each comes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Minute;
use super::mapping::{Evidence, Layer, Mapping};
use crate::check::endpoint::EndpointName;
use crate::event::AnalyticsEvent;
use crate::event::key::Key;
use crate::event::word::{Direction, Disconnect, FlowExit, Kind, Media, MessageType};

/// How a conversation went, for its customer, as far as technology is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ended as conversations do.
    Ok,
    /// It broke.
    Failed,
    /// It ended, and nobody says how; or the platform ended it.
    Unknown,
}

impl Outcome {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Failed, Self::Unknown];

    /// The word in labels and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Of a customer's part that ended so.
    fn of(end: Option<Disconnect>) -> Self {
        match end {
            None
            | Some(
                Disconnect::Unknown
                | Disconnect::System
                | Disconnect::Uncallable
                | Disconnect::Other,
            ) => Self::Unknown,
            Some(broken) if breaks(broken) => Self::Failed,
            Some(_) => Self::Ok,
        }
    }
}

/// Whether an end is a technical failure. A customer who left the queue is none.
fn breaks(end: Disconnect) -> bool {
    matches!(end, Disconnect::Error | Disconnect::TransportFailure | Disconnect::Timeout)
}

/// The facts of a conversation; two of them merge into one.
///
/// A merge is a join: its order, its grouping and repetitions make no difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The earliest event.
    begun: Timestamp,
    /// The latest event.
    last: Timestamp,
    /// The last end of the customer's part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<(Timestamp, Option<Disconnect>)>,
    /// The first technical failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<Timestamp>,
    /// The endpoint whose probe began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe: Option<Key>,
    /// Some event is of a web page's messenger or chat.
    #[serde(default, skip_serializing_if = "is_false")]
    web: bool,
    /// Some event is of a call, an e-mail, another messenger.
    #[serde(default, skip_serializing_if = "is_false")]
    elsewhere: bool,
    /// The contact centre began it.
    #[serde(default, skip_serializing_if = "is_false")]
    outbound: bool,
    /// Where it belongs.
    #[serde(default)]
    evidence: Evidence,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What a conversation adds to the windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// Whose user it was; none where nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointName>,
    /// By what that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
    /// When it began.
    pub begun: Minute,
    /// When it ended or failed, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<(Minute, Outcome)>,
}

impl Conversation {
    /// What one event tells; none where it is of no conversation.
    pub fn of(event: &AnalyticsEvent) -> Option<(&Key, Self)> {
        let id = event.conversation.as_ref()?;
        let at = event.at;
        let customers =
            matches!(event.kind, Kind::CustomerStart | Kind::CustomerEnd | Kind::Analytic);
        let ends = match event.kind {
            Kind::CustomerEnd => true,
            Kind::Analytic => event.disconnect.is_some(),
            _ => false,
        };
        let web =
            event.message == Some(MessageType::WebMessaging) || event.media == Some(Media::Chat);
        let other_media =
            matches!(event.media, Some(Media::Voice | Media::Email | Media::Callback));
        let other_message = event.message.is_some_and(|kind| kind != MessageType::WebMessaging);
        let facts = Self {
            begun: at,
            last: at,
            ended: ends.then_some((at, event.disconnect)),
            failed: fails(event).then_some(at),
            probe: event.probe.clone(),
            web,
            elsewhere: other_media || other_message,
            outbound: customers && event.direction == Some(Direction::Outbound),
            evidence: Evidence::of(event),
        };
        Some((id, facts))
    }

    /// Both together.
    pub fn merge(&mut self, other: Self) {
        self.begun = self.begun.min(other.begun);
        self.last = self.last.max(other.last);
        self.ended = self.ended.max(other.ended);
        self.failed = earlier(self.failed, other.failed);
        self.probe = earlier(self.probe.take(), other.probe);
        self.web |= other.web;
        self.elsewhere |= other.elsewhere;
        self.outbound |= other.outbound;
        self.evidence.merge(other.evidence);
    }

    /// When its latest event happened.
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// Whether it was a user of a web page who wrote.
    fn is_users(&self) -> bool {
        self.probe.is_none() && !self.outbound && (self.web || !self.elsewhere)
    }

    /// Where it belongs, also a probe's own.
    pub fn place(&self, mapping: &Mapping) -> (Option<EndpointName>, Option<Layer>) {
        if let Some(probe) = &self.probe {
            return (EndpointName::try_from(probe.to_string()).ok(), Some(Layer::Probe));
        }
        match mapping.place(&self.evidence) {
            Some((name, layer)) => (Some(name.clone()), Some(layer)),
            None => (None, None),
        }
    }

    /// What it adds to the windows; none where it is no user's.
    pub fn contribution(&self, mapping: &Mapping) -> Option<Contribution> {
        if !self.is_users() {
            return None;
        }
        let (endpoint, layer) = self.place(mapping);
        let ended = match (self.failed, self.ended) {
            (Some(at), _) => Some((Minute::of(at), Outcome::Failed)),
            (None, Some((at, end))) => Some((Minute::of(at), Outcome::of(end))),
            (None, None) => None,
        };
        Some(Contribution { endpoint, layer, begun: Minute::of(self.begun), ended })
    }
}

/// Whether an event tells of a technical failure. What breaks on an agent's side does not shut the
/// customer out.
fn fails(event: &AnalyticsEvent) -> bool {
    let flow =
        matches!(event.flow_exit, Some(FlowExit::FlowErrorDisconnect | FlowExit::FlowErrorExit));
    match event.kind {
        Kind::Undelivered => true,
        Kind::CustomerEnd | Kind::AcdEnd | Kind::FlowEnd | Kind::Analytic => {
            flow || event.disconnect.is_some_and(breaks)
        }
        _ => false,
    }
}

/// The lesser of what there is.
fn earlier<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests;

//! What the contact centre said, in one normal form, whichever way it came. Pure.
//!
//! Only what is named here is kept of an event: nothing in it tells who the person was.

mod bounds;
mod document;
pub mod fault;
pub mod key;
mod loose;
mod moment;
pub mod parse;
pub mod project;
mod reading;
#[cfg(test)]
mod tests;
pub mod topic;
pub mod word;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use key::{EventId, Key};
use word::{AcdOutcome, Direction, Disconnect, FlowExit, Kind, Media, MessageType};

/// One event.
///
/// Ids are the contact centre's own. Words that this program does not know are kept as `other`:
/// what is new there must not stop what is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyticsEvent {
    /// By what it is known again: the sender's id of it, or what makes it the only one.
    pub id: EventId,
    /// What happened.
    pub kind: Kind,
    /// When it happened, as the sender says; when it arrived, where that is not to be believed.
    pub at: Timestamp,
    /// The conversation in which it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Key>,
    /// A part in that conversation: the customer's, a flow's, an agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<Key>,
    /// The session of that part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Key>,
    /// Chat, message, voice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// Which kind of message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageType>,
    /// Who began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// The messenger deployment, where the event names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Key>,
    /// To what the customer wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_to: Option<Key>,
    /// The queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Key>,
    /// The Architect flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Key>,
    /// How a part of the conversation ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnect: Option<Disconnect>,
    /// What came of waiting in a queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acd_outcome: Option<AcdOutcome>,
    /// How a flow ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_exit: Option<FlowExit>,
    /// The endpoint whose probe began this conversation, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Key>,
    /// What was changed, where the event tells of a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

impl AnalyticsEvent {
    /// One of which nothing else is known.
    pub fn new(id: EventId, kind: Kind, at: Timestamp) -> Self {
        Self {
            id,
            kind,
            at,
            conversation: None,
            participant: None,
            session: None,
            media: None,
            message: None,
            direction: None,
            deployment: None,
            address_to: None,
            queue: None,
            flow: None,
            disconnect: None,
            acd_outcome: None,
            flow_exit: None,
            probe: None,
            change: None,
        }
    }
}

/// Somebody changed something at the contact centre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What was changed: the id of a deployment, a configuration, another entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Key>,
    /// What kind of thing that is, such as `Deployment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_type: Option<Key>,
    /// What was done to it, such as `Update` or `Publish`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Key>,
    /// The status or version that it has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Key>,
    /// The names of the properties that were changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Key>,
    /// The id of the user or client who did it; never a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Key>,
}

//! Every field that is read of a document, whichever shape it has. All else is passed over.

use serde::Deserialize;

use super::loose::{Loose, Objects, Plain};

/// An envelope or what is in one: which of them, its fields say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Document<'a> {
    // Of envelopes.
    #[serde(borrow)]
    pub specversion: Plain<'a>,
    #[serde(borrow)]
    pub id: Plain<'a>,
    #[serde(borrow)]
    pub source: Plain<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Plain<'a>,
    #[serde(borrow)]
    pub event: Plain<'a>,
    #[serde(borrow)]
    pub time: Plain<'a>,
    #[serde(borrow)]
    pub timestamp: Plain<'a>,
    #[serde(borrow, rename = "detail-type")]
    pub detail_type: Plain<'a>,
    #[serde(borrow)]
    pub topic_name: Plain<'a>,
    #[serde(borrow)]
    pub detail: Loose<'a, Document<'a>>,
    #[serde(borrow)]
    pub event_body: Loose<'a, Document<'a>>,
    #[serde(borrow)]
    pub data: Loose<'a, Document<'a>>,
    #[serde(borrow, rename = "data_base64")]
    pub data_base64: Plain<'a>,

    // Of a conversation.
    #[serde(borrow)]
    pub event_time: Plain<'a>,
    #[serde(borrow)]
    pub event_time_ms: Plain<'a>,
    #[serde(borrow)]
    pub conversation_id: Plain<'a>,
    #[serde(borrow)]
    pub participant_id: Plain<'a>,
    #[serde(borrow)]
    pub session_id: Plain<'a>,
    #[serde(borrow)]
    pub media_type: Plain<'a>,
    #[serde(borrow)]
    pub message_type: Plain<'a>,
    #[serde(borrow)]
    pub channel_type: Plain<'a>,
    #[serde(borrow)]
    pub direction: Plain<'a>,
    #[serde(borrow)]
    pub deployment_id: Plain<'a>,
    #[serde(borrow)]
    pub address_to: Plain<'a>,
    #[serde(borrow)]
    pub queue_id: Plain<'a>,
    #[serde(borrow)]
    pub flow_id: Plain<'a>,
    #[serde(borrow)]
    pub flow_outcome_id: Plain<'a>,
    #[serde(borrow)]
    pub disconnect_type: Plain<'a>,
    #[serde(borrow)]
    pub acd_outcome: Plain<'a>,
    #[serde(borrow)]
    pub exit_reason: Plain<'a>,
    #[serde(borrow)]
    pub attributes: Loose<'a, Attributes<'a>>,

    // Of a change.
    #[serde(borrow)]
    pub status: Plain<'a>,
    #[serde(borrow)]
    pub version: Plain<'a>,
    #[serde(borrow)]
    pub configuration: Loose<'a, Entity<'a>>,
    #[serde(borrow)]
    pub entity: Loose<'a, Entity<'a>>,
    #[serde(borrow)]
    pub entity_type: Plain<'a>,
    #[serde(borrow)]
    pub action: Plain<'a>,
    #[serde(borrow)]
    pub property_changes: Objects<PropertyChange<'a>>,
    #[serde(borrow)]
    pub user_id: Plain<'a>,
    #[serde(borrow)]
    pub client_id: Loose<'a, Entity<'a>>,

    // That they are there tells what happened; what they say is not kept.
    #[serde(borrow)]
    pub answered_user_id: Plain<'a>,
    #[serde(borrow)]
    pub routing_priority: Plain<'a>,
    #[serde(borrow)]
    pub requested_routing_skill_ids: Plain<'a>,
    #[serde(borrow)]
    pub skill_expression_applied: Plain<'a>,
    #[serde(borrow)]
    pub wrapup_code: Plain<'a>,
    #[serde(borrow)]
    pub interacting_duration_ms: Plain<'a>,
    #[serde(borrow)]
    pub voicemail_duration_ms: Plain<'a>,
    #[serde(borrow)]
    pub outbound_campaign_id: Plain<'a>,
    #[serde(borrow)]
    pub messages: Plain<'a>,
}

/// `attributes` of a participant: our own mark alone.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Attributes<'a> {
    #[serde(borrow)]
    pub watchpost: Plain<'a>,
}

/// What was changed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Entity<'a> {
    #[serde(borrow)]
    pub id: Plain<'a>,
    #[serde(borrow)]
    pub version: Plain<'a>,
}

/// One property that was changed: its name, and neither value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PropertyChange<'a> {
    #[serde(borrow)]
    pub property: Plain<'a>,
}

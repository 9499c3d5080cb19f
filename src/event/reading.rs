//! The body of an event, out of all envelopes.

use jiff::Timestamp;

use super::document::Document;
use super::fault::Fault;
use super::key::{EventId, Key};
use super::loose::{Loose, Plain};
use super::topic::Topic;
use super::word::{AcdOutcome, Direction, Disconnect, FlowExit, Kind, Media, MessageType};
use super::{AnalyticsEvent, Change};

/// Names of changed properties that are kept of one change.
const MAX_PROPERTIES: usize = 16;

/// Whether the first character of a document begins an object.
pub(super) fn is_object(document: &[u8]) -> bool {
    document.trim_ascii_start().first() == Some(&b'{')
}

/// A body, with what its envelopes told of it.
pub(super) struct Body<'d> {
    pub(super) document: &'d Document<'d>,
    pub(super) topic: Option<&'d str>,
    pub(super) health: bool,
}

impl<'d> Body<'d> {
    /// When it happened, as the body says.
    pub(super) fn time(&self) -> Option<&'d Plain<'d>> {
        let document = self.document;
        let times = [&document.event_time, &document.event_time_ms, &document.timestamp];
        times.into_iter().find(|time| time.is_there())
    }

    /// The event; its id is not made yet.
    pub(super) fn event(&self, at: Timestamp) -> Result<AnalyticsEvent, Fault> {
        let document = self.document;
        let topic = self.topic().map(Topic::read);
        let told = topic.filter(|topic| topic.official);
        let kind = if self.health && told.is_none() {
            Kind::Analytic
        } else {
            told.map(|topic| topic.kind).or_else(|| guess(document)).unwrap_or(Kind::Other)
        };
        let id_of_topic = topic.and_then(|topic| Key::new(topic.id?).ok());
        let of = |kinds: &[Kind]| id_of_topic.clone().filter(|_| kinds.contains(&kind));
        let conversation = key(&document.conversation_id);
        let known = topic.is_some() || conversation.is_some() || kind != Kind::Other;
        if !known
            && [&document.participant_id, &document.deployment_id]
                .iter()
                .all(|id| key(id).is_none())
        {
            return Err(Fault::Unknown);
        }
        let is_change = matches!(kind, Kind::Deployment | Kind::Configuration | Kind::Audit);
        let is_of_one = !is_change && !matches!(kind, Kind::Undelivered | Kind::Other);
        if is_of_one && conversation.is_none() && id_of_topic.is_none() {
            // A sender whose template lost the id would look well for days.
            return Err(Fault::Unknown);
        }
        let own = key(&document.id).filter(|_| kind == Kind::Deployment);
        let (media, message) = self.media();
        let direction = word(&document.direction, Direction::from_theirs);
        Ok(AnalyticsEvent {
            id: EventId::from_bytes([0; 16]),
            kind,
            at,
            conversation: match is_change || kind == Kind::Undelivered {
                true => conversation,
                false => conversation.or_else(|| id_of_topic.clone()),
            },
            participant: key(&document.participant_id),
            session: key(&document.session_id),
            media,
            message,
            direction,
            deployment: key(&document.deployment_id)
                .or(own)
                .or_else(|| of(&[Kind::Undelivered, Kind::Deployment])),
            address_to: self.address(direction),
            queue: key(&document.queue_id),
            flow: key(&document.flow_id),
            disconnect: word(&document.disconnect_type, Disconnect::from_theirs),
            acd_outcome: word(&document.acd_outcome, AcdOutcome::from_theirs),
            flow_exit: word(&document.exit_reason, FlowExit::from_theirs),
            probe: document.attributes.object().and_then(|attributes| key(&attributes.watchpost)),
            change: is_change.then(|| self.change(kind, topic)),
        })
    }

    /// By what it is known again where its sender gives it no id.
    pub(super) fn id(&self, event: &AnalyticsEvent, bytes: &[u8]) -> EventId {
        let document = self.document;
        let text = |field: &'d Plain<'d>| field.text().unwrap_or_default().as_bytes();
        let time = self.time();
        let millis = match time {
            Some(Plain::Number(millis)) => millis.to_le_bytes(),
            _ => [0; 8],
        };
        // Without these two, nothing tells it from the next one but all that is in it.
        let unique = document.conversation_id.text().is_some() && time.is_some();
        EventId::of([
            b"body".as_slice(),
            self.topic().unwrap_or_default().as_bytes(),
            event.kind.as_str().as_bytes(),
            text(&document.conversation_id),
            text(&document.participant_id),
            text(&document.session_id),
            &millis,
            time.map_or(b"", text),
            text(&document.flow_outcome_id),
            if unique { b"" } else { bytes },
        ])
    }

    /// What tells the kind: the body's own words first.
    fn topic(&self) -> Option<&'d str> {
        let document = self.document;
        document.topic_name.text().or_else(|| document.event.text()).or(self.topic)
    }

    fn media(&self) -> (Option<Media>, Option<MessageType>) {
        let document = self.document;
        let media = word(&document.media_type, Media::from_theirs);
        let message = word(&document.message_type, MessageType::from_theirs);
        // The seed documents' word for what was the web chat.
        match document.channel_type.text() {
            Some(text) if text.eq_ignore_ascii_case("webchat") => {
                (media.or(Some(Media::Chat)), message)
            }
            Some(text) if text.eq_ignore_ascii_case("webmessaging") => {
                (media.or(Some(Media::Message)), message.or(Some(MessageType::WebMessaging)))
            }
            _ => (media, message),
        }
    }

    /// To what the customer wrote. What the contact centre wrote to is the customer, and not kept;
    /// where it is not told who began, only an id is.
    fn address(&self, direction: Option<Direction>) -> Option<Key> {
        let address = key(&self.document.address_to)?;
        let kept = match direction {
            Some(Direction::Inbound) => true,
            Some(Direction::Outbound) => false,
            Some(Direction::Unknown | Direction::Other) | None => is_uuid(address.as_str()),
        };
        kept.then_some(address)
    }

    fn change(&self, kind: Kind, topic: Option<Topic<'_>>) -> Change {
        let document = self.document;
        let configuration = document.configuration.object();
        let client = match document.client_id.object() {
            Some(client) => key(&client.id),
            None => text_key(document.client_id.text()),
        };
        let by = key(&document.user_id).or(client);
        let properties = document.property_changes.0.iter();
        let properties = properties.filter_map(|change| key(&change.property));
        let entity = match kind {
            Kind::Audit => document.entity.object().and_then(|entity| key(&entity.id)),
            _ => key(&document.id),
        };
        let entity_type = match kind {
            Kind::Audit => key(&document.entity_type),
            Kind::Deployment => Key::new("Deployment").ok(),
            _ => Key::new("Configuration").ok(),
        };
        let version =
            || number_or_key(&document.version).or_else(|| number_or_key(&configuration?.version));
        Change {
            entity: entity.or_else(|| Key::new(topic?.id?).ok()),
            entity_type: entity_type.or_else(|| Key::new(topic?.entity_type?).ok()),
            action: key(&document.action),
            state: match kind {
                Kind::Configuration => version().or_else(|| key(&document.status)),
                _ => key(&document.status).or_else(version),
            },
            properties: properties.take(MAX_PROPERTIES).collect(),
            // An id is a UUID; whatever else may stand here may be a name.
            by: by.filter(|by| is_uuid(by.as_str())),
        }
    }
}

/// What happened, where nothing but the fields of a body tells it.
fn guess(document: &Document<'_>) -> Option<Kind> {
    let ended = document.disconnect_type.is_there();
    let queued = document.routing_priority.is_there()
        || document.requested_routing_skill_ids.is_there()
        || document.skill_expression_applied.is_there();
    let user = document.user_id.is_there();
    let kind = if document.attributes.object().is_some() {
        Kind::Attributes
    } else if matches!(document.messages, Loose::List) && document.deployment_id.is_there() {
        Kind::Undelivered
    } else if document.flow_outcome_id.is_there() {
        Kind::FlowOutcome
    } else if document.outbound_campaign_id.is_there() || document.voicemail_duration_ms.is_there()
    {
        Kind::Other
    } else if document.acd_outcome.is_there() || document.answered_user_id.is_there() {
        Kind::AcdEnd
    } else if document.exit_reason.is_there() || document.flow_id.is_there() && ended {
        Kind::FlowEnd
    } else if document.flow_id.is_there() {
        Kind::FlowStart
    } else if document.wrapup_code.is_there() {
        if user { Kind::Acw } else { Kind::Wrapup }
    } else if document.entity.object().is_some() && document.action.is_there() {
        Kind::Audit
    } else if user {
        if ended { Kind::UserEnd } else { Kind::UserStart }
    } else if queued || document.queue_id.is_there() {
        if ended { Kind::AcdEnd } else { Kind::AcdStart }
    } else if ended || document.interacting_duration_ms.is_there() {
        Kind::CustomerEnd
    } else if document.conversation_id.is_there() {
        // The other bodies that look like this one are of conversations that go on.
        if document.media_type.is_there() { Kind::CustomerStart } else { Kind::Other }
    } else if document.id.is_there() && document.status.is_there() {
        let deployment = document.configuration.object().is_some();
        if deployment { Kind::Deployment } else { Kind::Configuration }
    } else {
        return None;
    };
    Some(kind)
}

fn key(field: &Plain<'_>) -> Option<Key> {
    text_key(field.text())
}

fn text_key(text: Option<&str>) -> Option<Key> {
    Key::new(text?).ok()
}

/// A version is a number here and a text there.
fn number_or_key(field: &Plain<'_>) -> Option<Key> {
    match field {
        Plain::Number(number) => Key::new(&number.to_string()).ok(),
        field => key(field),
    }
}

fn word<T>(field: &Plain<'_>, read: fn(&str) -> T) -> Option<T> {
    field.text().map(read)
}

fn is_uuid(text: &str) -> bool {
    let parts = [8, 4, 4, 4, 12];
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split('-').map(str::len).eq(parts) && text.split('-').all(hex)
}

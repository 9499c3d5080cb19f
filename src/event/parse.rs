//! Bytes, and the few headers that matter, to an event: whichever of the shapes they have.
//!
//! Shapes are told apart by what is in them, not by what a header calls them, and may lie in each
//! other: a CloudEvent may carry an EventBridge envelope, which carries a notification frame.

use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;

use super::AnalyticsEvent;
use super::bounds;
use super::document::Document;
use super::fault::Fault;
use super::key::EventId;
use super::loose::Plain;
use super::moment::Moment;
use super::reading::{Body, is_object};

/// Envelopes in each other; more is no envelope that anybody sends.
const MAX_ENVELOPES: usize = 6;

/// Headers that tell something of an event. None is needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    /// `webhook-id` of Standard Webhooks.
    pub webhook_id: Option<&'a str>,
    /// `X-Webchat-Health: true`, with which the seed documents have their event sent.
    pub webchat_health: bool,
    /// A CloudEvent in binary mode.
    pub cloud_event: Option<CloudEvent<'a>>,
}

/// `ce-*` headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CloudEvent<'a> {
    /// `ce-id`
    pub id: &'a str,
    /// `ce-source`
    pub source: &'a str,
    /// `ce-type`
    pub kind: &'a str,
    /// `ce-time`
    pub time: Option<&'a str>,
}

/// An event, and what is known of it that is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The event.
    pub event: AnalyticsEvent,
    /// Whether its sender told a time that nobody can believe.
    pub time_corrected: bool,
}

/// What envelopes told of their content, the innermost last.
#[derive(Default)]
struct Told<'d> {
    id: Option<EventId>,
    topic: Option<&'d str>,
    sent: Option<&'d Plain<'d>>,
}

/// Reads one event that arrived at `now`.
pub fn parse(headers: &Headers<'_>, body: &[u8], now: Timestamp) -> Result<Parsed, Fault> {
    let document = read(body)?;
    let time = headers.cloud_event.and_then(|event| event.time);
    let time = time.map_or(Plain::Absent, |time| Plain::Text(time.into()));
    let mut told = Told::default();
    if let Some(event) = headers.cloud_event {
        told.id = Some(cloud_id(event.source, event.id));
        told.topic = Some(event.kind);
        told.sent = Some(&time).filter(|time| time.is_there());
    }
    open(headers, body, &document, told, now, MAX_ENVELOPES)
}

/// Reads one event of which a signature covers the body, and of the headers only those `signed`.
///
/// The others may tell what it is, and not by what it is known again: whoever captured it could
/// have it stored once more for each header that they make up.
pub fn parse_signed(
    headers: &Headers<'_>,
    signed: &Headers<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<Parsed, Fault> {
    let Parsed { mut event, time_corrected } = parse(headers, body, now)?;
    if headers != signed {
        event.id = match parse(signed, body, now) {
            Ok(parsed) => parsed.event.id,
            Err(_) => EventId::of([b"signed".as_slice(), body]),
        };
    }
    Ok(Parsed { event, time_corrected })
}

fn read(body: &[u8]) -> Result<Document<'_>, Fault> {
    bounds::check(body)?;
    if !is_object(body) {
        let json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
        return Err(if json { Fault::NotObject } else { Fault::NotJson });
    }
    serde_json::from_slice(body).map_err(|_| Fault::NotJson)
}

/// Opens envelopes until there is none around the body.
fn open<'d>(
    headers: &Headers<'_>,
    bytes: &[u8],
    mut document: &'d Document<'d>,
    mut told: Told<'d>,
    now: Timestamp,
    envelopes: usize,
) -> Result<Parsed, Fault> {
    for left in (0..envelopes).rev() {
        let inner = if document.specversion.is_there() {
            let [source, id] = [&document.source, &document.id].map(Plain::text);
            let id = id.map(|id| cloud_id(source.unwrap_or_default(), id));
            told.enter(id, &document.kind, &document.time);
            if document.data.object().is_none() {
                return open_text(headers, document, &told, now, left);
            }
            document.data.object()
        } else if document.detail_type.is_there() || document.detail.object().is_some() {
            let id = document.id.text();
            let id = id.map(|id| EventId::of([b"eventbridge".as_slice(), id.as_bytes()]));
            told.enter(id, &document.detail_type, &document.time);
            document.detail.object()
        } else if document.event_body.is_there() {
            told.enter(None, &document.topic_name, &document.timestamp);
            document.event_body.object()
        } else if document.data.object().is_some() && !document.conversation_id.is_there() {
            // As the payloads of Standard Webhooks are built.
            told.enter(None, &document.kind, &document.timestamp);
            document.data.object()
        } else {
            break;
        };
        document = inner.ok_or(Fault::Empty)?;
    }
    let webhook = headers.webhook_id.filter(|id| !id.is_empty());
    let webhook = webhook.map(|id| EventId::of([b"standard-webhooks".as_slice(), id.as_bytes()]));
    let body = Body { document, topic: told.topic, health: headers.webchat_health };
    let moment_told = body.time().or(told.sent);
    let moment = Moment::believed(moment_told, now);
    let event = body.event(moment.at)?;
    let id = told.id.or(webhook).unwrap_or_else(|| body.id(&event, bytes));
    Ok(Parsed { event: AnalyticsEvent { id, ..event }, time_corrected: moment.corrected })
}

/// `data` of a CloudEvent that is a text, with JSON in it, or such a text in base64.
fn open_text(
    headers: &Headers<'_>,
    document: &Document<'_>,
    told: &Told<'_>,
    now: Timestamp,
    envelopes: usize,
) -> Result<Parsed, Fault> {
    let decoded;
    let bytes = match (document.data.text(), document.data_base64.text()) {
        (Some(text), _) => text.as_bytes(),
        (None, Some(text)) => {
            decoded = BASE64_STANDARD.decode(text).map_err(|_| Fault::Empty)?;
            &decoded
        }
        (None, None) => return Err(Fault::Empty),
    };
    let inner = read(bytes)?;
    // What was told so far is of a longer life than what is in this text.
    let told = Told { id: told.id, topic: told.topic, sent: told.sent };
    open(headers, bytes, &inner, told, now, envelopes)
}

fn cloud_id(source: &str, id: &str) -> EventId {
    EventId::of([b"cloudevents".as_slice(), source.as_bytes(), id.as_bytes()])
}

impl<'d> Told<'d> {
    /// The id of the outermost envelope is the sender's; what is further in tells more of the rest.
    fn enter(&mut self, id: Option<EventId>, topic: &'d Plain<'d>, sent: &'d Plain<'d>) {
        self.id = self.id.or(id);
        self.topic = topic.text().or(self.topic);
        self.sent = Some(sent).filter(|sent| sent.is_there()).or(self.sent);
    }
}

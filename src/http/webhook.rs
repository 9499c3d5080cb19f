//! Receivers of events. A 2xx means that the event is on disk.
//!
//! What costs least is asked first: the method, the size that is announced, who posts. Nothing is
//! made of a body before its sender is known, and nothing is read of it where a key says no.

pub mod answer;
mod body;
mod meters;
mod rate;

use std::sync::Arc;

use ::metrics::counter;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method};
use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use super::signature::{self, Claim, Sender, WEBHOOK_ID, single};
use super::{ANSWER_TIMEOUT, Context, reload};
use crate::clock;
use crate::event::fault::Fault;
use crate::event::key::Key;
use crate::event::parse::{CloudEvent, Headers, Parsed, parse_signed};
use crate::event::project::project;
use crate::inbox::meters::Received;
use crate::inbox::{Arrival, DeadLetter, Inbox, Stored};
use crate::receiver::{Auth, Receiver};
use answer::Rejection;
use meters::Meters;
use rate::Rate;

const WEBCHAT_HEALTH: HeaderName = HeaderName::from_static("x-webchat-health");
const CE_SPECVERSION: HeaderName = HeaderName::from_static("ce-specversion");
const CE_ID: HeaderName = HeaderName::from_static("ce-id");
const CE_SOURCE: HeaderName = HeaderName::from_static("ce-source");
const CE_TYPE: HeaderName = HeaderName::from_static("ce-type");
const CE_TIME: HeaderName = HeaderName::from_static("ce-time");

/// The receivers of a config, with what they count.
#[derive(Debug, Clone, Default)]
pub struct Receivers(Arc<[Arc<Door>]>);

/// A receiver that is served.
#[derive(Debug)]
struct Door {
    receiver: Arc<Receiver>,
    rate: Rate,
    meters: Meters,
}

impl Receivers {
    /// Those of a config; their rates begin anew.
    pub fn new(receivers: &[Arc<Receiver>]) -> Self {
        let door = |receiver: &Arc<Receiver>| {
            Arc::new(Door {
                rate: Rate::new(receiver.max_rate, Instant::now()),
                meters: Meters::new(&receiver.name),
                receiver: receiver.clone(),
            })
        };
        Self(receivers.iter().map(door).collect())
    }

    fn at(&self, path: &str) -> Option<Arc<Door>> {
        self.0.iter().find(|door| door.receiver.path == path).cloned()
    }
}

/// Answers a request to a receiver, and passes on every other.
///
/// In front of the routes, as paths change with the config; and of their layers, which are made
/// for small requests and large answers.
pub async fn divert(State(context): State<Context>, request: Request, next: Next) -> Response {
    let door = context.settings.borrow().receivers.at(request.uri().path());
    let Some(door) = door else { return next.run(request).await };
    let response = match door.take_in(&context.inbox, request).await {
        Ok(stored) => answer::stored(stored),
        Err(rejection) => {
            door.meters.rejected(rejection);
            rejection.into_response()
        }
    };
    let code = response.status().as_str().to_owned();
    counter!("watchpost_http_requests_total", "handler" => "receiver", "code" => code).increment(1);
    response
}

impl Door {
    async fn take_in(&self, inbox: &Inbox, request: Request) -> Result<Stored, Rejection> {
        let begun = Instant::now();
        let (head, body) = request.into_parts();
        let open = matches!(self.receiver.auth, Auth::Open);
        if head.method != Method::POST {
            return Err(Rejection::Method);
        }
        if open && reload::comes_from_a_page(&head.headers) {
            return Err(Rejection::Page);
        }
        if body.size_hint().lower() > body::MAX_BYTES as u64 {
            return Err(Rejection::TooLarge);
        }
        let sender = signature::sender(&self.receiver.auth, &head.headers, clock::now());
        match sender {
            Sender::Known => self.has_room(begun)?,
            Sender::Claimed(_) => {}
            Sender::Unknown => return Err(Rejection::Unauthenticated),
            Sender::Stale => return Err(Rejection::Stale),
        }
        let bytes = body::read(body, begun).await?;
        let told = telling(&head.headers);
        // Whoever has a key may say what they like.
        let mut signed = told;
        if let Sender::Claimed(claims) = sender {
            // All of them, so that the time tells nothing.
            let held: Vec<_> = claims.iter().filter(|claim| claim.holds(&bytes)).collect();
            if held.is_empty() {
                return Err(Rejection::Unauthenticated);
            }
            let with_id = held.iter().any(|claim| matches!(claim, Claim::Standard { .. }));
            let webhook_id = told.webhook_id.filter(|_| with_id);
            signed = Headers { webhook_id, ..Headers::default() };
            self.has_room(Instant::now())?;
        }
        if head.headers.contains_key(CONTENT_ENCODING) {
            return Err(Rejection::Encoded);
        }
        let received_at = clock::now();
        match parse_signed(&told, &signed, &bytes, received_at) {
            Ok(parsed) => self.keep(inbox, parsed, received_at).await,
            Err(fault) => {
                let letter = self.letter(received_at, fault, &head.headers, &bytes);
                self.bury(inbox, letter).await;
                Err(Rejection::NoEvent(fault))
            }
        }
    }

    /// After the sender is known: strangers must not use up the room of those who may post.
    fn has_room(&self, now: Instant) -> Result<(), Rejection> {
        self.rate.admit(now).map_err(Rejection::Rate)
    }

    async fn keep(
        &self,
        inbox: &Inbox,
        parsed: Parsed,
        received_at: Timestamp,
    ) -> Result<Stored, Rejection> {
        let Parsed { event, time_corrected } = parsed;
        let (kind, at, receiver) = (event.kind, event.at, self.receiver.name.clone());
        let arrival = Arrival { receiver, received_at, event };
        let stored = timeout(ANSWER_TIMEOUT, inbox.store(arrival)).await;
        // The sender keeps it; should it be kept here after all, its next try is a duplicate.
        let stored = stored.map_err(|_| Rejection::Unsure)?.map_err(Rejection::NotKept)?;
        self.meters.received(Received { kind, at, time_corrected, received_at, stored });
        Ok(stored)
    }

    /// What cannot be read is set aside for whoever looks into it: what could have been part of an
    /// event, and no more. Its sender is not told whether that worked.
    async fn bury(&self, inbox: &Inbox, letter: DeadLetter) {
        let buried = timeout(ANSWER_TIMEOUT, inbox.bury(letter)).await;
        if !matches!(buried, Ok(Ok(()))) {
            tracing::warn!(receiver = %self.receiver.name, "a dead letter is lost");
        }
    }

    fn letter(
        &self,
        received_at: Timestamp,
        fault: Fault,
        headers: &HeaderMap,
        bytes: &[u8],
    ) -> DeadLetter {
        let content_type = single(headers, &CONTENT_TYPE).and_then(|text| text.split(';').next());
        DeadLetter {
            receiver: self.receiver.name.clone(),
            received_at,
            fault: format!("{fault}, {} bytes: {}", bytes.len(), fault.help()),
            content_type: content_type
                .and_then(|text| Key::new(text).ok())
                .map(|key| key.to_string()),
            body: project(bytes).unwrap_or_default(),
        }
    }
}

/// What the headers tell of an event.
fn telling(headers: &HeaderMap) -> Headers<'_> {
    let text = |name: &HeaderName| single(headers, name);
    let cloud_event = text(&CE_SPECVERSION).and_then(|_| {
        let id = text(&CE_ID)?;
        let (source, kind) = (text(&CE_SOURCE).unwrap_or(""), text(&CE_TYPE).unwrap_or(""));
        Some(CloudEvent { id, source, kind, time: text(&CE_TIME) })
    });
    Headers {
        webhook_id: text(&WEBHOOK_ID),
        webchat_health: text(&WEBCHAT_HEALTH).is_some_and(|on| on.eq_ignore_ascii_case("true")),
        cloud_event,
    }
}

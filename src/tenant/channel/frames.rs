//! Frames with events: read as those of receivers are, and stored.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::timeout;

use super::RECEIVER;
use super::meters::Meters;
use crate::event::AnalyticsEvent;
use crate::event::fault::Fault;
use crate::event::key::{EventId, Key};
use crate::event::parse::{Headers, Parsed, parse};
use crate::event::project::project;
use crate::genesys::audit::Entry;
use crate::genesys::channel::queue::Conversations;
use crate::genesys::channel::transition;
use crate::inbox::meters::Received;
use crate::inbox::{Arrival, DeadLetter, Inbox, Refused, Stored};
use crate::tenant::{Desk, audits};

/// Events that wait for the disk; while there are as many, nothing more is read.
const MAX_WAITING: usize = 256;

/// Longest that those which wait are waited for once the socket is lost.
const LAST: Duration = Duration::from_secs(5);

/// Transitions that are remembered of a socket: a queue's topic tells all of a conversation at each
/// change of it. What is forgotten, the inbox knows again.
const MAX_TOLD: usize = 16_384;

type Storing = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>>;

/// Takes frames in.
pub struct Taker {
    desk: Desk,
    meters: Meters,
    receiver: Arc<str>,
    waiting: FuturesUnordered<Storing>,
    /// Whatever is not stored ends the socket, and this with it.
    told: HashSet<EventId>,
    refused: bool,
}

impl Taker {
    /// One that stores what it takes in.
    pub fn new(desk: Desk, meters: Meters) -> Self {
        let waiting = FuturesUnordered::new();
        let (receiver, told) = (RECEIVER.into(), HashSet::new());
        Self { desk, meters, receiver, waiting, told, refused: false }
    }

    /// Whether more may be read.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < MAX_WAITING
    }

    /// Whether all that came is stored.
    pub fn is_whole(&self) -> bool {
        self.waiting.is_empty() && !self.refused
    }

    /// Whether something could not be stored: whatever follows must not be taken for all there was.
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// Takes in a frame with an event.
    pub async fn take(&mut self, topic: &Key, text: String, now: Timestamp) {
        if topic.as_str().starts_with("v2.audits.") {
            tell_audit(&self.desk, &text).await;
        }
        match Conversations::of(topic) {
            Some(conversations) => match conversations.frames(&text, now) {
                Some(frames) => frames.iter().for_each(|frame| self.take_again(frame, now)),
                None => self.bury(Fault::Unknown, &text, now),
            },
            None => match parse(&Headers::default(), text.as_bytes(), now).map(known_again) {
                Ok(parsed) => self.store(parsed, now, true),
                Err(fault) => self.bury(fault, &text, now),
            },
        }
    }

    /// Takes in what may have been told before, and is no news then.
    fn take_again(&mut self, frame: &Value, now: Timestamp) {
        let Some(parsed) = read_again(frame, now) else { return };
        if self.told.len() >= MAX_TOLD {
            self.told.clear();
        }
        if self.told.insert(parsed.event.id) {
            self.store(parsed, now, false);
        }
    }

    fn store(&self, parsed: Parsed, now: Timestamp, counts_again: bool) {
        let (inbox, meters) = (self.desk.inbox.clone(), self.meters.clone());
        let arrival = (self.receiver.clone(), now);
        self.waiting.push(store(inbox, meters, arrival, parsed, counts_again));
    }

    fn bury(&self, fault: Fault, text: &str, now: Timestamp) {
        let letter = DeadLetter {
            receiver: self.receiver.clone(),
            received_at: now,
            fault: format!("{fault}, {} bytes: {}", text.len(), fault.help()),
            content_type: None,
            body: project(text.as_bytes()).unwrap_or_default(),
        };
        self.waiting.push(bury(self.desk.inbox.clone(), letter));
    }

    /// Waits for one of those that wait; for ever, where none does.
    pub async fn settle(&mut self) {
        match self.waiting.next().await {
            Some(Ok(())) => {}
            Some(Err(refused)) => self.refuse(refused),
            None => std::future::pending().await,
        }
    }

    /// Waits for all that wait.
    pub async fn finish(&mut self) {
        let all = async {
            while let Some(stored) = self.waiting.next().await {
                self.refused |= stored.is_err();
            }
        };
        timeout(LAST, all).await.ok();
    }

    fn refuse(&mut self, refused: Refused) {
        if !self.refused {
            tracing::warn!("an event of the notification channel is not stored: {refused}");
        }
        self.refused = true;
    }
}

/// An entry of the audit log, with what was before and is now: an event keeps neither.
async fn tell_audit(desk: &Desk, text: &str) {
    let frame: Option<Value> = serde_json::from_str(text).ok();
    let entry = frame.as_ref().and_then(|frame| Entry::read(frame.get("eventBody")?));
    if let Some(entry) = entry {
        audits::tell(desk, &entry).await;
    }
}

/// What was told may be told again by others: it has the id that all of them give it.
fn known_again(parsed: Parsed) -> Parsed {
    let Parsed { event, time_corrected } = parsed;
    let id = transition::id(&event).unwrap_or(event.id);
    Parsed { event: AnalyticsEvent { id, ..event }, time_corrected }
}

/// Reads what was made of something else. What is too old to be believed is no news: a
/// conversation may go on for weeks, and is told of whole.
fn read_again(frame: &Value, now: Timestamp) -> Option<Parsed> {
    let bytes = serde_json::to_vec(frame).ok()?;
    let parsed = parse(&Headers::default(), &bytes, now).ok()?;
    (!parsed.time_corrected).then(|| known_again(parsed))
}

/// Stores one, and counts it as receivers do.
fn store(
    inbox: Inbox,
    meters: Meters,
    (receiver, received_at): (Arc<str>, Timestamp),
    parsed: Parsed,
    counts_again: bool,
) -> Storing {
    Box::pin(async move {
        let Parsed { event, time_corrected } = parsed;
        let (kind, at) = (event.kind, event.at);
        let stored = inbox.store(Arrival { receiver, received_at, event }).await?;
        if counts_again || stored == Stored::New {
            meters.received(Received { kind, at, time_corrected, received_at, stored });
        }
        Ok(())
    })
}

/// One that is lost is no event: nothing waits for it.
fn bury(inbox: Inbox, letter: DeadLetter) -> Storing {
    Box::pin(async move {
        if inbox.bury(letter).await.is_err() {
            tracing::warn!(receiver = RECEIVER, "a dead letter is lost");
        }
        Ok(())
    })
}

/// Stores one that was missed; says whether it was new.
pub async fn store_late(
    desk: &Desk,
    meters: &Meters,
    frame: &Value,
    now: Timestamp,
) -> Result<bool, Refused> {
    let Some(Parsed { event, time_corrected }) = read_again(frame, now) else {
        return Ok(false);
    };
    let (kind, at) = (event.kind, event.at);
    let arrival = Arrival { receiver: RECEIVER.into(), received_at: now, event };
    let stored = desk.inbox.store(arrival).await?;
    if stored == Stored::New {
        meters.received(Received { kind, at, time_corrected, received_at: now, stored });
    }
    Ok(stored == Stored::New)
}

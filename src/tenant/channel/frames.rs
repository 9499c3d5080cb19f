//! Frames with events: read as those of receivers are, and stored.

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
use crate::event::key::Key;
use crate::event::parse::{Headers, Parsed, parse};
use crate::event::project::project;
use crate::genesys::audit::Entry;
use crate::inbox::meters::Received;
use crate::inbox::{Arrival, DeadLetter, Inbox, Refused, Stored};
use crate::tenant::{Desk, audits};

/// Events that wait for the disk; while there are as many, nothing more is read.
const MAX_WAITING: usize = 256;

/// Longest that those which wait are waited for once the socket is lost.
const LAST: Duration = Duration::from_secs(5);

type Storing = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>>;

/// Takes frames in.
pub struct Taker {
    desk: Desk,
    meters: Meters,
    receiver: Arc<str>,
    waiting: FuturesUnordered<Storing>,
    refused: bool,
}

impl Taker {
    /// One that stores what it takes in.
    pub fn new(desk: Desk, meters: Meters) -> Self {
        let waiting = FuturesUnordered::new();
        Self { desk, meters, receiver: RECEIVER.into(), waiting, refused: false }
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
        let (inbox, receiver) = (self.desk.inbox.clone(), self.receiver.clone());
        let storing = match parse(&Headers::default(), text.as_bytes(), now) {
            Ok(parsed) => store(inbox, self.meters.clone(), receiver, parsed, now),
            Err(fault) => {
                let letter = DeadLetter {
                    receiver,
                    received_at: now,
                    fault: format!("{fault}, {} bytes: {}", text.len(), fault.help()),
                    content_type: None,
                    body: project(text.as_bytes()).unwrap_or_default(),
                };
                bury(inbox, letter)
            }
        };
        self.waiting.push(storing);
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

/// Stores one, and counts it as receivers do.
fn store(
    inbox: Inbox,
    meters: Meters,
    receiver: Arc<str>,
    parsed: Parsed,
    received_at: Timestamp,
) -> Storing {
    Box::pin(async move {
        let Parsed { event, time_corrected } = parsed;
        let (kind, at) = (event.kind, event.at);
        let stored = inbox.store(Arrival { receiver, received_at, event }).await?;
        meters.received(Received { kind, at, time_corrected, received_at, stored });
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
    let Ok(bytes) = serde_json::to_vec(frame) else { return Ok(false) };
    let Ok(Parsed { event, time_corrected }) = parse(&Headers::default(), &bytes, now) else {
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

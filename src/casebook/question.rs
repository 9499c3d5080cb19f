//! What the casebook is asked, and its answers.

pub mod arrivals;
pub mod correlations;
pub mod events;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use super::archive::Filter;
use super::changes::{self, ChangeFilter, Changes};
use super::drills::{self, Delivery};
use super::numbers::Numbers;
use super::{Casebook, Message};
use crate::check::endpoint::EndpointName;
use crate::incident::ChangeEvent;
use crate::incident::id::IncidentId;
use crate::incident::record::Incident;
use arrivals::Arrivals;
use correlations::{Correlations, WindowsAsked};
use events::{Events, EventsAsked};

/// Most rows of an answer.
pub const MAX_ROWS: usize = 1000;

/// A question, with where the answer goes.
#[derive(Debug)]
pub enum Question {
    /// The newest events. None where the file cannot be read.
    Events(EventsAsked, oneshot::Sender<Option<Events>>),
    /// The newest windows. None where no such endpoint takes users.
    Correlations(WindowsAsked, oneshot::Sender<Option<Correlations>>),
    /// Whether events arrive for all endpoints, or one, at this moment. None where the file cannot be
    /// read.
    Arrivals(Option<EndpointName>, Timestamp, oneshot::Sender<Option<Arrivals>>),
    /// Incidents; none where the file cannot be read, here and below.
    Incidents(Filter, oneshot::Sender<Option<Vec<Incident>>>),
    /// One of them, if there is one of that id.
    Incident(IncidentId, oneshot::Sender<Option<Option<Incident>>>),
    /// Changes.
    Changes(ChangeFilter, oneshot::Sender<Option<Changes>>),
    /// What became of what was to be told of a drill.
    Deliveries(IncidentId, oneshot::Sender<Option<Vec<Delivery>>>),
    /// A bundle of its evidence, if there is one of that number.
    Evidence(IncidentId, u32, oneshot::Sender<Option<Option<String>>>),
}

/// Readers' side of the casebook.
#[derive(Debug, Clone)]
pub struct Asker {
    messages: mpsc::Sender<Message>,
    numbers: watch::Receiver<Arc<Numbers>>,
}

impl Asker {
    /// One that asks through this channel, and finds what is counted in that one.
    pub fn new(messages: mpsc::Sender<Message>, numbers: watch::Receiver<Arc<Numbers>>) -> Self {
        Self { messages, numbers }
    }

    /// Asks; `None` once the casebook has ended.
    pub async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        self.messages.send(Message::Ask(question(sender))).await.ok()?;
        answer.await.ok()
    }

    /// Tells of something that was changed; nobody hears it once the casebook has ended.
    pub async fn tell(&self, change: ChangeEvent) {
        self.messages.send(Message::Changed(change)).await.ok();
    }

    /// What is counted; at once, whatever the casebook is doing.
    pub fn numbers(&self) -> Arc<Numbers> {
        self.numbers.borrow().clone()
    }
}

impl Casebook {
    pub(super) fn answer(&mut self, question: Question) {
        // Whoever asked may have gone away meanwhile.
        match question {
            Question::Events(asked, answer) => {
                let events = self.windows.events(&self.reader, asked);
                let said = events.inspect_err(|error| tracing::error!(%error, "events"));
                answer.send(said.ok()).ok();
            }
            Question::Correlations(asked, answer) => {
                answer.send(self.windows.correlations(&asked)).ok();
            }
            Question::Arrivals(endpoint, now, answer) => {
                let arrivals = self.windows.arrivals(&self.reader, endpoint.as_ref(), now);
                answer.send(readable(arrivals)).ok();
            }
            Question::Incidents(filter, answer) => {
                let incidents = self.incidents.list(&self.reader, &filter);
                answer.send(readable(incidents)).ok();
            }
            Question::Incident(id, answer) => {
                let incident = self.incidents.find(&self.reader, &id);
                answer.send(readable(incident)).ok();
            }
            Question::Changes(filter, answer) => {
                let changes = changes::list(self.reader.connection(), &filter);
                answer.send(readable(changes)).ok();
            }
            Question::Deliveries(id, answer) => {
                let deliveries = drills::deliveries(self.reader.connection(), &id);
                answer.send(readable(deliveries)).ok();
            }
            Question::Evidence(id, n, answer) => {
                let bundle = self.incidents.evidence(&self.reader, &id, n);
                answer.send(readable(bundle)).ok();
            }
        }
    }
}

/// What was read; the log tells why nothing could be.
fn readable<T>(read: rusqlite::Result<T>) -> Option<T> {
    read.inspect_err(|error| tracing::error!(%error, "the events file cannot be read")).ok()
}

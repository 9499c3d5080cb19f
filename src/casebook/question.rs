//! What the casebook is asked, and its answers.

pub mod correlations;
pub mod events;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::numbers::Numbers;
use super::{Casebook, Message};
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
        }
    }
}

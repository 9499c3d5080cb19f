//! What the casebook is asked, and its answers.

use tokio::sync::{mpsc, oneshot};

use super::{Casebook, Message};
use crate::inbox::reader::StoredEvent;

/// A question, with where the answer goes.
#[derive(Debug)]
pub enum Question {
    /// The newest events.
    Events(usize, oneshot::Sender<Vec<StoredEvent>>),
}

/// Readers' side of the casebook.
#[derive(Debug, Clone)]
pub struct Asker(mpsc::Sender<Message>);

impl Asker {
    /// One that asks through this channel.
    pub fn new(messages: mpsc::Sender<Message>) -> Self {
        Self(messages)
    }

    /// Asks; `None` once the casebook has ended.
    pub async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        self.0.send(Message::Ask(question(sender))).await.ok()?;
        answer.await.ok()
    }
}

impl Casebook {
    pub(super) fn answer(&mut self, question: Question) {
        match question {
            Question::Events(_, answer) => {
                // Whoever asked may have gone away meanwhile.
                answer.send(Vec::new()).ok();
            }
        }
    }
}

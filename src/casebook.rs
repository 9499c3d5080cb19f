//! The casebook: conversations, windows, incidents and changes; the thread that owns them.
//!
//! It hears of runs from the recorder, and reads events out of the inbox's file in their order of
//! arrival. What it makes of them is written by the inbox's writer in one transaction with how far
//! it came: after a crash it goes on exactly there. Nobody waits for it but those who ask it.

mod incidents;
pub mod question;
mod windows;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::check::Check;
use crate::clock;
use crate::inbox::reader::Reader;
use crate::inbox::{Inbox, InboxError};
use crate::incident::ChangeEvent;
use crate::record::told::News;
use incidents::Incidents;
use question::Question;
use windows::Windows;

/// Messages that wait. What finds no room is lost and counted: a run is one of many.
pub const QUEUED_MESSAGES: usize = 65_536;

/// Events that are taken up at a time.
const BATCH_EVENTS: usize = 2000;

/// Time between looks at the inbox.
const STEP_EVERY: Duration = Duration::from_millis(250);

/// What the casebook takes in.
#[derive(Debug)]
pub enum Message {
    /// What the recorder tells.
    News(News),
    /// Somebody changed something.
    Changed(ChangeEvent),
    /// Somebody wants to know something.
    Ask(Question),
}

/// The casebook, before its thread.
#[derive(Debug)]
pub struct Casebook {
    reader: Reader,
    inbox: Inbox,
    /// The last event that something was made of.
    through: u64,
    windows: Windows,
    incidents: Incidents,
}

impl Casebook {
    /// Takes up where the file left off.
    pub fn open(path: &Path, inbox: Inbox, checks: &[Arc<Check>]) -> Result<Self, InboxError> {
        let reader = Reader::open(path)?;
        let through = reader.through()?;
        let now = clock::now();
        let windows = Windows::restore(&reader, checks, now)?;
        let incidents = Incidents::restore(&reader, checks, now)?;
        Ok(Self { reader, inbox, through, windows, incidents })
    }

    /// Starts the thread; it ends when every sender of `messages` is gone.
    pub fn spawn(self, messages: mpsc::Receiver<Message>) -> io::Result<JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        thread::Builder::new()
            .name("casebook".to_owned())
            .spawn(move || runtime.block_on(self.serve(messages)))
    }

    /// The only task of its runtime: what it does may block.
    async fn serve(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut step_at = Instant::now() + STEP_EVERY;
        loop {
            let wait = step_at.saturating_duration_since(Instant::now());
            match timeout(wait, messages.recv()).await {
                Ok(Some(message)) => self.take(message),
                Ok(None) => break,
                Err(_) => {}
            }
            if Instant::now() >= step_at {
                self.step(clock::now()).await;
                step_at = Instant::now() + STEP_EVERY;
            }
        }
        self.step(clock::now()).await;
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::News(News::Run(told)) => {
                self.windows.told(&told);
                self.incidents.told(*told);
            }
            Message::News(News::Checks(checks)) => {
                self.windows.change(&checks);
                self.incidents.change(&checks);
            }
            Message::News(News::Blind(why)) => self.incidents.blind(why),
            Message::Changed(change) => self.incidents.changed(change),
            Message::Ask(question) => self.answer(question),
        }
    }

    /// Takes up what has arrived, judges what is due, and has it written.
    async fn step(&mut self, now: Timestamp) {
        // The writer may have found the file broken, and begun another.
        if let Err(error) = self.reader.follow() {
            tracing::error!(%error, "the events file cannot be opened");
        }
        let events = match self.reader.after(self.through, BATCH_EVENTS) {
            Ok(events) => events,
            Err(error) => {
                tracing::error!(%error, "the events file cannot be read");
                Vec::new()
            }
        };
        let through = events.last().map(|event| event.seq);
        for event in &events {
            self.incidents.event(&event.arrival);
        }
        let judged = self.windows.fold(&self.reader, &events, now);
        for window in &judged {
            self.incidents.window(window);
        }
        self.incidents.tick(now);
        let writes: Vec<_> =
            [self.windows.unwritten(), self.incidents.unwritten()].into_iter().flatten().collect();
        if writes.is_empty() && through.is_none() {
            return;
        }
        let changes = move |transaction: &rusqlite::Transaction<'_>| {
            writes.into_iter().try_for_each(|write| write(transaction))
        };
        match self.inbox.write(through, Box::new(changes)).await {
            Ok(()) => {
                self.through = through.unwrap_or(self.through);
                self.windows.written();
                self.incidents.written();
            }
            // The same again with the next step: nothing was taken up.
            Err(_) => self.windows.forget(&self.reader),
        }
    }
}

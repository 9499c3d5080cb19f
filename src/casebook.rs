//! The casebook: conversations, windows, incidents and changes; the thread that owns them.
//!
//! It hears of runs from the recorder, and reads events out of the inbox's file in their order of
//! arrival. What it makes of them is written by the inbox's writer in one transaction with how far
//! it came: after a crash it goes on exactly there. Nobody waits for it but those who ask it.

pub mod archive;
pub mod changes;
mod conversations;
pub mod drills;
pub mod incidents;
pub mod numbers;
mod outgoing;
pub mod question;
pub mod tables;
mod windows;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use crate::check::Check;
use crate::clock;
use crate::correlate;
use crate::inbox::letter::DeadLetter;
use crate::inbox::reader::{Reader, StoredEvent};
use crate::inbox::{Inbox, InboxError};
use crate::incident::ChangeEvent;
use crate::record::told::News;
use incidents::{Incidents, Subscriptions};
use numbers::{Counted, Numbers};
use question::Question;
use tables::Whose;
use windows::{Trouble, Windows};

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
    /// Windows are judged otherwise from now on.
    Settings(correlate::Settings),
    /// Somebody changed something.
    Changed(ChangeEvent),
    /// The contact centre says this of itself; nothing where all is well.
    Hint(Option<Arc<str>>),
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
    /// Events that could not be worked on, and are buried: they are passed over.
    buried: BTreeSet<u64>,
    windows: Windows,
    incidents: Incidents,
    numbers: watch::Sender<Arc<Numbers>>,
}

impl Casebook {
    /// Takes up where the file left off.
    pub fn open(
        path: &Path,
        inbox: Inbox,
        checks: &[Arc<Check>],
        settings: correlate::Settings,
    ) -> Result<Self, InboxError> {
        let reader = Reader::open(path)?;
        let through = reader.through()?;
        let now = clock::now();
        let windows = Windows::restore(&reader, checks, settings, now)?;
        let mut incidents = Incidents::restore(&reader, checks, now)?;
        // Two bad minutes make a case, also where the daemon began anew between them.
        windows.recent(now).iter().for_each(|window| incidents.window(window));
        let (numbers, _) = watch::channel(Arc::default());
        let book =
            Self { reader, inbox, through, buried: BTreeSet::new(), windows, incidents, numbers };
        book.publish(BTreeMap::new(), Duration::ZERO);
        Ok(book)
    }

    /// What is counted, as it was after the last step: nobody waits for it.
    pub fn numbers(&self) -> watch::Receiver<Arc<Numbers>> {
        self.numbers.subscribe()
    }

    /// Those who want to be told of incidents.
    pub fn telling(mut self, subscriptions: Subscriptions) -> Self {
        self.incidents.telling(subscriptions);
        self
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
                self.incidents.told(&self.reader, *told);
            }
            Message::News(News::Checks(checks)) => {
                self.windows.change(&checks);
                self.incidents.change(&checks);
            }
            Message::News(News::Blind(why)) => {
                if why.is_some() {
                    self.windows.blind();
                }
                self.incidents.blind(why);
            }
            Message::Settings(settings) => self.windows.set(settings),
            Message::Changed(change) => self.incidents.changed(&self.reader, change),
            Message::Hint(hint) => self.incidents.hint(hint),
            Message::Ask(question) => self.answer(question),
        }
    }

    /// Takes up what has arrived, judges what is due, and has it written.
    async fn step(&mut self, now: Timestamp) {
        self.follow();
        let mut events = match self.reader.after(self.through, BATCH_EVENTS) {
            Ok(events) => events,
            Err(error) => {
                tracing::error!(%error, "the events file cannot be read");
                Vec::new()
            }
        };
        let more = events.len() >= BATCH_EVENTS;
        let last = events.last().map(|event| (event.seq, event.arrival.received_at));
        let through = last.map(|(seq, _)| seq);
        events.retain(|event| !self.buried.contains(&event.seq));
        let judged = match self.windows.fold(&self.reader, &events, more, now) {
            Ok(judged) => judged,
            Err(trouble) => {
                tracing::error!("{trouble}");
                self.windows.forget();
                if let Trouble::Event(seq) = trouble {
                    self.bury(events.into_iter().find(|event| event.seq == seq)).await;
                }
                return;
            }
        };
        for event in &events {
            self.incidents.event(&self.reader, &event.arrival);
        }
        for window in &judged {
            self.incidents.window(window);
        }
        self.incidents.tick(now);
        let writes: Vec<_> =
            [self.windows.unwritten(), self.incidents.unwritten()].into_iter().flatten().collect();
        let lag = last.filter(|_| more).map_or(Duration::ZERO, |(_, received_at)| {
            Duration::try_from(now.duration_since(received_at)).unwrap_or_default()
        });
        if writes.is_empty() && through.is_none() {
            self.publish(BTreeMap::new(), lag);
            return;
        }
        let changes = move |transaction: &rusqlite::Transaction<'_>| {
            writes.into_iter().try_for_each(|write| write(transaction))
        };
        match self.inbox.write(through, Box::new(changes)).await {
            Ok(()) => {
                self.through = through.unwrap_or(self.through);
                self.buried.retain(|seq| *seq > self.through);
                let counted = self.windows.written();
                self.incidents.written();
                self.publish(counted, lag);
            }
            // The same again with the next step: nothing was taken up.
            Err(_) => self.windows.forget(),
        }
    }

    /// Goes on in another file, where the writer has set a broken one aside.
    fn follow(&mut self) {
        match self.reader.follow() {
            Ok(false) => {}
            Ok(true) => {
                self.through = self.reader.through().unwrap_or_default();
                self.windows.rewrite();
                self.incidents.rewrite();
            }
            Err(error) => tracing::error!(%error, "the new events file cannot be read"),
        }
    }

    /// Sets an event aside that cannot be worked on; the others go on without it.
    async fn bury(&mut self, event: Option<StoredEvent>) {
        let Some(StoredEvent { seq, arrival }) = event else { return };
        let Ok(letter) = DeadLetter::of_event(arrival) else { return };
        if self.inbox.bury(letter).await.is_ok() {
            self.buried.insert(seq);
        }
    }

    /// Shows what is counted, with what has been added to it.
    fn publish(&self, counted: BTreeMap<Whose, Counted>, lag: Duration) {
        let takers = self.windows.takers();
        let unmapped = (!takers.is_empty()).then_some(None);
        let shown: BTreeSet<Whose> = takers.iter().cloned().map(Some).chain(unmapped).collect();
        let mut numbers = Numbers::clone(&self.numbers.borrow());
        // What is watched no longer leaves the page.
        numbers.endpoints.retain(|whose, _| shown.contains(whose));
        for whose in shown {
            let all = numbers.endpoints.entry(whose.clone()).or_default();
            if let Some(more) = counted.get(&whose) {
                *all += *more;
            }
        }
        numbers.lag = lag;
        self.numbers.send_replace(Arc::new(numbers));
    }
}

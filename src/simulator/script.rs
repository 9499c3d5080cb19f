//! Answers that a test prescribes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::surface::Surface;

/// One answer, to whatever is asked.
#[derive(Debug, Clone)]
pub struct Scripted {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// How long it takes until anything is sent.
    pub delay: Duration,
}

/// What a scripted answer consists of.
#[derive(Debug, Clone)]
pub enum Body {
    /// This.
    Text(String),
    /// These.
    Bytes(Vec<u8>),
    /// So many times this byte, made while it is sent, without `Content-Length`.
    Repeated(u8, u64),
    /// The head is sent, and then nothing.
    Stalls,
    /// The connection is closed, and nothing is said.
    Cut,
    /// Nothing is ever said.
    Silence,
    /// What would have been answered, once the delay is over.
    Usual,
}

impl Scripted {
    /// A status, and JSON.
    pub fn json(status: u16, body: &str) -> Self {
        Self::new(status, Body::Text(body.to_owned())).header("content-type", "application/json")
    }

    /// A status, and a body.
    pub fn new(status: u16, body: Body) -> Self {
        Self { status, headers: Vec::new(), body, delay: Duration::ZERO }
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// After a while.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// The scripts, by surface.
#[derive(Debug, Default)]
pub struct Scripts(BTreeMap<Surface, VecDeque<Scripted>>);

impl Scripts {
    /// These too.
    pub fn add(&mut self, surface: Surface, answers: impl IntoIterator<Item = Scripted>) {
        self.0.entry(surface).or_default().extend(answers);
    }

    /// The one that is next.
    pub fn next(&mut self, surface: Surface) -> Option<Scripted> {
        self.0.get_mut(&surface)?.pop_front()
    }

    /// None any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

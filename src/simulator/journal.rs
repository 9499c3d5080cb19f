//! What was asked so far.

use std::collections::{BTreeMap, VecDeque};

use http::{HeaderMap, Method};
use tokio::time::Instant;

use super::request::Request;
use super::surface::Surface;

/// Requests that are remembered whole.
const REMEMBERED: usize = 10_000;

/// A request that was made.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What it belongs to.
    pub surface: Surface,
    /// The method.
    pub method: Method,
    /// The path, and what comes behind `?`.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// When it had come whole.
    pub at: Instant,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Journal {
    counts: BTreeMap<Surface, usize>,
    seen: VecDeque<Seen>,
}

impl Journal {
    /// One more.
    pub fn note(&mut self, surface: Surface, request: &Request) {
        *self.counts.entry(surface).or_default() += 1;
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        let target = match request.query.as_str() {
            "" => request.path.clone(),
            query => format!("{}?{query}", request.path),
        };
        self.seen.push_back(Seen {
            surface,
            method: request.method.clone(),
            target,
            headers: request.headers.clone(),
            body: request.body.clone(),
            at: Instant::now(),
        });
    }

    /// How many there were.
    pub fn count(&self, surface: Surface) -> usize {
        self.counts.get(&surface).copied().unwrap_or_default()
    }

    /// Those of a surface, oldest first.
    pub fn of(&self, surface: Surface) -> Vec<Seen> {
        self.seen.iter().filter(|seen| seen.surface == surface).cloned().collect()
    }
}

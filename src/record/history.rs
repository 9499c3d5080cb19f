//! The past as readers ask for it: a thread of its own, which nothing else waits for.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::error;

use super::store::past::{Past, PastReader, Span};
use crate::check::CheckId;
use crate::database::DatabaseError;

/// Questions that wait: a reader that finds no room is told that there is no history.
const QUEUED: usize = 8;

/// A question.
#[derive(Debug)]
struct Asked {
    checks: Vec<CheckId>,
    span: Span,
    most: usize,
    answer: oneshot::Sender<Option<Vec<Past>>>,
}

/// Where the past is asked for.
#[derive(Debug, Clone)]
pub struct History(mpsc::Sender<Asked>);

impl History {
    /// A thread that reads a store's file, for as long as somebody may ask.
    pub fn spawn(path: PathBuf) -> io::Result<Self> {
        let (questions, asked) = mpsc::channel(QUEUED);
        // Nobody waits for its end: it writes nothing, and a disk may hang.
        thread::Builder::new().name("history".to_owned()).spawn(move || serve(&path, asked))?;
        Ok(Self(questions))
    }

    /// The rows of each of these checks in a span, the newest `most` of each; none where the file
    /// cannot be read, or too many ask.
    pub async fn rows(&self, checks: Vec<CheckId>, span: Span, most: usize) -> Option<Vec<Past>> {
        let (answer, told) = oneshot::channel();
        self.0.try_send(Asked { checks, span, most, answer }).ok()?;
        told.await.ok()?
    }
}

fn serve(path: &std::path::Path, mut asked: mpsc::Receiver<Asked>) {
    let mut reader = None;
    let mut said = Said::default();
    while let Some(Asked { checks, span, most, answer }) = asked.blocking_recv() {
        if answer.is_closed() {
            continue;
        }
        let mut read = || -> Result<Vec<Past>, DatabaseError> {
            let reader = match &mut reader {
                Some(reader) => reader,
                none => none.insert(PastReader::open(path)?),
            };
            reader.follow()?;
            let mut each = Vec::with_capacity(checks.len());
            for check in &checks {
                // Whoever asked may have gone away meanwhile.
                if answer.is_closed() {
                    break;
                }
                each.push(reader.rows(check, span, most)?);
            }
            Ok(each)
        };
        let read = read();
        if let Err(error) = &read
            && said.is_news(&error.to_string(), Instant::now())
        {
            error!(%error, "the store cannot be read");
        }
        answer.send(read.ok()).ok();
    }
}

/// How long a cause is not logged again: whoever looks at a page is no reason for a line.
const SAID_FOR: Duration = Duration::from_secs(3600);

/// Causes that are remembered.
const MAX_CAUSES: usize = 16;

/// Why the file could not be read, as the log has it already.
#[derive(Debug, Default)]
struct Said(HashMap<String, Instant>);

impl Said {
    fn is_news(&mut self, cause: &str, now: Instant) -> bool {
        self.0.retain(|_, at| now.duration_since(*at) < SAID_FOR);
        let news = !self.0.contains_key(cause) && self.0.len() < MAX_CAUSES;
        if news {
            self.0.insert(cause.to_owned(), now);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_logged_once_an_hour_however_many_look() {
        let (mut said, begin) = (Said::default(), Instant::now());
        let mut is_news = |cause: &str, minutes: u64| {
            said.is_news(cause, begin + Duration::from_secs(60 * minutes))
        };
        assert!(is_news("a broken page", 0) && is_news("no such file", 1));
        assert!(!(2..60).any(|minute| is_news("a broken page", minute)));
        assert!(is_news("a broken page", 60) && !is_news("no such file", 60));
        assert!((0..20).filter(|n| is_news(&format!("cause {n}"), 61)).count() < 20);
    }
}

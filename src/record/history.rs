//! The past as readers ask for it: a thread of its own, which nothing else waits for.

use std::io;
use std::path::PathBuf;
use std::thread;

use tokio::sync::{mpsc, oneshot};
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
        if let Err(error) = &read {
            error!(%error, "the store cannot be read");
        }
        answer.send(read.ok()).ok();
    }
}

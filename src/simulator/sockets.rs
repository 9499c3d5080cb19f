//! Open sockets, and what is sent over them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::Core;
use crate::clock;

/// What may wait to be read by the other side; more is lost.
const WAITING: usize = 1024;

/// How long the other side may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// What is sent.
#[derive(Debug)]
pub enum Push {
    /// A frame of text.
    Text(String),
    /// The end, with this code.
    Close(u16, &'static str),
    /// The end, and nothing is said.
    Cut,
    /// From now on nothing is said, and the socket stays open.
    Stall,
}

/// Which of its surfaces a socket belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The messenger's.
    Messaging,
    /// A notification channel's.
    Streaming,
    /// The tutorials', which says nothing.
    Seed,
}

/// The end of a socket at which frames are read and written.
#[derive(Debug)]
pub struct Seat {
    /// Which it is.
    pub id: u64,
    /// What it belongs to.
    pub kind: Kind,
    /// Time between heartbeats.
    pub heartbeat: Option<Duration>,
    pushes: mpsc::Receiver<Push>,
}

/// The other ends.
#[derive(Debug, Default)]
pub struct Lines {
    next: u64,
    open: BTreeMap<u64, (Kind, mpsc::Sender<Push>)>,
}

impl Lines {
    /// A new socket.
    pub fn open(&mut self, kind: Kind, heartbeat: Option<Duration>) -> Seat {
        let (sender, pushes) = mpsc::channel(WAITING);
        self.next += 1;
        self.open.insert(self.next, (kind, sender));
        Seat { id: self.next, kind, heartbeat, pushes }
    }

    /// Sends something to one.
    pub fn push(&self, id: u64, push: Push) {
        if let Some((_, sender)) = self.open.get(&id) {
            // Who reads nothing misses it.
            sender.try_send(push).ok();
        }
    }

    /// Sends JSON to one.
    pub fn send(&self, id: u64, frame: &Value) {
        self.push(id, Push::Text(frame.to_string()));
    }

    /// Those of a kind.
    pub fn of(&self, kind: Kind) -> Vec<u64> {
        self.open.iter().filter(|(_, (other, _))| *other == kind).map(|(id, _)| *id).collect()
    }

    /// One is closed.
    pub fn left(&mut self, id: u64) {
        self.open.remove(&id);
    }
}

/// Carries frames until either side has enough.
pub async fn run<S>(core: Core, mut seat: Seat, socket: WebSocketStream<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut write, mut read) = socket.split();
    let period = seat.heartbeat.unwrap_or(Duration::from_secs(3600));
    let mut beat = interval_at(Instant::now() + period, period);
    loop {
        tokio::select! {
            frame = read.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    core.with(|org| org.frame(seat.id, seat.kind, &text, clock::now()));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
            push = seat.pushes.recv() => match push {
                Some(Push::Text(text)) => {
                    if write.send(Message::text(text)).await.is_err() {
                        break;
                    }
                }
                Some(Push::Close(code, reason)) => {
                    let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
                    if write.send(Message::Close(Some(frame))).await.is_ok() {
                        timeout(GOODBYE, async { while let Some(Ok(_)) = read.next().await {} }).await.ok();
                    }
                    break;
                }
                Some(Push::Stall) => {
                    while let Some(Ok(_)) = read.next().await {}
                    break;
                }
                Some(Push::Cut) | None => break,
            },
            _ = beat.tick(), if seat.heartbeat.is_some() => {
                if write.send(Message::text(heartbeat())).await.is_err() {
                    break;
                }
            }
        }
    }
    core.with(|org| org.left(seat.id, seat.kind));
}

fn heartbeat() -> String {
    let body = json!({ "message": "WebSocket Heartbeat" });
    json!({ "topicName": "channel.metadata", "eventBody": body }).to_string()
}

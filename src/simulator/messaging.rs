//! The messenger's socket: who gets in, and what is said over it.

mod actions;
mod asked;
mod frames;
mod session;
mod talk;

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::answer::Answer;
use super::deployments::deployment::Status;
use super::limits::Window;
use super::notifications;
use super::org::{Org, Reply};
use super::request::Request;
use super::sockets::{Kind, Push};
use session::Session;
pub use talk::Conversation;

/// What is known of the messenger's sockets, and their limits.
#[derive(Debug)]
pub struct Messaging {
    /// Requests of a connection in a minute.
    pub requests_per_minute: usize,
    /// Echoes of a connection in a minute.
    pub echoes_per_minute: usize,
    /// Messages of a session in a second.
    pub messages_per_second: usize,
    /// Connections of a token.
    pub connections_per_token: usize,
    /// Answers whose frames the socket sends in place of the next ones, one each.
    pub scripted: Vec<String>,
    /// Actions that are refused, and with which code.
    pub refusals: BTreeMap<String, u16>,
    /// Whether it reads whatever is sent and answers nothing.
    pub silent: bool,
    /// Conversations that guests began, oldest first.
    pub conversations: Vec<Conversation>,
    messages: BTreeMap<String, String>,
    visits: BTreeMap<u64, Visit>,
    sessions: BTreeMap<(String, String), Session>,
    rates: BTreeMap<String, Window>,
}

/// A connection.
#[derive(Debug)]
struct Visit {
    deployment: String,
    /// Whether whatever is said is refused.
    refused: bool,
    requests: Window,
    echoes: Window,
}

impl Default for Messaging {
    fn default() -> Self {
        Self {
            requests_per_minute: 60,
            echoes_per_minute: 2,
            messages_per_second: 5,
            connections_per_token: 3,
            scripted: Vec::new(),
            refusals: BTreeMap::new(),
            silent: false,
            conversations: Vec::new(),
            messages: BTreeMap::new(),
            visits: BTreeMap::new(),
            sessions: BTreeMap::new(),
            rates: BTreeMap::new(),
        }
    }
}

impl Messaging {
    /// Sessions that were configured.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.visits.len()
    }

    /// The conversation that a message is part of.
    pub fn conversation_of(&self, message: &str) -> Option<&str> {
        self.messages.get(message).map(String::as_str)
    }

    /// Every session is too old.
    pub fn expire_sessions(&mut self) {
        for session in self.sessions.values_mut() {
            session.expired = true;
        }
    }

    /// No session was ever there.
    pub fn forget_sessions(&mut self) {
        self.sessions.clear();
    }
}

/// Whether there is a socket for this request.
pub(super) fn upgrade(org: &mut Org, request: &Request, now: Timestamp) -> Reply {
    let id = request.parameter("deploymentId").unwrap_or_default();
    let origin = request.header("origin").map(str::to_owned);
    let Some(deployment) = org.deployment(&id) else { return refused() };
    // Nobody is told which of them it was.
    if deployment.status != Status::Active || !deployment.opens_to(origin.as_deref()) {
        return refused();
    }
    let refused = !deployment.admits(origin.as_deref());
    let most = deployment.connections_per_minute;
    let rate = org.messaging.rates.entry(id.clone()).or_insert_with(|| Window::minute(most));
    rate.most = most;
    if !rate.takes(now) {
        return Reply::Answer(Answer::too_many(rate.seconds_left(now).max(1)));
    }
    let seat = org.lines.open(Kind::Messaging, None);
    let limits = &mut org.messaging;
    let visit = Visit {
        deployment: id,
        refused,
        requests: Window::minute(limits.requests_per_minute),
        echoes: Window::minute(limits.echoes_per_minute),
    };
    limits.visits.insert(seat.id, visit);
    Reply::Socket(seat)
}

fn refused() -> Reply {
    Reply::Answer(Answer::text(StatusCode::FORBIDDEN, "text/plain", "Forbidden"))
}

impl Org {
    /// A frame has come over a socket.
    pub(super) fn frame(&mut self, line: u64, kind: Kind, text: &str, now: Timestamp) {
        match kind {
            Kind::Messaging => {
                if self.messaging.silent {
                    return;
                }
                if !self.messaging.scripted.is_empty() {
                    let frame = self.messaging.scripted.remove(0);
                    return self.lines.push(line, Push::Text(frame));
                }
                for (to, frame) in actions::act(self, line, text, now) {
                    self.lines.send(to, &frame);
                }
            }
            Kind::Streaming => notifications::frame(self, line, text),
            Kind::Seed => {}
        }
    }

    /// A socket is closed.
    pub(super) fn left(&mut self, line: u64, kind: Kind) {
        self.lines.left(line);
        self.notifications.left(line);
        if kind == Kind::Messaging {
            self.messaging.visits.remove(&line);
            for session in self.messaging.sessions.values_mut() {
                session.lines.retain(|other| *other != line);
            }
        }
    }

    /// The messenger's sockets are cut.
    pub fn cut_messaging(&mut self) {
        for line in self.lines.of(Kind::Messaging) {
            self.lines.push(line, Push::Cut);
        }
    }

    /// Every messenger of a deployment is sent this.
    pub fn say(&mut self, deployment: &str, frame: &Value) {
        let visits = self.messaging.visits.iter();
        for (line, _) in visits.filter(|(_, visit)| visit.deployment == deployment) {
            self.lines.send(*line, frame);
        }
    }
}

/// Messages of a session in a second.
fn per_second(most: usize) -> Window {
    Window::new(most, SignedDuration::from_secs(1))
}

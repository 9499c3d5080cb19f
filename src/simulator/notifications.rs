//! The notification service: channels, what they are subscribed to, and their sockets.

pub mod subscriptions;
pub mod topics;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::Answer;
use super::ids::Ids;
use super::org::{Org, Reply};
use super::request::Request;
use super::sockets::{Kind, Push};

/// Channels of a client.
const MAX_CHANNELS: usize = 20;

/// How long a channel lives.
const LIFE: SignedDuration = SignedDuration::from_hours(24);

/// Channels that are remembered once they are gone.
const GONE: usize = 1000;

/// What is known of channels.
#[derive(Debug)]
pub struct Notifications {
    /// Time between heartbeats of sockets that are opened from now on.
    pub heartbeat: Duration,
    /// Whether `ping` is answered.
    pub answers_pings: bool,
    /// Topics that begin so are refused: a permission is missing.
    pub refused_topics: BTreeSet<String>,
    /// How long a channel lives from its making, and from each time that its topics are set.
    pub life: SignedDuration,
    /// So many sockets more are told that they will be closed as soon as they are open.
    pub hasty_closings: usize,
    /// So many channels more are gone as soon as their socket is open.
    pub hasty_ends: usize,
    /// Where channels are said to be, if not at the simulator's own doors: `HOST[:PORT]`.
    pub host: Option<String>,
    channels: Vec<Channel>,
    gone: VecDeque<String>,
}

/// A channel.
#[derive(Debug)]
struct Channel {
    id: String,
    expires: Timestamp,
    topics: BTreeSet<String>,
    line: Option<u64>,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            answers_pings: true,
            refused_topics: BTreeSet::new(),
            life: LIFE,
            hasty_closings: 0,
            hasty_ends: 0,
            host: None,
            channels: Vec::new(),
            gone: VecDeque::new(),
        }
    }
}

impl Notifications {
    /// Ids of the channels, oldest first.
    pub fn channels(&self) -> Vec<String> {
        self.channels.iter().map(|channel| channel.id.clone()).collect()
    }

    /// What a channel is subscribed to.
    pub fn topics(&self, id: &str) -> Vec<String> {
        let channel = self.channels.iter().find(|channel| channel.id == id);
        channel.map(|channel| channel.topics.iter().cloned().collect()).unwrap_or_default()
    }

    /// Sockets that are open.
    pub fn connections(&self) -> usize {
        self.channels.iter().filter(|channel| channel.line.is_some()).count()
    }

    /// When a channel ends whose topics are set now.
    fn end(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.life).unwrap_or(Timestamp::MAX)
    }

    fn find(&mut self, id: &str) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    fn remove(&mut self, at: usize) -> Option<Channel> {
        let channel = (at < self.channels.len()).then(|| self.channels.remove(at))?;
        if self.gone.len() == GONE {
            self.gone.pop_front();
        }
        self.gone.push_back(channel.id.clone());
        Some(channel)
    }

    /// The channels whose time is over go.
    fn expire(&mut self, now: Timestamp) {
        while let Some(at) = self.channels.iter().position(|channel| channel.expires <= now) {
            self.remove(at);
        }
    }

    /// The socket of a channel was closed.
    pub(super) fn left(&mut self, line: u64) {
        for channel in &mut self.channels {
            channel.line = channel.line.filter(|other| *other != line);
        }
    }
}

impl Channel {
    fn to_json(&self, at: &str) -> Value {
        json!({
            "id": self.id,
            "connectUri": format!("wss://{at}/channels/{}", self.id),
            "expires": self.expires.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        })
    }
}

/// `/api/v2/notifications/channels…`, but for subscriptions.
pub(super) fn channels(org: &mut Org, request: &Request, now: Timestamp) -> Answer {
    org.notifications.expire(now);
    let at = org.notifications.host.clone().unwrap_or_else(|| org.authority());
    let known = |id: &str| org.notifications.channels.iter().any(|channel| channel.id == id);
    match (request.segments().get(4..).unwrap_or_default(), &request.method) {
        ([], &Method::POST) => create(org, &at, now),
        ([], &Method::GET) => {
            let list: Vec<_> =
                org.notifications.channels.iter().map(|channel| channel.to_json(&at)).collect();
            Answer::ok(&json!({ "entities": list }))
        }
        ([id], &Method::HEAD) if known(id) => Answer::empty(StatusCode::OK),
        ([_], &Method::HEAD) => Answer::empty(StatusCode::NOT_FOUND),
        ([] | [_], _) => Answer::no_method(),
        _ => Answer::not_found("The requested resource"),
    }
}

fn create(org: &mut Org, at: &str, now: Timestamp) -> Answer {
    if org.notifications.channels.len() == MAX_CHANNELS {
        let idle = org.notifications.channels.iter().position(|channel| channel.line.is_none());
        org.drop_channel_at(idle.unwrap_or(0));
    }
    let channel = Channel {
        id: format!("streaming-1-{}", org.ids.uuid().replace('-', "")),
        expires: org.notifications.end(now),
        topics: BTreeSet::new(),
        line: None,
    };
    let body = channel.to_json(at);
    org.notifications.channels.push(channel);
    Answer::ok(&body)
}

/// The socket of a channel.
pub(super) fn upgrade(org: &mut Org, request: &Request, now: Timestamp) -> Reply {
    org.notifications.expire(now);
    let id = request.segments().get(1).copied().unwrap_or_default().to_owned();
    let heartbeat = org.notifications.heartbeat;
    if org.notifications.hasty_ends > 0 {
        org.notifications.hasty_ends -= 1;
        org.drop_channel(&id);
    }
    if org.notifications.gone.contains(&id) {
        let seat = org.lines.open(Kind::Streaming, None);
        org.lines.send(seat.id, &gone());
        org.lines.push(seat.id, Push::Close(1000, "gone"));
        return Reply::Socket(seat);
    }
    if org.notifications.find(&id).is_none() {
        return Reply::Answer(Answer::not_found("The requested channel"));
    }
    let seat = org.lines.open(Kind::Streaming, Some(heartbeat));
    if org.notifications.hasty_closings > 0 {
        org.notifications.hasty_closings -= 1;
        org.lines.send(seat.id, &closing(&mut org.ids));
    }
    let Some(channel) = org.notifications.find(&id) else { return Reply::Socket(seat) };
    if let Some(first) = channel.line.replace(seat.id) {
        org.lines.push(first, Push::Close(1001, "another socket was opened"));
    }
    Reply::Socket(seat)
}

/// A frame of a channel's socket: who asks is told that it is there.
pub(super) fn frame(org: &Org, line: u64, text: &str) {
    let body = serde_json::from_str::<Value>(text).ok();
    let is_ping = body.is_some_and(|body| body.get("message").is_some_and(|word| word == "ping"));
    if is_ping && org.notifications.answers_pings {
        let body = json!({ "message": "pong" });
        org.lines.send(line, &json!({ "topicName": "channel.metadata", "eventBody": body }));
    }
}

/// What is said of a channel that is not there any more.
fn gone() -> Value {
    json!({ "result": "404", "message": "Channel not found" })
}

/// What is said before a socket is closed.
fn closing(ids: &mut Ids) -> Value {
    event_frame(ids, "v2.system.socket_closing", &json!({}))
}

/// What a channel is told.
pub(super) fn event_frame(ids: &mut Ids, topic: &str, body: &Value) -> Value {
    json!({
        "topicName": topic, "version": "2", "eventBody": body,
        "metadata": { "CorrelationId": ids.uuid() },
    })
}

impl Org {
    /// A channel goes; its socket is told.
    pub fn drop_channel(&mut self, id: &str) {
        if let Some(at) = self.notifications.channels.iter().position(|one| one.id == id) {
            self.drop_channel_at(at);
        }
    }

    fn drop_channel_at(&mut self, at: usize) {
        if let Some(line) = self.notifications.remove(at).and_then(|channel| channel.line) {
            self.lines.send(line, &gone());
            self.lines.push(line, Push::Close(1000, "gone"));
        }
    }

    /// The notification sockets are told that they will be closed.
    pub fn announce_closing(&mut self) {
        for line in self.lines.of(Kind::Streaming) {
            let frame = closing(&mut self.ids);
            self.lines.send(line, &frame);
        }
    }

    /// The notification sockets are closed with this code.
    pub fn close_streams(&mut self, code: u16) {
        for line in self.lines.of(Kind::Streaming) {
            self.lines.push(line, Push::Close(code, "closing"));
        }
    }

    /// The notification sockets are cut, and nothing is said.
    pub fn cut_streams(&mut self) {
        for line in self.lines.of(Kind::Streaming) {
            self.lines.push(line, Push::Cut);
        }
    }

    /// The notification sockets stay open, and nothing comes over them any more.
    pub fn stall_streams(&mut self) {
        for line in self.lines.of(Kind::Streaming) {
            self.lines.push(line, Push::Stall);
        }
    }

    /// The notification sockets are sent this, whatever it is.
    pub fn stream(&mut self, text: &str) {
        for line in self.lines.of(Kind::Streaming) {
            self.lines.push(line, Push::Text(text.to_owned()));
        }
    }

    /// An event: the channels that are subscribed to its topic hear of it. Gives how many do.
    pub fn post(&mut self, topic: &str, body: &Value) -> usize {
        self.events.note(topic, body);
        self.stream_event(topic, body)
    }

    /// The same, of what goes to sockets alone.
    pub(super) fn stream_event(&mut self, topic: &str, body: &Value) -> usize {
        let frame = event_frame(&mut self.ids, topic, body);
        let wanted = |channel: &&Channel| channel.topics.contains(topic);
        let lines: Vec<_> =
            self.notifications.channels.iter().filter(wanted).filter_map(|one| one.line).collect();
        for line in &lines {
            self.lines.send(*line, &frame);
        }
        lines.len()
    }
}

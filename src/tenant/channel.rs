//! The notification channel: events without a public URL, into the same inbox as those of
//! receivers.
//!
//! A socket acknowledges nothing and repeats nothing. What cannot be stored closes it; what was
//! missed while it was closed is asked for afterwards.

mod backlog;
mod frames;
mod handover;
mod line;
mod meters;
mod topics;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Desk;
use super::kept::Kind as Row;
use super::view::news::is_news;
use crate::clock;
use crate::event::key::EventId;
use crate::genesys::channel::backlog::Gap;
use crate::genesys::channel::lease::{Due, Lease};
use crate::genesys::channel::pulse::{self, Lost, Tries};
use crate::genesys::channel::{Channel, MAX_FRAME};
use crate::genesys::trouble::{Kind, Trouble};
use crate::outbound::chance;
use crate::platform::socket::{Socket, SocketError};
use crate::receiver::Receiver;
use frames::Taker;
use meters::Meters;
use topics::Topics;

/// The label of its events.
pub const RECEIVER: &str = Receiver::CHANNEL;

/// The only row of its kind.
const ROW: &str = "channel";

/// Gaps that are being filled; more of them are shown, and stay gaps.
const MAX_FILLING: usize = 16;

/// What outlives the process.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Remembered {
    /// The channel: a digest of its id, by which it is found among the client's. Whoever has the
    /// id, or where its socket is opened, may listen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<EventId>,
    /// When its topics were set last.
    renewed_at: Timestamp,
    /// Up to when nothing was missed.
    whole_until: Option<Timestamp>,
}

/// Why there is no channel.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Api(#[from] Trouble),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("none of its topics can be subscribed to")]
    NoTopics,
}

impl Failed {
    fn code(&self) -> &'static str {
        match self {
            Self::Api(trouble) => trouble.kind.code(),
            Self::Socket(_) => "socket",
            Self::NoTopics => "no_topics",
        }
    }
}

/// Listens for as long as it is let.
pub async fn run(desk: Desk) {
    if desk.genesys.news.topics.is_empty() {
        return;
    }
    if desk.genesys.account.credentials.is_none() {
        let why = "there are no credentials".to_owned();
        desk.show(|view| view.channel(|channel| channel.failed("no_credentials", why)));
        return;
    }
    let tls = match crate::outbound::tls(&desk.genesys.account.trust) {
        Ok(tls) => Arc::new(tls),
        Err(error) => {
            tracing::error!(%error, "the notification channel cannot be opened");
            return;
        }
    };
    Listener::new(desk, tls).listen().await;
}

struct Listener {
    desk: Desk,
    tls: Arc<ClientConfig>,
    meters: Meters,
    topics: Topics,
    channel: Option<(Channel, Lease)>,
    /// The channel of the process before, which may still live.
    former: Option<EventId>,
    /// Up to when nothing was missed.
    whole_until: Option<Timestamp>,
    /// What fills gaps.
    filling: JoinSet<()>,
}

impl Listener {
    fn new(desk: Desk, tls: Arc<ClientConfig>) -> Self {
        let kept = desk.kept.read::<Remembered>(Row::Channel);
        let kept = kept.into_iter().find(|(id, _)| id == ROW).map(|(_, row)| row);
        let whole_until = kept.as_ref().and_then(|kept| kept.whole_until);
        let former = kept.filter(|kept| Lease::new(kept.renewed_at).due(clock::now()) != Due::Over);
        let former = former.and_then(|kept| kept.channel);
        let topics = Topics::default();
        let meters = Meters::new();
        let (channel, filling) = (None, JoinSet::new());
        Self { desk, tls, meters, topics, channel, former, whole_until, filling }
    }

    async fn listen(mut self) {
        let mut tries = Tries::default();
        loop {
            let (socket, opened) = match opening(&mut self).await {
                Ok(socket) => (socket, Instant::now()),
                Err(failed) => {
                    self.say(&failed);
                    let wait = pulse::wait(tries.failed(), chance());
                    // What the server asks for goes first.
                    let asked = match &failed {
                        Failed::Api(trouble) => trouble.kind.wait(),
                        _ => None,
                    };
                    sleep(wait.max(asked.unwrap_or_default())).await;
                    continue;
                }
            };
            let lost = self.hold(socket).await;
            self.meters.lost(lost);
            let why = lost.words().to_owned();
            self.desk.show(|view| view.channel(|channel| channel.failed(lost.code(), why)));
            tracing::warn!(
                because = lost.words(),
                "the notification channel is lost: it is opened again"
            );
            self.remember().await;
            if lost == Lost::Gone {
                self.channel = None;
            }
            // Also one that is to go on elsewhere, or whose channel is gone: where each is so at once,
            // nobody is helped by haste.
            let wait = pulse::wait(tries.lost(opened.elapsed()), chance());
            sleep(wait).await;
        }
    }

    /// Everything up to an open socket: topics, a channel that lives, the socket.
    async fn open(&mut self) -> Result<Socket, Failed> {
        self.topics.learn(&self.desk).await?;
        let wanted = self.topics.wanted(&self.desk);
        if wanted.topics.is_empty() {
            self.topics.set(wanted, Vec::new());
            self.topics.show(&self.desk, &self.meters);
            return Err(Failed::NoTopics);
        }
        let now = clock::now();
        if let Some(former) = self.former {
            let channels = match self.desk.platform.channels().await {
                Ok(channels) => channels,
                // What cannot be told is as good as gone.
                Err(Trouble {
                    kind:
                        Kind::NotFound
                        | Kind::Gone
                        | Kind::MissingPermission { .. }
                        | Kind::Forbidden { .. }
                        | Kind::BadRequest { .. }
                        | Kind::Malformed { .. },
                    ..
                }) => Vec::new(),
                Err(trouble) => return Err(trouble.into()),
            };
            let channel = channels.into_iter().find(|channel| channel.digest() == former);
            self.channel = channel.map(|channel| (channel, Lease::new(now)));
            self.former = None;
        }
        self.channel = self.channel.take().filter(|(_, lease)| lease.due(now) != Due::Over);
        let mut lease = None;
        if let Some((channel, known)) = &self.channel {
            match self.desk.platform.subscribe(&channel.id, &wanted.topics).await {
                Ok(told) => {
                    lease = Some(known.renewed(now));
                    self.topics.set(wanted.clone(), told);
                }
                // It lived for a day at the most, or was one too many.
                Err(trouble) if is_gone(&trouble) => self.channel = None,
                Err(trouble) => return Err(trouble.into()),
            }
        }
        let channel = match &self.channel {
            Some((channel, _)) => channel.clone(),
            None => self.desk.platform.make_channel().await?,
        };
        let (id, uri) = (channel.id.clone(), channel.connect_uri.clone());
        let is_new = lease.is_none();
        let lease = lease.unwrap_or_else(|| Lease::until(now, channel.expires));
        // From here on, also where its topics are refused: each channel is one of few.
        self.channel = Some((channel, lease));
        if is_new {
            let told = self.desk.platform.subscribe(&id, &wanted.topics).await?;
            self.topics.set(wanted, told);
        }
        self.topics.show(&self.desk, &self.meters);
        self.remember().await;
        let opened = Socket::open(self.desk.platform.bases(), &self.tls, &uri, MAX_FRAME).await;
        if matches!(
            opened,
            Err(SocketError::Refused { status: 404 | 410 } | SocketError::Foreign { .. })
        ) {
            self.channel = None;
        }
        Ok(opened?)
    }

    /// Follows a socket until it is lost.
    async fn hold(&mut self, socket: Socket) -> Lost {
        let now = clock::now();
        self.meters.connected(true);
        self.desk.show(|view| view.channel(|channel| channel.opened(now)));
        tracing::info!(topics = self.topics.subscribed(), "the notification channel is open");
        if let Some(from) = self.whole_until {
            self.missed(Gap { from: from.min(now), to: now });
        }
        self.whole_until = Some(now);
        let taker = Taker::new(self.desk.clone(), self.meters.clone());
        let lost = holding(self, socket, taker).await;
        self.meters.connected(false);
        lost
    }

    /// Events may have been missed: they are asked for, beside what comes now.
    fn missed(&mut self, gap: Gap) {
        self.meters.gap(&gap);
        self.desk.show(|view| view.channel(|channel| channel.missed(gap)));
        tracing::warn!(from = %gap.from, to = %gap.to, "events may have been missed");
        while self.filling.try_join_next().is_some() {}
        if self.topics.tell_of_conversations() && self.filling.len() < MAX_FILLING {
            self.filling.spawn(backlog::fill(self.desk.clone(), self.meters.clone(), gap));
        }
    }

    /// Writes what the next process wants to know.
    async fn remember(&self) {
        let Some((channel, lease)) = &self.channel else { return };
        let row = Remembered {
            channel: Some(channel.digest()),
            renewed_at: lease.renewed_at(),
            whole_until: self.whole_until,
        };
        // Without it the next process makes another channel.
        self.desk.kept.write(Row::Channel, &[(ROW.to_owned(), row)]).await.ok();
    }

    fn say(&self, failed: &Failed) {
        let code = failed.code();
        let before =
            self.desk.view.borrow().channel.as_ref().and_then(|channel| channel.trouble.clone());
        if is_news(&before, code) {
            let why = self.without_secret(failed.to_string());
            tracing::warn!(trouble = code, why, "the notification channel cannot be opened");
        }
        let why = self.without_secret(failed.to_string());
        self.desk.show(|view| view.channel(|channel| channel.failed(code, why)));
    }

    /// What a server wrote may name the channel, and whoever knows its name may listen.
    fn without_secret(&self, text: String) -> String {
        match &self.channel {
            Some((channel, _)) => channel.without_secret(&text),
            None => text,
        }
    }
}

/// The two long futures by a type of their own: see [`crate::platform::Platform::ask`].
fn opening(listener: &mut Listener) -> BoxFuture<'_, Result<Socket, Failed>> {
    Box::pin(listener.open())
}

fn holding(listener: &mut Listener, socket: Socket, taker: Taker) -> BoxFuture<'_, Lost> {
    Box::pin(line::hold(listener, socket, taker))
}

fn is_gone(trouble: &Trouble) -> bool {
    matches!(trouble.kind, Kind::NotFound | Kind::Gone)
}

//! An organisation: what there is of it, and how it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderName, Method, StatusCode};
use jiff::Timestamp;

use super::answer::Answer;
use super::audits::Audits;
use super::conversations::Talks;
use super::deployments::deployment::Deployment;
use super::events::Events;
use super::ids::Ids;
use super::journal::Journal;
use super::limits::Window;
use super::messaging::Messaging;
use super::notifications::Notifications;
use super::notifications::{subscriptions, topics};
use super::oauth::Tokens;
use super::request::Request;
use super::script::{Body, Scripted, Scripts};
use super::seeds::{Channel, Seeds};
use super::sockets::{Lines, Seat};
use super::statuspage::StatusPage;
use super::surface::Surface;
use super::{
    audits, cdn, conversations, deployments, messaging, notifications, oauth, seeds, statuspage,
};

/// A client that may log in.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// An organisation. Whatever is public may be changed at any time.
#[derive(Debug)]
pub struct Org {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who may log in.
    pub clients: Vec<Client>,
    /// The deployments.
    pub deployments: Vec<Deployment>,
    /// Permissions that no client has, such as `audits:audit:view`.
    pub missing_permissions: BTreeSet<String>,
    /// How long a token lives, in seconds.
    pub token_seconds: i64,
    /// Requests of a token in a minute.
    pub requests_per_minute: usize,
    /// What the rate headers say, where it is not the truth: allowed, count, seconds to the reset.
    pub rate_headers: Option<(u32, u32, u32)>,
    /// Answers that are prescribed.
    pub scripts: Scripts,
    /// What was asked.
    pub journal: Journal,
    /// The messenger's sessions and limits.
    pub messaging: Messaging,
    /// The notification channels.
    pub notifications: Notifications,
    /// Events that wait to be sent on.
    pub events: Events,
    /// What was changed.
    pub audits: Audits,
    /// Who changes things: id and name.
    pub administrator: (String, String),
    /// The conversations of customers.
    pub talks: Talks,
    /// The public status page.
    pub status_page: StatusPage,
    /// What the tutorials ask for.
    pub seeds: Seeds,
    pub(super) tokens: Tokens,
    pub(super) lines: Lines,
    pub(super) ids: Ids,
    at: Option<SocketAddr>,
    rates: BTreeMap<String, Window>,
}

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Reply {
    /// An answer.
    Answer(Answer),
    /// What a test wants.
    Scripted(Scripted),
    /// The upgrade to a socket.
    Socket(Seat),
    /// This, after a while.
    Later(Duration, Box<Reply>),
}

impl Org {
    /// An organisation without deployments.
    pub fn new(name: &str) -> Self {
        let mut ids = Ids::new();
        Self {
            id: ids.uuid(),
            name: name.to_owned(),
            clients: Vec::new(),
            deployments: Vec::new(),
            missing_permissions: BTreeSet::new(),
            token_seconds: 86_400,
            requests_per_minute: 300,
            rate_headers: None,
            scripts: Scripts::default(),
            journal: Journal::default(),
            messaging: Messaging::default(),
            notifications: Notifications::default(),
            events: Events::default(),
            audits: Audits::default(),
            administrator: (Self::ADMINISTRATOR.to_owned(), "Alex Admin".to_owned()),
            talks: Talks::default(),
            status_page: StatusPage::default(),
            seeds: Seeds::default(),
            tokens: Tokens::default(),
            lines: Lines::default(),
            ids,
            at: None,
            rates: BTreeMap::new(),
        }
    }

    /// A shop with three deployments: one for its own pages, one for everybody, an inactive one.
    pub fn shop(now: Timestamp) -> Self {
        let mut org = Self::new("Demo shop");
        org.clients.push(Client { id: Self::CLIENT.to_owned(), secret: Self::SECRET.to_owned() });
        org.deployments = vec![
            Deployment::new(Self::SHOP, "Shop messenger", &["shop.example"], now),
            Deployment::new(Self::HELP, "Help centre", &[], now).for_everybody(),
            Deployment::new(Self::CAMPAIGN, "Spring campaign", &["spring.example"], now).inactive(),
        ];
        let (id, origins) = (Self::CHANNEL, ["https://www.shop.example"]);
        org.seeds.channels.push(Channel::new(id, "https://webchat.shop.example", &origins));
        org
    }

    /// The client of [`Self::shop`].
    pub const CLIENT: &str = "c11e0000-0000-4000-8000-000000000001";
    /// Its secret.
    pub const SECRET: &str = "simulated-client-secret";
    /// Who changes things.
    pub const ADMINISTRATOR: &str = "ad314000-0000-4000-8000-000000000001";
    /// The tutorials' channel.
    pub const CHANNEL: &str = "c4a22e10-0000-4000-8000-000000000001";
    /// The deployment for the pages of `shop.example`.
    pub const SHOP: &str = "5409c0de-0000-4000-8000-000000000001";
    /// The deployment for everybody.
    pub const HELP: &str = "5409c0de-0000-4000-8000-000000000002";
    /// The deployment that is inactive, for the pages of `spring.example`.
    pub const CAMPAIGN: &str = "5409c0de-0000-4000-8000-000000000003";

    /// A deployment.
    pub fn deployment(&mut self, id: &str) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|deployment| deployment.id == id)
    }

    /// No token that was given so far is any good.
    pub fn revoke_tokens(&mut self) {
        self.tokens = Tokens::default();
    }

    /// The client was told of tokens so many times.
    pub fn tokens_given(&self) -> usize {
        self.tokens.given
    }

    /// Where its doors are.
    pub(super) fn is_at(&mut self, at: SocketAddr) {
        self.at = Some(at);
    }

    /// `HOST:PORT` of its doors.
    pub(super) fn authority(&self) -> String {
        self.at.map_or_else(|| "127.0.0.1".to_owned(), |at| at.to_string())
    }

    pub(super) fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        let surface = Surface::of(&request.segments());
        self.journal.note(surface, request);
        match self.scripts.next(surface) {
            Some(Scripted { body: Body::Usual, delay, .. }) => {
                Reply::Later(delay, Box::new(self.usual(surface, request, now)))
            }
            Some(scripted) => Reply::Scripted(scripted),
            None => self.usual(surface, request, now),
        }
    }

    fn usual(&mut self, surface: Surface, request: &Request, now: Timestamp) -> Reply {
        match surface {
            Surface::Messaging => messaging::upgrade(self, request, now),
            Surface::Streaming => notifications::upgrade(self, request, now),
            Surface::SeedSocket => seeds::upgrade(self, request),
            _ if surface.wants_token() => Reply::Answer(self.of_api(surface, request, now)),
            Surface::Token => Reply::Answer(oauth::token(self, request, now)),
            Surface::StatusPage => Reply::Answer(statuspage::file(self, request)),
            Surface::CdnDomains | Surface::CdnConfig | Surface::Bootstrap => {
                Reply::Answer(cdn::file(self, request))
            }
            _ => Reply::Answer(Answer::not_found("The requested resource")),
        }
    }

    /// The platform API: whoever asks must be known, and may not ask for too much.
    fn of_api(&mut self, surface: Surface, request: &Request, now: Timestamp) -> Answer {
        let id = self.ids.uuid();
        if request.method == Method::OPTIONS {
            return preflight(request);
        }
        let token = match self.tokens.bearer(request, now) {
            Ok(token) => token,
            Err(answer) => return answer.correlated(&id),
        };
        let (allowed, most) = (self.rate_headers, self.requests_per_minute);
        let rate = self.rates.entry(token).or_insert_with(|| Window::minute(most));
        rate.most = most;
        let takes = rate.takes(now);
        let seconds = rate.seconds_left(now).max(1);
        let truth = (most, rate.count(now), seconds);
        let answer = match takes {
            true => self.api(surface, request, now),
            false => Answer::too_many(seconds),
        };
        let (allowed, count, reset) = match allowed {
            Some((allowed, count, reset)) => {
                (allowed.to_string(), count.to_string(), reset.to_string())
            }
            None => (truth.0.to_string(), truth.1.to_string(), truth.2.to_string()),
        };
        answer
            .with(HeaderName::from_static("inin-ratelimit-allowed"), &allowed)
            .with(HeaderName::from_static("inin-ratelimit-count"), &count)
            .with(HeaderName::from_static("inin-ratelimit-reset"), &reset)
            .correlated(&id)
    }

    fn api(&mut self, surface: Surface, request: &Request, now: Timestamp) -> Answer {
        let missing = permission(surface, &request.method)
            .filter(|permission| self.missing_permissions.contains(*permission));
        if let Some(permission) = missing {
            return forbidden(permission);
        }
        match surface {
            Surface::Deployments => deployments::deployments(self, request, now),
            Surface::Configurations => deployments::configurations(self, request, now),
            Surface::Topics => Answer::ok(&topics::list()),
            Surface::Channels => notifications::channels(self, request, now),
            Surface::Subscriptions => subscriptions::answer(self, request, now),
            Surface::Audits => audits::answer(self, request, now),
            Surface::Analytics => conversations::answer(self, request),
            Surface::SeedChannels => seeds::channel(self, request, now),
            Surface::SeedWebhooks => seeds::webhooks(self, request),
            Surface::SeedAudits => seeds::audits(self, request),
            Surface::Users => oauth::no_user(),
            _ => Answer::not_found("The requested resource"),
        }
    }
}

fn permission(surface: Surface, method: &Method) -> Option<&'static str> {
    let reads = *method == Method::GET || *method == Method::HEAD;
    match surface {
        Surface::Deployments if reads => Some("webDeployments:deployment:view"),
        Surface::Deployments => Some("webDeployments:deployment:edit"),
        Surface::Configurations if reads => Some("webDeployments:configuration:view"),
        Surface::Configurations => Some("webDeployments:configuration:edit"),
        Surface::Audits => Some("audits:audit:view"),
        Surface::Analytics => Some("analytics:conversationDetail:view"),
        _ => None,
    }
}

fn forbidden(permission: &str) -> Answer {
    let message = format!(
        "Unable to perform the requested action. You are missing the following permission(s): \
         {permission}"
    );
    Answer::error(StatusCode::FORBIDDEN, "missing.any.permissions", &message)
}

/// What a page's script is told before it may ask.
fn preflight(request: &Request) -> Answer {
    let origin = request.header("origin").unwrap_or("*").to_owned();
    let headers = request.header("access-control-request-headers").unwrap_or_default().to_owned();
    Answer::empty(StatusCode::NO_CONTENT)
        .with(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, &origin)
        .with(http::header::ACCESS_CONTROL_ALLOW_HEADERS, &headers)
        .with(http::header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, DELETE")
}

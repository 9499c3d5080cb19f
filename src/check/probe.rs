//! The kinds of probe, each with its parameters.

use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::conversation::{Place, Step};
use super::fetch::{Fetch, Method};
use super::header::Header;
use super::messaging::Messaging;
use super::target::{Scheme, Target};

/// What is asked of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe {
    /// Open a WebSocket as a page would (RFC 6455 section 4.1).
    Websocket(Websocket),
    /// Open a messenger's socket, and go on as its guests do.
    Messaging(Messaging),
    /// Ask as a page of another origin does, and judge whether it may read the answer.
    Cors(Cors),
    /// Ask over HTTP, and judge the answer.
    Http(Http),
    /// Shake hands and judge the chain that is served.
    Tls,
}

impl Probe {
    /// Which kind it is.
    pub fn kind(&self) -> ProbeKind {
        match self {
            Self::Websocket(_) => ProbeKind::Websocket,
            Self::Messaging(_) => ProbeKind::Messaging,
            Self::Cors(_) => ProbeKind::Cors,
            Self::Http(_) => ProbeKind::Http,
            Self::Tls => ProbeKind::Tls,
        }
    }
}

/// Parameters of a CORS probe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cors {
    /// What the page asks.
    pub fetch: Fetch,
    /// Whether the request itself is left out: a preflight changes nothing.
    pub preflight_only: bool,
    /// Which answers are good, once the page may read them.
    pub statuses: WantedStatuses,
    /// Whether, and how, origins are tried that the server must not take for the page's.
    pub forgeries: Forgeries,
}

/// Parameters of an HTTP probe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Http {
    /// What is asked with.
    pub method: Method,
    /// Headers beyond those that every request has.
    pub headers: Vec<Header>,
    /// What is sent.
    pub body: Option<String>,
    /// Which answers are good.
    pub statuses: WantedStatuses,
    /// What the answer must hold, as JSON.
    pub places: Vec<Place>,
    /// Headers that the answer must not have, in lower case.
    pub forbidden: Vec<String>,
}

impl Http {
    /// The same request with a text as its body, which brings its own `Content-Type` where no
    /// header does; `None` where the method has no body.
    pub fn with_body(mut self, body: String) -> Option<Self> {
        if matches!(self.method.as_str(), "GET" | "HEAD") {
            return None;
        }
        if !self.headers.iter().any(|header| header.name() == "content-type") {
            let kind = match serde_json::from_str::<IgnoredAny>(&body) {
                Ok(_) => "application/json",
                Err(_) => "text/plain;charset=UTF-8",
            };
            self.headers.push(Header::new("content-type", kind).ok()?);
        }
        Some(Self { body: Some(body), ..self })
    }

    /// Whether both ask the same; the values of headers may be secrets that are rotated.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let names = |http: &Self| {
            http.headers.iter().map(|header| header.name().to_owned()).collect::<Vec<_>>()
        };
        let same_headers = names(self) == names(other);
        same_headers
            && Self { headers: Vec::new(), ..self.clone() }
                == Self { headers: Vec::new(), ..other.clone() }
    }
}

/// The statuses that an answer may have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WantedStatuses {
    /// All but 404, 410 and 5xx: a page that is asked to log in is a page that may read that.
    #[default]
    Usual,
    /// 200 to 299.
    Success,
    /// These and no other.
    Listed(Vec<u16>),
}

impl WantedStatuses {
    /// Whether a status is one of them.
    pub fn contains(&self, status: u16) -> bool {
        match self {
            Self::Usual => !matches!(status, 404 | 410 | 500..),
            Self::Success => matches!(status, 200..=299),
            Self::Listed(statuses) => statuses.contains(&status),
        }
    }
}

/// How forged origins are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Forgeries {
    /// Not at all.
    Never,
    /// One in every tenth run, each in its turn.
    #[default]
    InTurn,
    /// Every one in each run.
    All,
}

/// Parameters of a WebSocket probe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Websocket {
    /// Headers beyond those of the handshake.
    pub headers: Vec<Header>,
    /// Offered in this order; the server must then choose one of them.
    pub subprotocols: Vec<String>,
    /// What is said once the socket is open. Empty: the handshake alone is judged.
    pub conversation: Vec<Step>,
    /// Statuses that count as a refusal of the origin. Others refuse for some other reason.
    pub refusal_statuses: RefusalStatuses,
}

/// The statuses with which a server says "not from this page".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalStatuses(Vec<u16>);

impl RefusalStatuses {
    /// Client errors only: a redirect or a server error says nothing about an origin.
    pub fn new(statuses: Vec<u16>) -> Option<Self> {
        let legal = !statuses.is_empty() && statuses.iter().all(|s| (400..500).contains(s));
        legal.then_some(Self(statuses))
    }

    /// Whether a status is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.contains(&status)
    }
}

impl Default for RefusalStatuses {
    /// 401 and 403, as most servers answer; socket.io wants 400 added.
    fn default() -> Self {
        Self(vec![401, 403])
    }
}

/// A kind of probe, without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProbeKind {
    /// [`Probe::Websocket`].
    Websocket,
    /// [`Probe::Messaging`].
    Messaging,
    /// [`Probe::Cors`].
    Cors,
    /// [`Probe::Http`].
    Http,
    /// [`Probe::Tls`].
    Tls,
}

impl ProbeKind {
    /// Every kind, in the order of output.
    pub const ALL: [Self; 5] =
        [Self::Websocket, Self::Messaging, Self::Cors, Self::Http, Self::Tls];

    /// The word in labels, config and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Messaging => "messaging",
            Self::Cors => "cors",
            Self::Http => "http",
            Self::Tls => "tls",
        }
    }

    /// The kind that a word stands for.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether it can be asked of what a URL speaks.
    pub fn is_asked_of(self, target: &Target) -> bool {
        match self {
            Self::Websocket | Self::Messaging => target.scheme != Scheme::Tls,
            Self::Cors | Self::Http => matches!(target.scheme, Scheme::Http | Scheme::Https),
            Self::Tls => target.scheme.is_tls(),
        }
    }

    /// Whether it opens a WebSocket.
    pub fn is_of_a_socket(self) -> bool {
        matches!(self, Self::Websocket | Self::Messaging)
    }

    /// Whether a page stands behind it, so that there is one check for each origin.
    pub fn has_origin(self) -> bool {
        match self {
            Self::Websocket | Self::Messaging | Self::Cors => true,
            Self::Http | Self::Tls => false,
        }
    }
}

impl fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

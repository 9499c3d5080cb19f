//! The doors, each right or wrong in one way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN, VARY};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use tokio_tungstenite::tungstenite::Message;

use crate::edge::Behaviour;
use crate::edge::authority::{Authority, Served};

/// The page that gets in where pages do.
pub const ALLOWED: &str = "https://allowed.canary.invalid";

/// What a messenger says to a guest who asks.
const CONFIGURATION: &str =
    r#"{"type":"response","class":"GetConfigurationResponse","code":200,"body":{}}"#;

/// Every door.
pub const DOORS: [Door; 13] = [
    Door::Good,
    Door::Open,
    Door::Shut,
    Door::Turning,
    Door::Untrusted,
    Door::Expired,
    Door::WrongName,
    Door::WrongAccept,
    Door::Silent,
    Door::Readable,
    Door::Unreadable,
    Door::Messenger,
    Door::Parrot,
];

/// A door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Lets the allowed page in alone.
    Good,
    /// Lets everybody in.
    Open,
    /// Lets nobody in.
    Shut,
    /// Lets everybody in every other time.
    Turning,
    /// Has a certificate of another CA.
    Untrusted,
    /// Has one that has expired.
    Expired,
    /// Has one for another host.
    WrongName,
    /// Answers another key.
    WrongAccept,
    /// Never answers.
    Silent,
    /// Answers requests, and lets the allowed page read them.
    Readable,
    /// Answers requests, and says nothing of who may read.
    Unreadable,
    /// Tells a guest how the deployment is configured.
    Messenger,
    /// Says what a guest says.
    Parrot,
}

impl Door {
    /// The host that is asked for.
    pub fn host(self) -> String {
        format!("{self:?}.canary.invalid").to_ascii_lowercase()
    }

    /// Its certificate; all but the expired one outlive the daemon, which may run for years, and
    /// begin long before it: a clock that was wrong at the start may be set right.
    pub fn certificate(
        self,
        authority: &Authority,
        stranger: &Authority,
    ) -> Result<Served, rcgen::Error> {
        let host = self.host();
        match self {
            Self::Untrusted => stranger.issue(&[&host], -3600, 3600),
            Self::Expired => authority.issue(&[&host], -3600, -1800),
            Self::WrongName => authority.issue(&["other.canary.invalid"], -3600, 3600),
            _ => authority.issue(&[&host], -3600, 3600),
        }
    }

    /// Whether it answers requests, and opens no WebSockets.
    pub fn is_of_http(self) -> bool {
        matches!(self, Self::Readable | Self::Unreadable)
    }

    /// Whether those who come are guests of a messenger.
    pub fn is_of_guests(self) -> bool {
        matches!(self, Self::Messenger | Self::Parrot)
    }

    /// What it does with visitors.
    pub fn behaviour(self, turning: &Turning) -> impl Behaviour + use<> {
        Doorman { door: self, turning: turning.clone() }
    }
}

/// Whether the turning door is open.
#[derive(Debug, Clone, Default)]
pub struct Turning(Arc<AtomicBool>);

impl Turning {
    /// Turns it to where it stands in this round.
    pub fn turn(&self, round: u64) {
        self.0.store(round.is_multiple_of(2), Ordering::SeqCst);
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

struct Doorman {
    door: Door,
    turning: Turning,
}

impl Behaviour for Doorman {
    fn admits(&self, origin: Option<&str>) -> bool {
        match self.door {
            Door::Good => origin == Some(ALLOWED),
            Door::Shut => false,
            Door::Turning => self.turning.is_open(),
            // Whoever came as far as here has overlooked the certificate.
            _ => true,
        }
    }

    fn delay(&self) -> Option<Duration> {
        (self.door != Door::Silent).then_some(Duration::ZERO)
    }

    fn is_of_http(&self) -> bool {
        self.door.is_of_http()
    }

    fn respond(&self, request: &Parts) -> Response<()> {
        let mut response = Response::default();
        if request.method == Method::OPTIONS {
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        if self.door == Door::Readable
            && request.headers.get(ORIGIN).is_some_and(|page| page == ALLOWED)
        {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static(ALLOWED));
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("PUT"));
        }
        response
    }

    fn say(&self, message: Message) -> Message {
        match self.door {
            Door::Messenger if message.is_text() => Message::text(CONFIGURATION),
            _ => message,
        }
    }

    fn accept(&self) -> Option<&'static str> {
        // The answer to the key of RFC 6455's example.
        (self.door == Door::WrongAccept).then_some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }
}

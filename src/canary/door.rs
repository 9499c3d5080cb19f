//! The doors, each right or wrong in one way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::edge::Behaviour;
use crate::edge::authority::{Authority, Served};

/// The page that gets in where pages do.
pub const ALLOWED: &str = "https://allowed.canary.invalid";

/// Every door.
pub const DOORS: [Door; 11] = [
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

    fn head(&self, method: &str, origin: Option<&str>) -> Option<String> {
        let cors = match self.door {
            Door::Readable if origin == Some(ALLOWED) => format!(
                "Access-Control-Allow-Origin: {ALLOWED}\r\nAccess-Control-Allow-Methods: PUT\r\n"
            ),
            Door::Readable | Door::Unreadable => String::new(),
            _ => return None,
        };
        let status = if method == "OPTIONS" { "204 No Content" } else { "200 OK" };
        Some(format!("HTTP/1.1 {status}\r\n{cors}Vary: Origin\r\nContent-Length: 0\r\n\r\n"))
    }

    fn accept(&self) -> Option<&'static str> {
        // The answer to the key of RFC 6455's example.
        (self.door == Door::WrongAccept).then_some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }
}

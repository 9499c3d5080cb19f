//! The doors of the demo's edge, each wrong in one way.

use std::time::Duration;

use crate::edge::Behaviour;
use crate::edge::authority::{Authority, Served};

/// Every door.
pub const DOORS: [Door; 9] = [
    Door::Good,
    Door::Forgetful,
    Door::Open,
    Door::Expired,
    Door::Expiring,
    Door::WrongName,
    Door::MissingIntermediate,
    Door::Slow,
    Door::Silent,
];

/// A door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Nothing is wrong.
    Good,
    /// The shop's origin is missing from the allow list.
    Forgetful,
    /// Every origin is let in.
    Open,
    /// The certificate has expired.
    Expired,
    /// The certificate ends in a few days.
    Expiring,
    /// The certificate is for another host.
    WrongName,
    /// The intermediate certificate is not served.
    MissingIntermediate,
    /// The upgrade takes 700 ms.
    Slow,
    /// The upgrade is never answered.
    Silent,
}

impl Door {
    /// The endpoint's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Forgetful => "forgetful",
            Self::Open => "open",
            Self::Expired => "expired",
            Self::Expiring => "expiring",
            Self::WrongName => "wrong-name",
            Self::MissingIntermediate => "missing-intermediate",
            Self::Slow => "slow",
            Self::Silent => "silent",
        }
    }

    /// What is wrong with it, in a line.
    pub fn trouble(self) -> &'static str {
        match self {
            Self::Good => "nothing is wrong: the shop gets in, others are refused",
            Self::Forgetful => "the shop's origin is missing from the allow list",
            Self::Open => "every origin is let in, also one that must be refused",
            Self::Expired => "the certificate expired ten days ago",
            Self::Expiring => "the certificate of 90 days ends in 4",
            Self::WrongName => "the certificate is for another host",
            Self::MissingIntermediate => "the intermediate certificate is not served",
            Self::Slow => "the upgrade takes 700 ms",
            Self::Silent => "the upgrade is never answered",
        }
    }

    /// The host that is asked for.
    pub fn asked_host(self) -> String {
        format!("{}.edge.example", self.name())
    }

    /// Its certificate.
    pub fn certificate(self, authority: &Authority) -> Result<Served, rcgen::Error> {
        let host = self.asked_host();
        match self {
            Self::Expired => authority.issue(&[&host], -100, -10),
            Self::Expiring => authority.issue(&[&host], -86, 5),
            Self::WrongName => authority.issue(&["other.edge.example"], -30, 60),
            Self::MissingIntermediate => {
                let mut served = authority.issue(&[&host], -30, 60)?;
                served.chain.truncate(1);
                Ok(served)
            }
            _ => authority.issue(&[&host], -30, 60),
        }
    }
}

impl Behaviour for Door {
    fn delay(&self) -> Option<Duration> {
        match self {
            Self::Slow => Some(Duration::from_millis(700)),
            Self::Silent => None,
            _ => Some(Duration::ZERO),
        }
    }

    fn admits(&self, origin: Option<&str>) -> bool {
        match self {
            Self::Open => true,
            Self::Forgetful => origin == Some("https://m.shop.example"),
            _ => matches!(origin, Some("https://www.shop.example" | "https://m.shop.example")),
        }
    }
}

//! Do real users and our probes agree? Judged endpoint by endpoint and minute by minute. Pure.

pub mod conversation;
pub mod journal;
pub mod mapping;
pub mod poisson;
pub mod series;
pub mod sights;
pub mod users;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::endpoint::EndpointName;

/// How windows are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long after its end a window is judged first.
    pub settle: Duration,
    /// Against what a silence is held.
    pub silence: Silence,
}

impl Default for Settings {
    fn default() -> Self {
        Self { settle: Duration::from_secs(120), silence: Silence::default() }
    }
}

/// Against what a silence of the users is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Silence {
    /// The same hour of earlier weeks and the last hours: without the former there is none.
    #[default]
    Weeks,
    /// The last hours alone suffice: for sites that never sleep.
    Hours,
    /// Nothing is.
    Off,
}

/// A minute of event time: minutes since 1970.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct Minute(pub i64);

impl Minute {
    /// The minute that a moment is in.
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_second().div_euclid(60))
    }

    /// Its first moment.
    pub fn begin(self) -> Timestamp {
        Timestamp::from_second(self.0.saturating_mul(60)).unwrap_or(Timestamp::MIN)
    }
}

/// What the probes of an endpoint saw in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probes {
    /// The door was open.
    Good,
    /// It was not.
    Bad,
    /// Nobody can tell: no conclusive run, or a blind monitor.
    Unknown,
}

/// How the users of an endpoint fared in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Users {
    /// As always.
    Normal,
    /// More of their conversations fail than chance allows for.
    Failing,
    /// Nobody writes, where chance does not allow for that.
    Silent,
    /// Nobody writes, and that proves nothing.
    NoTraffic,
}

/// What the two say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correlation {
    /// Both see that all is well.
    BothOk,
    /// The probes fail, and the users do not notice: a false alarm.
    ProbeOnly,
    /// The users fail, and the probes do not notice: a blind spot.
    UsersOnly,
    /// Both see the same outage.
    BothBad,
    /// One of the two says nothing.
    Unjudged,
}

impl Correlation {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::BothOk, Self::ProbeOnly, Self::UsersOnly, Self::BothBad, Self::Unjudged];

    /// The four-way result.
    pub fn between(probes: Probes, users: Users) -> Self {
        match (probes, users) {
            (Probes::Unknown, _) | (_, Users::NoTraffic) => Self::Unjudged,
            (Probes::Good, Users::Normal) => Self::BothOk,
            (Probes::Good, Users::Failing | Users::Silent) => Self::UsersOnly,
            (Probes::Bad, Users::Normal) => Self::ProbeOnly,
            (Probes::Bad, Users::Failing | Users::Silent) => Self::BothBad,
        }
    }

    /// The word in labels, in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BothOk => "both_ok",
            Self::ProbeOnly => "probe_only",
            Self::UsersOnly => "users_only",
            Self::BothBad => "both_bad",
            Self::Unjudged => "unjudged",
        }
    }
}

impl fmt::Display for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One minute of one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Whose users and probes.
    pub endpoint: EndpointName,
    /// When.
    pub minute: Minute,
    /// What the probes saw.
    pub probes: Probes,
    /// How the users fared.
    pub users: Users,
    /// What the two say together.
    pub correlation: Correlation,
    /// Conversations that began in it.
    pub started: u32,
    /// Conversations that ended or failed in it.
    pub ended: u32,
    /// Those of them that failed.
    pub failed: u32,
}

//! How far a messenger's guest goes: the rungs of a ladder, and what is said on the last one.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::header::Header;
use super::probe::RefusalStatuses;
use crate::event::key::Key;

/// How far a guest goes. Each rung includes those below it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Deserialize, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The socket opens.
    Upgrade,
    /// The application says how the deployment is configured.
    #[default]
    Configuration,
    /// A session is configured, and echoes.
    Session,
    /// A message is sent: that begins a conversation.
    Message,
}

impl Level {
    /// Every rung, the lowest first.
    pub const ALL: [Self; 4] = [Self::Upgrade, Self::Configuration, Self::Session, Self::Message];

    /// The word in the config and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Configuration => "configuration",
            Self::Session => "session",
            Self::Message => "message",
        }
    }

    /// What a guest has seen who came so far, in plain words.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Upgrade => "the socket opened",
            Self::Configuration => "the application told how the deployment is configured",
            Self::Session => "the guest was given a session",
            Self::Message => "a message arrived and came back",
        }
    }

    /// The rung that a word stands for.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }

    /// Which rung it is, from 1.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Parameters of a messaging probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Messaging {
    /// How far it goes.
    pub level: Level,
    /// The messenger deployment that is asked about.
    pub deployment: Key,
    /// Headers beyond those of the handshake.
    pub headers: Vec<Header>,
    /// Statuses that count as a refusal of the origin.
    pub refusal_statuses: RefusalStatuses,
    /// What is told of the guest with a message.
    pub attributes: BTreeMap<String, String>,
}

impl Messaging {
    /// The attribute that says which endpoint a message is for: by it, events of the conversation
    /// are known to be of a probe.
    pub const PROBE_ATTRIBUTE: &str = "watchpost";

    /// Most that may be told of a guest, as JSON.
    pub const MAX_ATTRIBUTES_BYTES: usize = 2048;

    /// A probe of a deployment, as far as the default goes.
    pub fn of(deployment: Key) -> Self {
        Self {
            level: Level::default(),
            deployment,
            headers: Vec::new(),
            refusal_statuses: RefusalStatuses::default(),
            attributes: BTreeMap::new(),
        }
    }

    /// Whether both ask the same; the values of headers may be secrets that are rotated.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        self.level == other.level
            && self.deployment == other.deployment
            && self.refusal_statuses == other.refusal_statuses
            && self.attributes == other.attributes
    }
}

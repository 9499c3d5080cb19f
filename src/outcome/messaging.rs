//! What a messenger's guest saw behind an open door.

use std::fmt;

use super::quoted::Quoted;
use super::reason::Reason;
use super::warning::Remark;
use crate::check::messaging::Level;

/// What a run saw of the messaging application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The highest rung that was reached.
    pub reached: Option<Level>,
    /// Sessions of this deployment are not asked for any more: one of them began a conversation.
    pub stopped: bool,
    /// It was told that guests must be known, or that its page may not be there.
    pub turned_away: bool,
    /// The id of the message that was sent, by which the contact centre knows its conversation.
    pub message: Option<Quoted>,
    /// What is to be said besides.
    pub remarks: Vec<Remark>,
}

/// Why a guest does not get on, whichever code says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trouble {
    /// 4000.
    Unavailable,
    /// 4001 to 4005, 4008 to 4010, 4102: of files, which a probe never sends.
    Attachment,
    /// 4006.
    SessionExpired,
    /// 4007.
    SessionNotFound,
    /// 4011.
    TooLong,
    /// 4013.
    AttributesTooLarge,
    /// 4017.
    Authenticated,
    /// 4020, 400.
    BadRequest,
    /// 404.
    DeploymentUnknown,
    /// 408.
    TimedOut,
    /// 4029, 429.
    Throttled,
    /// 5000, 5xx.
    ServerError,
    /// Any other code.
    Error,
    /// No envelope at all.
    Malformed,
    /// The application sent the guest away.
    ConnectionClosed,
    /// The session takes no messages, also after it was asked to begin anew.
    ReadOnly,
    /// A conversation began by itself.
    AutoStarted,
}

impl Trouble {
    /// Every one.
    pub const ALL: [Self; 17] = [
        Self::Unavailable,
        Self::Attachment,
        Self::SessionExpired,
        Self::SessionNotFound,
        Self::TooLong,
        Self::AttributesTooLarge,
        Self::Authenticated,
        Self::BadRequest,
        Self::DeploymentUnknown,
        Self::TimedOut,
        Self::Throttled,
        Self::ServerError,
        Self::Error,
        Self::Malformed,
        Self::ConnectionClosed,
        Self::ReadOnly,
        Self::AutoStarted,
    ];

    /// The label.
    pub fn reason(self) -> Reason {
        match self {
            Self::Unavailable => Reason::MessagingUnavailable,
            Self::Attachment => Reason::MessagingAttachment,
            Self::SessionExpired => Reason::MessagingSessionExpired,
            Self::SessionNotFound => Reason::MessagingSessionNotFound,
            Self::TooLong => Reason::MessagingTooLong,
            Self::AttributesTooLarge => Reason::MessagingAttributesTooLarge,
            Self::Authenticated => Reason::MessagingAuthenticated,
            Self::BadRequest => Reason::MessagingBadRequest,
            Self::DeploymentUnknown => Reason::MessagingDeploymentUnknown,
            Self::TimedOut => Reason::MessagingTimeout,
            Self::Throttled => Reason::MessagingThrottled,
            Self::ServerError => Reason::MessagingServerError,
            Self::Error => Reason::MessagingError,
            Self::Malformed => Reason::MessagingMalformed,
            Self::ConnectionClosed => Reason::MessagingConnectionClosed,
            Self::ReadOnly => Reason::MessagingReadOnly,
            Self::AutoStarted => Reason::MessagingAutoStarted,
        }
    }

    /// Whether another token may help: the session of this one is no more.
    pub fn is_of_the_token(self) -> bool {
        matches!(self, Self::SessionExpired | Self::SessionNotFound | Self::Authenticated)
    }
}

/// What the application said to a guest who does not get on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What that means.
    pub trouble: Trouble,
    /// The code that it gave.
    pub code: Option<u32>,
    /// What it said.
    pub said: Quoted,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.said.as_str()) {
            (Some(code), "") => write!(f, "code {code}"),
            (Some(code), said) => write!(f, "code {code}, {said:?}"),
            (None, said) => f.write_str(said),
        }
    }
}

//! Why a question got no answer that can be used, and what to do about it.

mod error_body;

use std::fmt;
use std::time::Duration;

pub use error_body::{classify, refused_token};

use super::api::Api;
use crate::event::key::Key;
use crate::outcome::quoted::Quoted;

/// A question without an answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What was asked.
    pub api: Api,
    /// Why.
    pub kind: Kind,
    /// The status, where an answer had one.
    pub status: Option<u16>,
    /// By what Genesys Cloud's support finds the request.
    pub correlation_id: Option<Quoted>,
}

/// Why. `said` is what the server wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    /// No client of that id.
    #[error("there is no OAuth client of that id in this region")]
    WrongRegion,
    /// The client is there, and its secret is another.
    #[error("the OAuth client's secret is wrong")]
    WrongSecret,
    /// Something else about the client.
    #[error("no token was given: \"{said}\"")]
    BadClient {
        /// What the server wrote.
        said: Quoted,
    },
    /// A token is needed, and there is nothing to ask for one with.
    #[error("there are no credentials")]
    NoCredentials,
    /// Refused with a new token, too.
    #[error("a new token is refused")]
    Unauthorized,
    /// 403 that names what is missing.
    #[error("a permission is missing: {}", listed(.names))]
    MissingPermission {
        /// Which; any of them may do.
        names: Vec<Key>,
    },
    /// 403 that names nothing.
    #[error("it is forbidden: \"{said}\"")]
    Forbidden {
        /// What the server wrote.
        said: Quoted,
    },
    /// 404.
    #[error("it does not exist")]
    NotFound,
    /// 410.
    #[error("it does not exist any more")]
    Gone,
    /// Somebody else wrote in between.
    #[error("somebody else has changed it: \"{said}\"")]
    Conflict {
        /// What the server wrote.
        said: Quoted,
    },
    /// Any other 4xx.
    #[error("the request is wrong: \"{said}\"")]
    BadRequest {
        /// What the server wrote.
        said: Quoted,
    },
    /// The server wants to be left alone.
    #[error("too many requests: the next one in {} s", .wait.as_secs())]
    RateLimited {
        /// For how long, from now.
        wait: Duration,
    },
    /// We have asked enough for now.
    #[error("as many requests as are allowed here are under way: the next one in {} s", .wait.as_secs())]
    Throttled {
        /// For how long, from now.
        wait: Duration,
    },
    /// 5xx.
    #[error("the server failed: \"{said}\"")]
    ServerError {
        /// What the server wrote.
        said: Quoted,
    },
    /// 3xx: nothing is followed.
    #[error("it points elsewhere: \"{to}\"")]
    Redirected {
        /// Where.
        to: Quoted,
    },
    /// A status that nobody asked for.
    #[error("an answer that makes no sense")]
    Nonsense,
    /// Not JSON, or no good JSON.
    #[error("no JSON: {why}")]
    NotJson {
        /// Why it is none.
        why: Quoted,
    },
    /// JSON in which something that must be there is not, or is something else.
    #[error("the answer has no {field}")]
    Malformed {
        /// What is missing.
        field: &'static str,
    },
    /// More than is read.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// As much as is read.
        limit: usize,
    },
    /// Lists in lists in lists.
    #[error("nested more than {limit} deep")]
    TooDeep {
        /// As deep as is read.
        limit: usize,
    },
    /// No time left.
    #[error("no answer in time")]
    TimedOut,
    /// No connection, or one that broke.
    #[error("the network: {said}")]
    Network {
        /// What the system wrote.
        said: Quoted,
    },
    /// No certificate that is believed.
    #[error("TLS: {said}")]
    Tls {
        /// What was wrong.
        said: Quoted,
    },
    /// A URL out of an answer that is none of the region's.
    #[error("{host} is not a host of this region")]
    ForeignUrl {
        /// Whose it is.
        host: Quoted,
    },
    /// What no request can hold.
    #[error("it cannot be asked")]
    Unsendable,
}

impl Kind {
    /// A word for it that never changes its meaning.
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongRegion => "wrong_region",
            Self::WrongSecret => "wrong_secret",
            Self::BadClient { .. } => "bad_client",
            Self::NoCredentials => "no_credentials",
            Self::Unauthorized => "unauthorized",
            Self::MissingPermission { .. } => "missing_permission",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound => "not_found",
            Self::Gone => "gone",
            Self::Conflict { .. } => "conflict",
            Self::BadRequest { .. } => "bad_request",
            Self::RateLimited { .. } => "rate_limited",
            Self::Throttled { .. } => "throttled",
            Self::ServerError { .. } => "server_error",
            Self::Redirected { .. } => "redirected",
            Self::Nonsense => "nonsense",
            Self::NotJson { .. } => "not_json",
            Self::Malformed { .. } => "malformed",
            Self::TooLarge { .. } => "too_large",
            Self::TooDeep { .. } => "too_deep",
            Self::TimedOut => "timed_out",
            Self::Network { .. } => "network",
            Self::Tls { .. } => "tls",
            Self::ForeignUrl { .. } => "foreign_url",
            Self::Unsendable => "unsendable",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::WrongRegion => "Check region and client-id: each region has its own clients.",
            Self::WrongSecret => "Check client-secret; a client's secret may have been renewed.",
            Self::BadClient { .. } => {
                "Make an OAuth client with the grant type Client Credentials, and name it here."
            }
            Self::NoCredentials => "Set client-id and client-secret in [genesys].",
            Self::Unauthorized => {
                "See whether the OAuth client is active and its roles are of this organization."
            }
            Self::MissingPermission { .. } => {
                "Give one of the OAuth client's roles the permission."
            }
            Self::Forbidden { .. } => {
                "See which permission the call needs, and in which division its object is."
            }
            Self::NotFound => "Check the id, and that it is of this organization and region.",
            Self::Gone => "Stop asking for it: this part of the API was removed.",
            Self::Conflict { .. } => "Read it again, and make the change anew.",
            Self::BadRequest { .. } => "See what the server says is wrong.",
            Self::RateLimited { .. } => {
                "Wait; where it goes on, see who else uses this OAuth client."
            }
            Self::Throttled { .. } => "Wait, or raise requests-per-minute.",
            Self::ServerError { .. } => "Wait, and see the status page of Genesys Cloud.",
            Self::Redirected { .. } => {
                "Write the URL that answers itself: redirects are not followed."
            }
            Self::Nonsense | Self::NotJson { .. } | Self::Malformed { .. } => {
                "See what answers at that URL: a proxy or a captive portal may stand in between."
            }
            Self::TooLarge { .. } | Self::TooDeep { .. } => {
                "See what answers at that URL: the API does not write so."
            }
            Self::TimedOut | Self::Network { .. } => {
                "See whether this machine reaches the host; proxies come from HTTPS_PROXY."
            }
            Self::Tls { .. } => {
                "See who is in between; name the CA of a proxy of your own with ca-file."
            }
            Self::ForeignUrl { .. } => {
                "Check region; a surface that is elsewhere has a key of its own, such as api-url."
            }
            Self::Unsendable => "Report this: it is a bug.",
        }
    }

    /// How long the server, or we ourselves, want no more of it.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { wait } | Self::Throttled { wait } => Some(*wait),
            _ => None,
        }
    }
}

impl Trouble {
    /// One without an answer.
    pub fn new(api: Api, kind: Kind) -> Self {
        Self { api, kind, status: None, correlation_id: None }
    }
}

impl std::error::Error for Trouble {}

impl fmt::Display for Trouble {
    /// On one line, for logs and terminals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.api, self.kind)?;
        if let Some(status) = self.status {
            write!(f, " (status {status}")?;
            if let Some(id) = &self.correlation_id {
                write!(f, ", correlation id {id}")?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

fn listed(names: &[Key]) -> String {
    names.iter().map(Key::as_str).collect::<Vec<_>>().join(" or ")
}

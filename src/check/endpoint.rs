//! A named thing that is watched: where it is, how it is reached, whom it trusts, who owns it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize, Serializer};

use super::health_policy::HealthPolicy;
use super::target::{ConnectTo, Target};
use super::users::Users;
use crate::event::key::Key;

/// A watched thing.
#[derive(Debug, PartialEq)]
pub struct Endpoint {
    /// The label.
    pub name: EndpointName,
    /// Its URL.
    pub target: Target,
    /// How it is reached.
    pub reach: Reach,
    /// Whom its certificate must come from.
    pub trust: Trust,
    /// Who we are, where the endpoint asks for a client certificate.
    pub identity: Option<Identity>,
    /// Whose it is.
    pub owner: Owner,
    /// When its checks change their health.
    pub health: HealthPolicy,
    /// The share of runs that must pass, between 0 and 1.
    pub slo: f64,
    /// Runs against this endpoint at a time.
    pub max_inflight: usize,
    /// The messenger deployment whose connections are counted, where it is one.
    pub deployment: Option<Key>,
    /// Whose conversations with the contact centre tell of it; none where it takes no users.
    pub users: Option<Users>,
}

impl Endpoint {
    /// One that is asked now and belongs to nobody: by its own name, and one run at a time.
    pub fn alone(name: EndpointName, target: Target) -> Self {
        Self {
            name,
            target,
            reach: Reach::default(),
            trust: Trust::default(),
            identity: None,
            owner: Owner::default(),
            health: HealthPolicy::default(),
            slo: 0.995,
            max_inflight: 1,
            deployment: None,
            users: None,
        }
    }
}

/// The label of an endpoint: letters, digits, `.`, `_` and `-`, at most 64 of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct EndpointName(Arc<str>);

/// Begins names that no config can give.
const INTERNAL: char = '~';

impl EndpointName {
    /// A name that no config can give: of something that this program asks of itself.
    pub fn internal(text: &str) -> Self {
        Self(format!("{INTERNAL}{text}").into())
    }

    /// What such a name was made of; none of another.
    pub fn internal_part(name: &str) -> Option<&str> {
        name.strip_prefix(INTERNAL)
    }
}

impl TryFrom<String> for EndpointName {
    type Error = EndpointNameError;

    fn try_from(text: String) -> Result<Self, EndpointNameError> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if (1..=64).contains(&text.len()) && text.chars().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err(EndpointNameError)
        }
    }
}

impl Serialize for EndpointName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Deref for EndpointName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot be a label and a part of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 64 letters, digits, '.', '_' or '-'")]
pub struct EndpointNameError;

/// How an endpoint is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Reach {
    /// Dial this instead of what the name resolves to.
    pub connect_to: Option<ConnectTo>,
    /// Which addresses of the name count.
    pub family: AddressFamily,
}

/// Which addresses of a name are dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressFamily {
    /// All that this machine has a route to.
    #[default]
    Any,
    /// A records only.
    Ipv4,
    /// AAAA records only.
    Ipv6,
}

/// Whom a chain must lead to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Trust {
    /// The machine's own roots.
    #[default]
    System,
    /// These, and no others.
    Anchors(Arc<[CertificateDer<'static>]>),
}

/// A client certificate with its key; the two are known to belong together.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// Takes a pair that rustls has matched.
    pub fn new(key: CertifiedKey) -> Self {
        Self(Arc::new(key))
    }

    /// As rustls wants it.
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        self.0.clone()
    }
}

impl PartialEq for Identity {
    /// One certificate has one key.
    fn eq(&self, other: &Self) -> bool {
        self.0.cert == other.0.cert
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.0.cert.len())
    }
}

/// Whose an endpoint is: labels of its info metric, for routing and for the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owner {
    /// Who is paged.
    pub team: String,
    /// How much it matters.
    pub tier: String,
    /// Where to read on.
    pub runbook: String,
}

//! What is watched: the unit of scheduling and its parts. No runtime, no clock, no IO.

pub mod cadence;
pub mod conversation;
pub mod difference;
pub mod endpoint;
pub mod fetch;
pub mod header;
pub mod health_policy;
pub mod messaging;
pub mod origin;
pub mod probe;
pub mod target;
pub mod users;

use std::fmt;
use std::sync::Arc;

use cadence::Cadence;
use endpoint::Endpoint;
use origin::{Expect, OriginRule};
use probe::{Probe, ProbeKind};

use crate::event::key::Key;

/// One scheduled unit and one label set: an endpoint, what is asked of it, and for which page.
#[derive(Debug, Clone)]
pub struct Check {
    /// Stable over restarts and reloads.
    pub id: CheckId,
    /// What is watched.
    pub endpoint: Arc<Endpoint>,
    /// What is asked, and with which parameters.
    pub probe: Arc<Probe>,
    /// The page that asks. `None` for probes that no page stands behind, such as `tls`.
    pub origin: Option<Arc<OriginRule>>,
    /// When it runs.
    pub cadence: Cadence,
    /// A page of the same endpoint that must get in, where another must be refused: a refusal
    /// proves nothing about a door that is shut to everybody.
    pub control: Option<Arc<OriginRule>>,
}

impl PartialEq for Check {
    /// The control follows from the other origins of the endpoint: it is no part of what this
    /// check asks.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.endpoint == other.endpoint
            && self.probe == other.probe
            && self.origin == other.origin
            && self.cadence == other.cadence
    }
}

impl Check {
    /// A check; its id follows from its parts.
    pub fn new(
        endpoint: Arc<Endpoint>,
        probe: Arc<Probe>,
        origin: Option<Arc<OriginRule>>,
        cadence: Cadence,
    ) -> Self {
        let id = CheckId::new(&endpoint.name, probe.kind(), origin.as_deref());
        Self { id, endpoint, probe, origin, cadence, control: None }
    }

    /// The same check, beside a page that must get in.
    pub fn beside(self, control: Option<Arc<OriginRule>>) -> Self {
        Self { control, ..self }
    }

    /// The deployment whose connections its runs take.
    pub fn deployment(&self) -> Option<&Key> {
        self.endpoint.deployment.as_ref().filter(|_| self.probe.kind().is_of_a_socket())
    }

    /// Whether getting in is what this check wants to see.
    pub fn expect(&self) -> Expect {
        self.origin.as_ref().map_or(Expect::Allow, |rule| rule.expect)
    }
}

/// `endpoint/probe` or `endpoint/probe/origin`: the key of a check in the store and in links.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CheckId(Arc<str>);

impl CheckId {
    fn new(endpoint: &str, kind: ProbeKind, origin: Option<&OriginRule>) -> Self {
        Self(match origin {
            Some(rule) => format!("{endpoint}/{kind}/{}", rule.name).into(),
            None => format!("{endpoint}/{kind}").into(),
        })
    }

    /// An id as it was written down earlier.
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

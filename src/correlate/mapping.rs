//! Whose users a conversation's are: in layers, the surest first.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::check::endpoint::{Endpoint, EndpointName};
use crate::check::users::Users;
use crate::event::AnalyticsEvent;
use crate::event::key::Key;

/// Ids of one kind that are kept of a conversation: the first in their order, so that it does not
/// matter which came first.
const MAX_IDS: usize = 8;

/// By what a conversation was mapped; a lower one goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A probe's own conversation.
    Probe,
    /// The event names the deployment.
    Deployment,
    /// What the customer wrote to is a known deployment or a listed address.
    Address,
    /// A listed queue or flow.
    Route,
    /// Nothing but the time: there is only one endpoint that takes users.
    Window,
}

/// What the events of a conversation say of where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    deployments: BTreeSet<Key>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    addresses: BTreeSet<Key>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    queues: BTreeSet<Key>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    flows: BTreeSet<Key>,
}

impl Evidence {
    /// Of one event.
    pub fn of(event: &AnalyticsEvent) -> Self {
        let set = |id: &Option<Key>| id.iter().cloned().collect();
        Self {
            deployments: set(&event.deployment),
            addresses: set(&event.address_to),
            queues: set(&event.queue),
            flows: set(&event.flow),
        }
    }

    /// Both together.
    pub fn merge(&mut self, other: Self) {
        let sets = [
            (&mut self.deployments, other.deployments),
            (&mut self.addresses, other.addresses),
            (&mut self.queues, other.queues),
            (&mut self.flows, other.flows),
        ];
        for (mine, theirs) in sets {
            mine.extend(theirs);
            while mine.len() > MAX_IDS {
                mine.pop_last();
            }
        }
    }
}

/// Which ids stand for which endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    deployments: HashMap<Key, EndpointName>,
    addresses: HashMap<Key, EndpointName>,
    queues: HashMap<Key, EndpointName>,
    flows: HashMap<Key, EndpointName>,
    takers: BTreeSet<EndpointName>,
}

impl Mapping {
    /// Of these endpoints, in the order of the config.
    pub fn new<'a>(endpoints: impl IntoIterator<Item = &'a Endpoint>) -> Self {
        let users = |endpoint: &'a Endpoint| Some((&endpoint.name, endpoint.users.as_ref()?));
        let takers: Vec<_> = endpoints.into_iter().filter_map(users).collect();
        let mut mapping = Self::default();
        for (name, users) in &takers {
            mapping.takers.insert((*name).clone());
            let Users { deployments, addresses, queues, flows, of_url: _ } = users;
            let kinds = [
                (&mut mapping.deployments, deployments),
                (&mut mapping.addresses, addresses),
                (&mut mapping.queues, queues),
                (&mut mapping.flows, flows),
            ];
            for (map, ids) in kinds {
                for id in ids {
                    map.entry(id.clone()).or_insert_with(|| (*name).clone());
                }
            }
        }
        // Behind all that is listed: several endpoints may serve one deployment, and its users are
        // those of the first, unless another lists it.
        for (name, users) in &takers {
            if let Some(id) = &users.of_url {
                mapping.deployments.entry(id.clone()).or_insert_with(|| (*name).clone());
            }
        }
        mapping
    }

    /// The endpoints that take users.
    pub fn takers(&self) -> &BTreeSet<EndpointName> {
        &self.takers
    }

    /// Where a conversation belongs.
    pub fn place(&self, evidence: &Evidence) -> Option<(&EndpointName, Layer)> {
        let Evidence { deployments, addresses, queues, flows } = evidence;
        let first = |ids: &BTreeSet<Key>, maps: &[&'_ HashMap<Key, EndpointName>]| {
            let found =
                ids.iter().flat_map(|id| maps.iter().filter_map(|map| map.get(id).cloned()));
            found.min()
        };
        let routed = first(queues, &[&self.queues]).into_iter();
        let routed = routed.chain(first(flows, &[&self.flows])).min();
        let layers = [
            (first(deployments, &[&self.deployments]), Layer::Deployment),
            (first(addresses, &[&self.deployments, &self.addresses]), Layer::Address),
            (routed, Layer::Route),
        ];
        let mapped = layers.into_iter().find_map(|(name, layer)| Some((name?, layer)));
        match mapped {
            Some((name, layer)) => Some((self.takers.get(&name)?, layer)),
            // Those of a deployment that nobody here knows come from another page.
            None if deployments.is_empty() && self.takers.len() == 1 => {
                self.takers.first().map(|name| (name, Layer::Window))
            }
            None => None,
        }
    }
}

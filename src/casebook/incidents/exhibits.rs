//! Evidence of failed runs: of those that lead to an incident, and of those in it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use super::run;
use crate::check::endpoint::EndpointName;
use crate::check::{Check, CheckId};
use crate::health::State;
use crate::incident::cases::Cases;
use crate::incident::evidence;
use crate::incident::id::IncidentId;
use crate::outcome::verdict::Verdict;
use crate::record::told::Told;

/// Failed runs of a check that are remembered until there is an incident.
const REMEMBERED: usize = 3;

/// Addresses that are remembered of one endpoint.
const MAX_ADDRESSES: usize = 64;

/// Bundles that wait to be written, while nothing can be.
const MAX_UNWRITTEN: usize = 1000;

/// A bundle for the file.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Of which incident.
    pub incident: IncidentId,
    /// Its number there.
    pub n: u32,
    /// The one that goes for it.
    pub instead_of: Option<u32>,
    /// What it holds, as JSON.
    pub text: String,
}

/// Failed runs, and the bundles that were made of them.
#[derive(Debug, Default)]
pub struct Exhibits {
    failing: HashMap<CheckId, VecDeque<Told>>,
    addresses: BTreeMap<EndpointName, BTreeSet<SocketAddr>>,
    unwritten: Vec<Bundle>,
}

impl Exhibits {
    /// Takes in a run that the incidents know of already.
    pub fn take(&mut self, told: Told, cases: &mut Cases) {
        let endpoint = told.check.endpoint.name.clone();
        let seen = told.outcome.as_ref().and_then(|outcome| outcome.observation.address);
        if let Some(address) = seen {
            let addresses = self.addresses.entry(endpoint.clone()).or_default();
            if addresses.len() < MAX_ADDRESSES {
                addresses.insert(address);
            }
        }
        let check = told.check.id.clone();
        match told.row.result.verdict() {
            Some(Verdict::Fail) => {
                let failing = self.failing.entry(check.clone()).or_default();
                failing.push_back(told);
                if failing.len() > REMEMBERED {
                    failing.remove(1);
                }
            }
            Some(Verdict::Pass) if told.health.1 != State::Down => {
                self.failing.remove(&check);
                return;
            }
            Some(_) | None => return,
        }
        let Some(incident) = cases.open_at(&endpoint) else { return };
        let mut ids = vec![check];
        // With the run that opens it come those of other checks that are down by then.
        ids.extend(incident.checks.keys().map(|id| CheckId::from_text(id)));
        let addresses: Vec<_> =
            self.addresses.get(&endpoint).into_iter().flatten().copied().collect();
        let mut is_new = false;
        for told in ids.iter().filter_map(|id| self.failing.remove(id)).flatten() {
            let Some(outcome) = &told.outcome else { continue };
            let cause = run(&told).cause;
            let filed = incident.exhibit(told.row.at, told.check.id.as_str(), cause);
            let Some((n, instead_of)) = filed else { continue };
            is_new = true;
            let text = evidence::bundle(&told.check, outcome, &addresses).to_string();
            if self.unwritten.len() < MAX_UNWRITTEN {
                let incident = incident.id.clone();
                self.unwritten.push(Bundle { incident, n, instead_of, text });
            }
        }
        if is_new {
            cases.soil(&endpoint);
        }
    }

    /// Forgets what is watched no longer.
    pub fn keep(&mut self, checks: &[Arc<Check>]) {
        let ids: BTreeSet<_> = checks.iter().map(|check| &check.id).collect();
        self.failing.retain(|id, _| ids.contains(id));
        let named: BTreeSet<_> = checks.iter().map(|check| &check.endpoint.name).collect();
        self.addresses.retain(|endpoint, _| named.contains(endpoint));
    }

    /// Bundles that the file does not have.
    pub fn unwritten(&self) -> &[Bundle] {
        &self.unwritten
    }

    /// It has them now.
    pub fn written(&mut self) {
        self.unwritten.clear();
    }

    /// A bundle that is not written yet.
    pub fn find(&self, id: &IncidentId, n: u32) -> Option<String> {
        let bundle = self.unwritten.iter().find(|bundle| bundle.incident == *id && bundle.n == n);
        bundle.map(|bundle| bundle.text.clone())
    }
}

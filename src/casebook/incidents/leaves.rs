//! Which certificates the addresses of an endpoint present: another one is a change.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use crate::check::Check;
use crate::check::endpoint::EndpointName;
use crate::incident::{ChangeEvent, ChangeSource};
use crate::record::told::Told;

/// Leaves that are remembered of one address: behind it may be several servers.
const REMEMBERED: usize = 4;

/// Addresses that are remembered of one endpoint.
const MAX_ADDRESSES: usize = 64;

/// Longest name of an issuer that is told.
const MAX_WHO: usize = 128;

/// A leaf that was seen so lately is another server's turn, and no change.
const TURNS: SignedDuration = SignedDuration::from_hours(1);

/// What one address presents.
#[derive(Debug, Default)]
struct Presented {
    /// Fingerprints with when they were seen last, the present one last.
    leaves: Vec<(String, Timestamp)>,
    written: bool,
}

type Addresses = BTreeMap<SocketAddr, Presented>;

/// A row of the file: endpoint, address, fingerprints.
pub type LeafRow = (String, String, String);

/// What every address presents.
#[derive(Debug, Default)]
pub struct Leaves(BTreeMap<EndpointName, Addresses>);

impl Leaves {
    /// As the file knows them.
    pub fn restore(connection: &Connection, now: Timestamp) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT endpoint, address, leaves FROM leaves")?;
        let mut rows = statement.query([])?;
        let mut known = Self::default();
        while let Some(row) = rows.next()? {
            let endpoint = EndpointName::try_from(row.get::<_, String>(0)?);
            let address = row.get_ref(1)?.as_str()?.parse();
            let leaves = serde_json::from_str::<Vec<String>>(row.get_ref(2)?.as_str()?);
            let (Ok(endpoint), Ok(address), Ok(leaves)) = (endpoint, address, leaves) else {
                continue;
            };
            let leaves = leaves.into_iter().map(|leaf| (leaf, now)).collect();
            let presented = Presented { leaves, written: true };
            known.0.entry(endpoint).or_default().insert(address, presented);
        }
        Ok(known)
    }

    /// Looks at what a run was shown; gives the change, where that is another leaf than before.
    pub fn look(&mut self, told: &Told, now: Timestamp) -> Option<ChangeEvent> {
        let seen = &told.outcome.as_ref()?.observation;
        let address = seen.address?;
        let leaf = seen.chain.as_ref()?.leaf()?;
        let endpoint = &told.check.endpoint.name;
        let before = self.see(endpoint, address, &leaf.fingerprint, now)?;
        let short = |fingerprint: &str| fingerprint.chars().take(16).collect::<String>();
        let ends = leaf.facts.as_ref().map_or(String::new(), |facts| {
            format!(", valid until {}", facts.not_after.strftime("%Y-%m-%d"))
        });
        let (was, is) = (short(&before), short(&leaf.fingerprint));
        // Who renews certificates is asked next: whether it was the usual issuer.
        let issuer = leaf.facts.as_ref().map(|facts| facts.issuer.as_str());
        let who = issuer.filter(|issuer| !issuer.is_empty()).unwrap_or("the server");
        let who = who.chars().take(MAX_WHO).collect();
        Some(ChangeEvent {
            at: told.row.at,
            source: ChangeSource::Certificate,
            endpoint: Some(endpoint.clone()),
            what: format!("{address} presents certificate {is}{ends}, before that {was}"),
            who: Some(who),
        })
    }

    /// Takes in the leaf of an address; gives the one before, where another has taken its place.
    fn see(
        &mut self,
        endpoint: &EndpointName,
        address: SocketAddr,
        fingerprint: &str,
        now: Timestamp,
    ) -> Option<String> {
        let addresses = self.0.entry(endpoint.clone()).or_default();
        if !addresses.contains_key(&address) && addresses.len() >= MAX_ADDRESSES {
            addresses.pop_first();
        }
        let presented = addresses.entry(address).or_default();
        let leaves = &mut presented.leaves;
        let before = leaves.last().map(|(last, _)| last.clone());
        let known = leaves.iter().position(|(known, _)| known == fingerprint);
        let seen_at = known.map(|at| leaves.remove(at).1);
        leaves.push((fingerprint.to_owned(), now));
        if leaves.len() > REMEMBERED {
            leaves.remove(0);
        }
        if before.as_deref() == Some(fingerprint) {
            return None;
        }
        presented.written = false;
        let is_a_turn = seen_at.is_some_and(|at| now.duration_since(at) < TURNS);
        before.filter(|_| !is_a_turn)
    }

    /// Forgets endpoints that are watched no longer.
    pub fn keep(&mut self, checks: &[Arc<Check>]) {
        let named: BTreeSet<_> = checks.iter().map(|check| &check.endpoint.name).collect();
        self.0.retain(|endpoint, _| named.contains(endpoint));
    }

    /// The file is another one, which knows none of them.
    pub fn rewrite(&mut self) {
        for presented in self.0.values_mut().flat_map(BTreeMap::values_mut) {
            presented.written = false;
        }
    }

    /// What the file does not know.
    pub fn unwritten(&self) -> Vec<LeafRow> {
        let all = self.0.iter().flat_map(|(endpoint, addresses)| {
            addresses.iter().map(move |(address, presented)| (endpoint, address, presented))
        });
        let unwritten = all.filter(|(_, _, presented)| !presented.written);
        let row = |(endpoint, address, presented): (&EndpointName, &SocketAddr, &Presented)| {
            let leaves: Vec<_> = presented.leaves.iter().map(|(leaf, _)| leaf).collect();
            let leaves = serde_json::to_string(&leaves).ok()?;
            Some((endpoint.to_string(), address.to_string(), leaves))
        };
        unwritten.filter_map(row).collect()
    }

    /// It knows them now.
    pub fn written(&mut self) {
        for presented in self.0.values_mut().flat_map(BTreeMap::values_mut) {
            presented.written = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_leaf_is_a_change_and_a_turn_is_none() {
        let endpoint = EndpointName::try_from("door".to_owned()).unwrap();
        let address = "192.0.2.1:443".parse().unwrap();
        let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
        let mut leaves = Leaves::default();
        let mut see = |leaf, minute| leaves.see(&endpoint, address, leaf, at(minute));
        assert_eq!(see("a", 0), None, "the first sight is no change");
        assert_eq!(see("b", 1), Some("a".to_owned()));
        assert_eq!(see("a", 2), None, "two servers by turns");
        assert_eq!(see("b", 3), None);
        assert_eq!(see("b", 4), None);
        assert_eq!(see("a", 70), Some("b".to_owned()), "the old one is back");
        assert_eq!(leaves.unwritten().len(), 1);
        leaves.written();
        assert_eq!(leaves.see(&endpoint, address, "a", at(71)), None);
        assert_eq!(leaves.unwritten().len(), 0);
    }
}

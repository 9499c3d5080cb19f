//! The chains that an endpoint's addresses present: one address with an old certificate shows.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::outcome::Observation;
use crate::outcome::chain::{Chain, Session};

/// Most addresses that are kept of one endpoint.
const MAX_ADDRESSES: usize = 8;

/// Rounds over all addresses after which one that is seen no more is forgotten.
const ROUNDS: i32 = 3;

/// What the addresses of one endpoint presented last.
#[derive(Debug, Clone, Default)]
pub struct Presented(Vec<AtAddress>);

/// What one address presented last.
#[derive(Debug, Clone)]
pub struct AtAddress {
    /// The address.
    pub address: IpAddr,
    /// Its chain, trusted or not.
    pub chain: Arc<Chain>,
    /// What was agreed; `None` where the handshake did not come that far.
    pub session: Option<Session>,
    /// When.
    pub seen_at: Timestamp,
}

impl Presented {
    /// Takes in a run that saw a chain.
    pub fn note(&mut self, seen: &Observation, at: Timestamp, interval: SignedDuration) {
        let (Some(address), Some(chain)) = (seen.address, &seen.chain) else { return };
        let round = i32::try_from(seen.addresses.max(1)).unwrap_or(i32::MAX);
        let horizon = interval.saturating_mul(round).saturating_mul(ROUNDS);
        self.0.retain(|other| {
            other.address != address.ip() && at.duration_since(other.seen_at) <= horizon
        });
        let entry = AtAddress {
            address: address.ip(),
            chain: chain.clone(),
            session: seen.session.clone(),
            seen_at: at,
        };
        if self.0.len() < MAX_ADDRESSES {
            self.0.push(entry);
            self.0.sort_by_key(|entry| entry.address);
        }
    }

    /// By address.
    pub fn iter(&self) -> impl Iterator<Item = &AtAddress> {
        self.0.iter()
    }

    /// How many different leaf certificates the addresses present.
    pub fn distinct_leaves(&self) -> usize {
        let leaf = |entry: &AtAddress| entry.chain.leaf().map(|leaf| leaf.fingerprint.clone());
        let mut leaves: Vec<_> = self.0.iter().filter_map(leaf).collect();
        leaves.sort();
        leaves.dedup();
        leaves.len()
    }
}

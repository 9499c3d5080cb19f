//! The certificates that endpoints present, for the pages and for machines. Pure.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use crate::outcome::chain::Session;
use crate::outcome::chain::certificate::Certificate;
use crate::outcome::chain::verify_failure::VerifyFailure;
use crate::outcome::quoted::Quoted;
use crate::record::presented::AtAddress;
use crate::record::snapshot::{EndpointRecord, Snapshot};

/// Names of a certificate that are told.
const MAX_NAMES: usize = 10;

/// A chain, with the addresses of an endpoint that present it.
#[derive(Debug, Serialize)]
pub struct Held {
    /// Whose.
    pub endpoint: String,
    /// Where.
    pub addresses: Vec<IpAddr>,
    /// When it was seen last.
    pub seen_at: Timestamp,
    /// Whether browsers trust it.
    pub trusted: bool,
    /// Why not: labels of `probe_ssl_verify_failure`, the one that browsers show first.
    pub failures: Vec<&'static str>,
    /// The same with what was seen.
    pub evidence: Vec<String>,
    /// How many different leaf certificates the addresses of the endpoint present.
    pub distinct_leaves: usize,
    /// What was agreed, where the handshake came that far.
    pub session: Option<Session>,
    /// In the order in which they were presented, the leaf first.
    pub certificates: Vec<Certified>,
}

/// A certificate.
#[derive(Debug, Serialize)]
pub struct Certified {
    /// SHA-256 of its bytes.
    pub fingerprint: String,
    /// What it says; none where it cannot be read.
    pub facts: Option<Told>,
}

/// What a certificate says.
#[derive(Debug, Serialize)]
pub struct Told {
    /// Whom it is for.
    pub subject: Quoted,
    /// Who says so.
    pub issuer: Quoted,
    /// DNS names and addresses, ten at the most.
    pub names: Vec<Quoted>,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// The share of its life that is left, from 1 to 0.
    pub life_left: f64,
    /// When automation should renew it.
    pub renewal_due: Timestamp,
    /// When it should have.
    pub renewal_overdue: Timestamp,
}

impl Held {
    /// All of them; the leaf with the least of its life left first, and before these what is not
    /// trusted.
    pub fn all(snapshot: &Snapshot) -> Vec<Self> {
        let now = snapshot.taken_at;
        let of = |record: &_| Self::of(record, now);
        let mut all: Vec<_> = snapshot.endpoints.iter().flat_map(|one| of(one)).collect();
        let left = |held: &Self| held.leaf().map_or(0.0, |leaf| leaf.life_left);
        all.sort_by(|a, b| a.trusted.cmp(&b.trusted).then(left(a).total_cmp(&left(b))));
        all
    }

    /// Those of an endpoint, each once.
    pub fn of(record: &EndpointRecord, now: Timestamp) -> Vec<Self> {
        let distinct_leaves = record.presented.distinct_leaves();
        let mut all: Vec<Self> = Vec::new();
        for at in record.presented.iter() {
            let failures = labels(at);
            let same = |held: &&mut Self| {
                held.failures == failures
                    && held.certificates.len() == at.chain.certificates.len()
                    && held
                        .certificates
                        .iter()
                        .zip(&at.chain.certificates)
                        .all(|(a, b)| a.fingerprint == b.fingerprint)
            };
            if let Some(held) = all.iter_mut().find(same) {
                held.addresses.push(at.address);
                held.seen_at = held.seen_at.max(at.seen_at);
                continue;
            }
            let verification = &at.chain.verification;
            all.push(Self {
                endpoint: record.endpoint.name.to_string(),
                addresses: vec![at.address],
                seen_at: at.seen_at,
                trusted: failures.is_empty(),
                failures,
                evidence: verification.failures.iter().map(VerifyFailure::evidence).collect(),
                distinct_leaves,
                session: at.session.clone(),
                certificates: at.chain.certificates.iter().map(|one| certified(one, now)).collect(),
            });
        }
        all
    }

    /// What the server's own certificate says.
    pub fn leaf(&self) -> Option<&Told> {
        self.certificates.first()?.facts.as_ref()
    }
}

fn labels(at: &AtAddress) -> Vec<&'static str> {
    at.chain.verification.failures.iter().map(VerifyFailure::label).collect()
}

fn certified(certificate: &Certificate, now: Timestamp) -> Certified {
    let told = certificate.facts.as_ref().map(|facts| {
        let renewal = facts.renewal();
        Told {
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            names: facts.names.iter().take(MAX_NAMES).cloned().collect(),
            not_before: facts.not_before,
            not_after: facts.not_after,
            life_left: facts.life_left(now),
            renewal_due: renewal.due,
            renewal_overdue: renewal.overdue,
        }
    });
    Certified { fingerprint: certificate.fingerprint.clone(), facts: told }
}

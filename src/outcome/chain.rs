//! The chain that a server presented, with what came of judging it, and the session around it.

pub mod certificate;
pub mod der;
pub mod extensions;
pub mod hygiene;
pub mod ladder;
pub mod names;
pub mod ocsp;
pub mod roots;
pub mod skew;
pub mod staple;
pub mod strength;
pub mod verification;
pub mod verify_failure;

use std::ops::Range;

use jiff::Timestamp;
use rustls::pki_types::{ServerName, SignatureVerificationAlgorithm};
use serde::Serialize;

use super::quoted::Quoted;
use super::warning::Remark;
use certificate::Certificate;
use roots::Roots;
use staple::Staple;
use verification::{Verification, VerifyFailure, verify_with};

/// The chain that one server presented in one handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// In the order in which they came, leaf first.
    pub certificates: Vec<Certificate>,
    /// The OCSP response that came with them; empty where none did.
    pub stapled: Vec<u8>,
    /// What that is.
    pub staple: Option<Staple>,
    /// What came of judging them.
    pub verification: Verification,
    /// What is not well with them, and fails nothing.
    pub remarks: Vec<Remark>,
}

impl Chain {
    /// Judges what was presented for a name.
    pub fn judge(
        certificates: Vec<Certificate>,
        stapled: Vec<u8>,
        name: &ServerName<'_>,
        roots: &Roots,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
        now: Timestamp,
    ) -> Self {
        let mut verification = verify_with(algorithms, &certificates, name, roots, now);
        let path = verification.path.as_ref();
        let staple = (!stapled.is_empty())
            .then(|| Staple::read(&stapled, &certificates, path, roots, algorithms));
        if let Some(at) = staple.as_ref().and_then(|staple| staple.revoked(now)) {
            verification.add(VerifyFailure::Revoked { at });
        }
        let leaf = certificates.first().and_then(|leaf| leaf.facts.as_ref());
        let holds = staple.as_ref().is_some_and(|staple| staple.holds(now));
        // Without a path, nobody knows whose signature it must bear.
        let known = verification.path.is_some();
        if known && leaf.is_some_and(|leaf| leaf.must_staple) && !holds {
            verification.add(VerifyFailure::StapleMissing);
        }
        if let Some(proof) = skew::proof(leaf, staple.as_ref(), now) {
            verification.doubt_dates(&proof);
        }
        let remarks = hygiene::remarks(&certificates, staple.as_ref(), &verification, roots, now);
        Self { certificates, stapled, staple, verification, remarks }
    }

    /// Whether a verdict of one time is that of another.
    pub fn holds(&self, judged_at: Timestamp, now: Timestamp) -> bool {
        self.holds_within(judged_at).contains(&now.as_second())
    }

    /// The seconds in which the verdict is that of a time among them; none where it is of no other.
    ///
    /// Signatures, names and rules do not change; dates do. The verdict is the same as long as
    /// none of those that it hangs on has passed in between, to the second, as paths are judged.
    pub fn holds_within(&self, judged_at: Timestamp) -> Range<i64> {
        let then = judged_at.as_second();
        let facts = || self.certificates.iter().map(|certificate| certificate.facts.as_ref());
        if facts().any(|facts| facts.is_none()) {
            return then..then;
        }
        let leaf = facts().next().flatten();
        // A last second is still part of what it ends.
        let behind = |end: Timestamp| end.as_second() + 1;
        let dates = facts()
            .flatten()
            .flat_map(|facts| [facts.not_before.as_second(), behind(facts.not_after)]);
        let staple = self.staple.iter().filter_map(Staple::dates);
        let staple = staple.flat_map(|(begin, end)| [begin.as_second(), behind(end)]);
        let due = leaf.map(|facts| behind(facts.renewal().overdue));
        let doubts = skew::turns(leaf, self.staple.as_ref()).map(Timestamp::as_second);
        dates.chain(staple).chain(due).chain(doubts).fold(i64::MIN..i64::MAX, |within, turn| {
            if turn <= then {
                within.start.max(turn)..within.end
            } else {
                within.start..within.end.min(turn)
            }
        })
    }

    /// The server's own certificate.
    pub fn leaf(&self) -> Option<&Certificate> {
        self.certificates.first()
    }
}

/// What a TLS handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: &'static str,
    /// As IANA names it: `TLS13_AES_128_GCM_SHA256`.
    pub cipher: &'static str,
    /// The key exchange group: `X25519`.
    pub key_exchange: Option<&'static str>,
    /// The application protocol that the server chose.
    pub alpn: Option<Quoted>,
    /// The server asked for another key share first, which costs a round trip.
    pub hello_retry: bool,
}

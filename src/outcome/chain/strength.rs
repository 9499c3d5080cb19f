//! Keys and signatures that are too weak to trust.

use super::certificate::{Certificate, Key};
use super::ladder;
use super::roots::Roots;
use super::verification::VerifyFailure;
use crate::outcome::quoted::Quoted;

/// Least bits of an RSA key: what OpenSSL, GnuTLS and the probe's own TLS take.
const LEAST_RSA_BITS: usize = 2048;

/// Least bits of a key on a curve.
const LEAST_EC_BITS: usize = 224;

/// Whether a key is too short.
pub fn is_weak_key(key: Key) -> bool {
    match key.kind {
        "rsa" => key.bits < LEAST_RSA_BITS,
        // 0 is a curve that is not known.
        "ec" => (1..LEAST_EC_BITS).contains(&key.bits),
        _ => false,
    }
}

/// Whether somebody could make another certificate under the same signature.
pub fn is_weak_signature(algorithm: &str) -> bool {
    ["md2", "md5", "sha1"].iter().any(|hash| algorithm.ends_with(hash))
}

/// A key of the server's own that is too short.
pub fn of_leaf(leaf: &Certificate) -> Option<VerifyFailure> {
    let facts = leaf.facts.as_ref().filter(|facts| is_weak_key(facts.key))?;
    Some(VerifyFailure::WeakKey { subject: facts.subject.clone(), key: facts.key })
}

/// What is weak in a chain of which a signature is not taken.
pub fn of_chain(presented: &[Certificate], roots: &Roots) -> Option<VerifyFailure> {
    let rungs = ladder::climb(presented);
    let facts = || rungs.iter().filter_map(|at| presented.get(*at)?.facts.as_ref());
    // The signature of a root on itself is looked at by nobody.
    let mut signed = facts().filter(|facts| !facts.self_issued);
    let weak = signed.clone().find(|facts| is_weak_signature(facts.signature));
    if let Some(facts) = weak {
        let (subject, algorithm) = (facts.subject.clone(), facts.signature);
        return Some(VerifyFailure::WeakSignature { subject, algorithm });
    }
    let weak = |subject: &Quoted, key: Key| {
        is_weak_key(key).then(|| VerifyFailure::WeakKey { subject: subject.clone(), key })
    };
    // The key of the leaf signs nothing.
    facts().skip(1).find_map(|facts| weak(&facts.subject, facts.key)).or_else(|| {
        let top = signed.next_back()?;
        roots.keys_said_of(&top.issuer).find_map(|key| weak(&top.issuer, key))
    })
}

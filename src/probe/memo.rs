//! Remembers how a chain was judged: the same certificates need no second path building.
//!
//! A memo belongs to one endpoint, so that name and roots are the same for all that is in it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;

use crate::outcome::chain::Chain;
use crate::outcome::chain::certificate::Certificate;

/// Most chains that are remembered: one for each address that is asked in turn.
const CAPACITY: usize = 8;

/// SHA-256 over a chain.
pub type Digest = [u8; SHA256_OUTPUT_LEN];

/// A chain that was judged, and when.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The chain with its verdict.
    pub chain: Arc<Chain>,
    /// The seconds in which that verdict holds: see [`Chain::holds_within`].
    pub within: Range<i64>,
}

impl Judged {
    /// Whether the verdict is that of this time too.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.within.contains(&now.as_second())
    }
}

/// The last chains that an endpoint presented, the newest first.
#[derive(Debug, Default)]
pub struct Memo(Mutex<VecDeque<(Digest, Judged)>>);

impl Memo {
    /// What is known of a chain.
    pub fn get(&self, digest: &Digest) -> Option<Judged> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = entries.iter().position(|(known, _)| known == digest)?;
        if at > 0 {
            entries.swap(0, at);
        }
        entries.front().map(|(_, judged)| judged.clone())
    }

    /// An issuer that stood in another chain, as it was read then.
    pub fn certificate(&self, der: &CertificateDer<'_>) -> Option<Certificate> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let issuers = entries.iter().flat_map(|(_, known)| known.chain.certificates.iter().skip(1));
        let mut same = issuers.filter(|known| known.der == *der);
        same.next().cloned()
    }

    /// Remembers a chain; the one that was not seen for the longest time goes.
    pub fn put(&self, digest: Digest, judged: Judged) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(known, _)| *known != digest);
        entries.truncate(CAPACITY - 1);
        entries.push_front((digest, judged));
    }
}

/// What tells one chain from another: every certificate with its length, and what is stapled.
pub fn digest<'a>(chain: impl Iterator<Item = &'a CertificateDer<'a>>, stapled: &[u8]) -> Digest {
    let mut context = Context::new(&SHA256);
    for der in chain {
        context.update(&der.len().to_be_bytes());
        context.update(der);
    }
    if !stapled.is_empty() {
        // No certificate has this length.
        context.update(&usize::MAX.to_be_bytes());
        context.update(stapled);
    }
    let mut digest = [0; SHA256_OUTPUT_LEN];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::chain::verification::Verification;

    fn judged() -> Judged {
        let verification = Verification { path: None, failures: Vec::new() };
        let chain = Arc::new(Chain {
            certificates: Vec::new(),
            stapled: Vec::new(),
            staple: None,
            verification,
            remarks: Vec::new(),
        });
        Judged { chain, within: 0..1 }
    }

    #[test]
    fn a_chain_that_is_cut_elsewhere_is_another_chain() {
        let of = |parts: &[&[u8]]| {
            let ders: Vec<_> = parts.iter().map(|part| CertificateDer::from(*part)).collect();
            digest(ders.iter(), &[])
        };
        let der = [CertificateDer::from(&b"ab"[..])];
        assert_ne!(digest(der.iter(), b"c"), digest(der.iter(), &[]));
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"ab"]), of(&[b"ab", b""]));
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
    }

    #[test]
    fn however_many_chains_come_only_the_last_are_kept() {
        let memo = Memo::default();
        for n in 0..100 {
            memo.put([n; 32], judged());
            assert!(memo.get(&[0; 32]).is_some(), "what is used stays");
        }
        let kept = (0..100).filter(|n| memo.get(&[*n; 32]).is_some()).count();
        assert_eq!(kept, CAPACITY);
    }
}

//! Remembers which signatures fit: an intermediate certificate stands in thousands of chains, and
//! that its issuer signed it need not be worked out for each of them.
//!
//! What is remembered is that one key, one text and one signature go together. That never changes;
//! whether the certificate may be used is judged by whoever asks. The signature of a handshake is
//! over fresh numbers, and never comes here.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use super::memo::Digest;

/// Most signatures that are remembered: those of the intermediates of a dozen CAs. Those of leaves
/// come and go beside them.
const CAPACITY: usize = 32;

/// The signatures that fitted last, the newest first.
#[derive(Debug, Default)]
struct Fitting(Mutex<VecDeque<Digest>>);

impl Fitting {
    fn contains(&self, digest: &Digest) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = known.iter().position(|one| one == digest) else { return false };
        if at > 0 {
            known.remove(at);
            known.push_front(*digest);
        }
        true
    }

    fn insert(&self, digest: Digest) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.truncate(CAPACITY - 1);
        known.push_front(digest);
    }
}

/// Every algorithm that certificates may be signed with, each with the memory that all share.
#[derive(Debug)]
pub struct Signatures(Vec<Remembering>);

impl Default for Signatures {
    fn default() -> Self {
        let fitting = Arc::new(Fitting::default());
        let remembering =
            |inner: &&'static _| Remembering { inner: *inner, fitting: fitting.clone() };
        Self(webpki::ALL_VERIFICATION_ALGS.iter().map(remembering).collect())
    }
}

impl Signatures {
    /// The algorithms, in the order in which they are tried.
    pub fn algorithms(&self) -> Vec<&dyn SignatureVerificationAlgorithm> {
        self.0.iter().map(|one| one as &dyn SignatureVerificationAlgorithm).collect()
    }
}

#[derive(Debug)]
struct Remembering {
    inner: &'static dyn SignatureVerificationAlgorithm,
    fitting: Arc<Fitting>,
}

impl SignatureVerificationAlgorithm for Remembering {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let digest = self.digest([public_key, message, signature]);
        if self.fitting.contains(&digest) {
            return Ok(());
        }
        self.inner.verify_signature(public_key, message, signature)?;
        self.fitting.insert(digest);
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.signature_alg_id()
    }
}

impl Remembering {
    /// What tells one question from another: the algorithm, and each part with its length.
    fn digest(&self, parts: [&[u8]; 3]) -> Digest {
        let (key, signature) = (self.public_key_alg_id(), self.signature_alg_id());
        let mut context = Context::new(&SHA256);
        for part in [key.as_ref(), signature.as_ref()].into_iter().chain(parts) {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut digest = Digest::default();
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    fn key() -> EcdsaKeyPair {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()
    }

    fn known(signatures: &Signatures) -> usize {
        signatures.0[0].fitting.0.lock().unwrap().len()
    }

    #[test]
    fn only_what_fitted_is_remembered_and_nothing_else_passes_for_it() {
        let (ours, other) = (key(), key());
        let sign = |text: &[u8]| ours.sign(&SystemRandom::new(), text).unwrap();
        let (public, strange) = (ours.public_key().as_ref(), other.public_key().as_ref());
        let signatures = Signatures::default();
        let algorithm = signatures
            .0
            .iter()
            .find(|one| {
                one.public_key_alg_id() == webpki::aws_lc_rs::ECDSA_P256_SHA256.public_key_alg_id()
                    && one.signature_alg_id()
                        == webpki::aws_lc_rs::ECDSA_P256_SHA256.signature_alg_id()
            })
            .unwrap();
        let signature = sign(b"text");
        for _ in 0..2 {
            assert!(algorithm.verify_signature(strange, b"text", signature.as_ref()).is_err());
            assert!(algorithm.verify_signature(public, b"texts", signature.as_ref()).is_err());
            assert!(algorithm.verify_signature(public, b"text", b"").is_err());
            assert!(algorithm.verify_signature(public, b"text", signature.as_ref()).is_ok());
            assert_eq!(known(&signatures), 1);
        }
    }

    #[test]
    fn what_is_asked_for_all_the_time_stays_while_others_come_and_go() {
        let fitting = Fitting::default();
        let digest = |n: usize| [u8::try_from(n % 251).unwrap(); 32];
        fitting.insert(digest(0));
        for n in 1..200 {
            assert!(fitting.contains(&digest(0)), "{n}");
            assert!(!fitting.contains(&digest(n)));
            fitting.insert(digest(n));
            assert!(fitting.0.lock().unwrap().len() <= CAPACITY);
        }
    }
}

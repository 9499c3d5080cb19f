//! The OCSP answer that a server staples to its chain: whether it is about this certificate, and
//! whether the issuer stands behind it.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::SignatureVerificationAlgorithm;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::certificate::Certificate;
use super::der::{Reader, tag};
use super::ocsp::{self, Basic, Response, Status};
use super::roots::Roots;
use super::verification::VerifiedPath;

/// Longest staple that is looked at; the usual one has half a kilobyte, or two with a responder's
/// certificate.
pub const MAX_BYTES: usize = 16 * 1024;

/// How long an answer holds that does not say how long: what browsers grant.
const DEFAULT_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

const SHA1_OID: [u8; 5] = [0x2b, 0x0e, 3, 2, 0x1a];
const SHA256_OID: [u8; 9] = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

/// A staple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Staple {
    /// An answer about the leaf, under the signature of its issuer or of whom that one named.
    Answer {
        /// How the leaf is.
        status: Status,
        /// When that was known to be so.
        this_update: Timestamp,
        /// Until when it holds.
        next_update: Timestamp,
    },
    /// It says nothing.
    Useless(Useless),
}

/// Why a staple says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Useless {
    /// It is no OCSP response.
    Unreadable,
    /// The responder did not answer.
    Refused(u8),
    /// It is about another certificate.
    OfAnother,
    /// No signature of the issuer fits; or it is not known who that is.
    Unsigned,
}

impl Useless {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "it is no OCSP response",
            Self::Refused(1) => "the responder said malformedRequest",
            Self::Refused(2) => "the responder said internalError",
            Self::Refused(3) => "the responder said tryLater",
            Self::Refused(_) => "the responder refused to answer",
            Self::OfAnother => "it is about another certificate",
            Self::Unsigned => "it does not bear the issuer's signature",
        }
    }
}

impl Staple {
    /// Reads a staple, and sees who stands behind it. No date is looked at.
    pub fn read(
        bytes: &[u8],
        presented: &[Certificate],
        path: Option<&VerifiedPath>,
        roots: &Roots,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Self {
        let response = (bytes.len() <= MAX_BYTES).then(|| ocsp::read(bytes)).flatten();
        let basic = match response {
            None => return Self::Useless(Useless::Unreadable),
            Some(Response::Refused(status)) => return Self::Useless(Useless::Refused(status)),
            Some(Response::Basic(basic)) => basic,
        };
        let leaf = presented.first().and_then(|leaf| X509Certificate::from_der(&leaf.der).ok());
        let Some((_, leaf)) = leaf else { return Self::Useless(Useless::OfAnother) };
        let mine = |answer: &&ocsp::Answer<'_>| {
            answer.serial == leaf.raw_serial()
                && hash(answer.hash_algorithm, leaf.issuer().as_raw()).as_deref()
                    == Some(answer.name_hash)
        };
        let Some(answer) = basic.answers.iter().find(mine) else {
            return Self::Useless(Useless::OfAnother);
        };
        let signed = issuer_keys(presented, path, roots).iter().any(|key| {
            let bits = key_bits(key).and_then(|bits| hash(answer.hash_algorithm, bits));
            bits.as_deref() == Some(answer.key_hash)
                && signed_for(&basic, key, answer.this_update, algorithms)
        });
        if !signed {
            return Self::Useless(Useless::Unsigned);
        }
        let default = || answer.this_update.saturating_add(DEFAULT_LIFE).unwrap_or(Timestamp::MAX);
        Self::Answer {
            status: answer.status,
            this_update: answer.this_update,
            next_update: answer.next_update.unwrap_or_else(default),
        }
    }

    /// When it was known to be so, and until when it holds.
    pub fn dates(&self) -> Option<(Timestamp, Timestamp)> {
        match self {
            Self::Answer { this_update, next_update, .. } => Some((*this_update, *next_update)),
            Self::Useless(_) => None,
        }
    }

    /// Since when the leaf is revoked, by an answer that holds: browsers pass over others.
    pub fn revoked(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Answer { status: Status::Revoked { at }, .. } if self.holds(now) => Some(*at),
            _ => None,
        }
    }

    /// Whether it holds at a time.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.dates().is_some_and(|(begin, end)| begin <= now && now.as_second() <= end.as_second())
    }
}

/// The keys that may have issued the leaf, each as the content of its SubjectPublicKeyInfo. Only
/// what leads to a root counts: a server could present an issuer of its own making.
fn issuer_keys(
    presented: &[Certificate],
    path: Option<&VerifiedPath>,
    roots: &Roots,
) -> Vec<Vec<u8>> {
    let Some(path) = path else { return Vec::new() };
    match path.positions.get(1) {
        Some(at) => presented.get(*at).and_then(|issuer| key_of(&issuer.der)).into_iter().collect(),
        None => {
            let leaf = presented.first().and_then(|leaf| leaf.facts.as_ref());
            let issuer = leaf.map(|leaf| &leaf.issuer);
            issuer.into_iter().flat_map(|name| roots.keys_of(name)).map(<[u8]>::to_vec).collect()
        }
    }
}

fn key_of(der: &[u8]) -> Option<Vec<u8>> {
    let (_, x509) = X509Certificate::from_der(der).ok()?;
    let key = Reader(x509.public_key().raw).next(tag::SEQUENCE)?;
    Some(key.content.to_vec())
}

/// The bits of a key.
fn key_bits(key: &[u8]) -> Option<&[u8]> {
    let mut key = Reader(key);
    key.next(tag::SEQUENCE)?;
    key.bits()
}

fn hash(algorithm: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let algorithm = if algorithm == SHA1_OID {
        &SHA1_FOR_LEGACY_USE_ONLY
    } else if algorithm == SHA256_OID {
        &SHA256
    } else {
        return None;
    };
    Some(digest(algorithm, bytes).as_ref().to_vec())
}

/// Whether the issuer has signed an answer, or somebody whom it has named for that.
fn signed_for(
    basic: &Basic<'_>,
    issuer: &[u8],
    at: Timestamp,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> bool {
    let by = |key: &[u8]| fits(key, basic.algorithm, basic.signed, basic.signature, algorithms);
    by(issuer)
        || basic.certificates.iter().any(|certificate| {
            responder(certificate, issuer, at, algorithms).is_some_and(|key| by(&key))
        })
}

/// The key of a certificate that the issuer gave to a responder, valid when it answered.
fn responder(
    der: &[u8],
    issuer: &[u8],
    at: Timestamp,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> Option<Vec<u8>> {
    let mut parts = Reader(der).within(tag::SEQUENCE)?;
    let signed = parts.next(tag::SEQUENCE)?.whole;
    let algorithm = parts.next(tag::SEQUENCE)?.content;
    let signature = parts.bits()?;
    let (_, x509) = X509Certificate::from_der(der).ok()?;
    let usage = x509.extended_key_usage().ok()??;
    let (begin, end) = (x509.validity().not_before, x509.validity().not_after);
    let valid = (begin.timestamp()..=end.timestamp()).contains(&at.as_second());
    let named = usage.value.ocsp_signing && valid;
    let named = named && fits(issuer, algorithm, signed, signature, algorithms);
    named.then(|| key_of(der)).flatten()
}

/// Whether a key has made this signature.
fn fits(
    key: &[u8],
    algorithm: &[u8],
    signed: &[u8],
    signature: &[u8],
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> bool {
    let kind = Reader(key).next(tag::SEQUENCE).map(|kind| kind.content);
    let (Some(kind), Some(bits)) = (kind, key_bits(key)) else { return false };
    algorithms.iter().any(|own| {
        own.public_key_alg_id().as_ref() == kind
            && own.signature_alg_id().as_ref() == algorithm
            && own.verify_signature(bits, signed, signature).is_ok()
    })
}

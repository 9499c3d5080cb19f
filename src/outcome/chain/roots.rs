//! The certificates that a chain may end at.

use std::collections::HashSet;

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, TrustAnchor};

use super::certificate::{Certificate, Key};
use crate::outcome::quoted::Quoted;

/// Trust anchors, each with what its certificate says.
///
/// The path builder does not look at an anchor's dates, as browsers do not either; they are kept
/// because the chain's own end is the earliest of all its parts.
#[derive(Debug, Default)]
pub struct Roots {
    anchors: Vec<TrustAnchor<'static>>,
    said: Vec<Option<Said>>,
    fingerprints: HashSet<String>,
    public: bool,
}

/// What the certificate of an anchor says.
#[derive(Debug)]
struct Said {
    subject: Quoted,
    key: Key,
    key_id: Option<String>,
    not_after: Timestamp,
}

impl Roots {
    /// Takes every certificate that can be an anchor; the rest are passed over.
    pub fn new<'a>(certificates: impl IntoIterator<Item = &'a CertificateDer<'static>>) -> Self {
        let mut roots = Self::default();
        for der in certificates {
            if let Ok(anchor) = webpki::anchor_from_trusted_cert(der) {
                roots.anchors.push(anchor.to_owned());
                let certificate = Certificate::read(der.clone());
                roots.fingerprints.insert(certificate.fingerprint);
                roots.said.push(certificate.facts.map(|facts| Said {
                    subject: facts.subject,
                    key: facts.key,
                    key_id: facts.ties.key_id,
                    not_after: facts.not_after,
                }));
            }
        }
        roots
    }

    /// The same, as those of the public CAs, whose rules what they issue is held to.
    pub fn of_the_public(self) -> Self {
        Self { public: true, ..self }
    }

    /// Whether they are those of the public CAs.
    pub fn are_public(&self) -> bool {
        self.public
    }

    /// Whether this very certificate is one of them.
    pub fn hold(&self, certificate: &Certificate) -> bool {
        self.fingerprints.contains(&certificate.fingerprint)
    }

    /// As the path builder wants them.
    pub fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// Until when an anchor of this list is valid.
    pub fn end_of(&self, anchor: &TrustAnchor<'_>) -> Option<Timestamp> {
        let same = |own: &TrustAnchor<'_>| {
            own.subject == anchor.subject
                && own.subject_public_key_info == anchor.subject_public_key_info
        };
        let index = self.anchors.iter().position(same)?;
        self.said.get(index)?.as_ref().map(|said| said.not_after)
    }

    /// The identifiers of the keys of all anchors of this name, where they have one.
    pub fn key_ids_of(&self, name: &Quoted) -> impl Iterator<Item = Option<&String>> {
        let named = self.said.iter().flatten().filter(move |said| said.subject == *name);
        named.map(|said| said.key_id.as_ref())
    }

    /// The kinds of the keys of all anchors of this name.
    pub fn keys_said_of(&self, name: &Quoted) -> impl Iterator<Item = Key> {
        let named = self.said.iter().flatten().filter(move |said| said.subject == *name);
        named.map(|said| said.key)
    }

    /// The keys of all anchors of this name, each as the content of its SubjectPublicKeyInfo.
    pub fn keys_of(&self, name: &Quoted) -> impl Iterator<Item = &[u8]> {
        let pairs = self.said.iter().zip(&self.anchors);
        let named =
            pairs.filter(move |(said, _)| said.as_ref().is_some_and(|said| said.subject == *name));
        named.map(|(_, anchor)| anchor.subject_public_key_info.as_ref())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.anchors.len()
    }

    /// Whether nothing is trusted at all.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }
}

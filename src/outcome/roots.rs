//! The certificates that a chain may end at.

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, TrustAnchor};

use super::certificate::Certificate;

/// Trust anchors, each with the end of its certificate.
///
/// The path builder does not look at an anchor's dates, as browsers do not either; they are kept
/// because the chain's own end is the earliest of all its parts.
#[derive(Debug, Default)]
pub struct Roots {
    anchors: Vec<TrustAnchor<'static>>,
    ends: Vec<Option<Timestamp>>,
}

impl Roots {
    /// Takes every certificate that can be an anchor; the rest are passed over.
    pub fn new<'a>(certificates: impl IntoIterator<Item = &'a CertificateDer<'static>>) -> Self {
        let mut roots = Self::default();
        for der in certificates {
            if let Ok(anchor) = webpki::anchor_from_trusted_cert(der) {
                roots.anchors.push(anchor.to_owned());
                let facts = Certificate::read(der.clone()).facts;
                roots.ends.push(facts.map(|facts| facts.not_after));
            }
        }
        roots
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
        self.ends.get(index).copied().flatten()
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

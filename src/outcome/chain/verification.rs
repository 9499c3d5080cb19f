//! Whether a chain would be trusted: pure, with the time and the roots as arguments.

use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage};

use super::certificate::{Certificate, Facts};
use super::ladder;
use super::names;
use super::roots::Roots;
use super::strength;
pub use super::verify_failure::VerifyFailure;
use crate::outcome::quoted::Quoted;

/// Most certificates of one name that are tried: cross-signed CAs have two or three.
const MAX_CANDIDATES: usize = 3;

/// What came of judging a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The way to a root, where there is one, even while dates or the name are wrong.
    pub path: Option<VerifiedPath>,
    /// All that is wrong, the reason that browsers show first. Empty: trusted.
    pub failures: Vec<VerifyFailure>,
}

impl Verification {
    /// One failure more.
    pub fn add(&mut self, failure: VerifyFailure) {
        self.failures.push(failure);
        self.failures.sort_by_key(VerifyFailure::rank);
    }

    /// The clock is slow: what is not valid yet may be valid. What has ended has.
    pub fn doubt_dates(&mut self, proof: &str) {
        for failure in &mut self.failures {
            if matches!(failure, VerifyFailure::NotYetValid { .. }) {
                *failure = VerifyFailure::ClockWrong { proof: Quoted::text(proof) };
            }
        }
    }
}

/// The certificates that lead from the leaf to a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPath {
    /// Positions in the presented chain, leaf first. The root is not among them.
    pub positions: Vec<usize>,
    /// The earliest end of all, the root's included.
    pub not_after: Timestamp,
}

/// Judges a chain as presented, leaf first.
///
/// The usual verifier stops at the first fault; this one looks for the path, the dates and the
/// name each by itself, so that an expired certificate for a wrong host says both.
pub fn verify(
    presented: &[Certificate],
    name: &ServerName<'_>,
    roots: &Roots,
    now: Timestamp,
) -> Verification {
    verify_with(webpki::ALL_VERIFICATION_ALGS, presented, name, roots, now)
}

/// The same, with other implementations of the algorithms.
pub fn verify_with(
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    presented: &[Certificate],
    name: &ServerName<'_>,
    roots: &Roots,
    now: Timestamp,
) -> Verification {
    let path_at = |end_entity: &EndEntityCert<'_>, rest: &[CertificateDer<'_>], now| {
        path_at(algorithms, end_entity, rest, presented, roots, now)
    };
    let Some((leaf, rest)) = presented.split_first() else {
        return Verification { path: None, failures: vec![invalid("no certificate")] };
    };
    let rest = candidates(rest);
    let end_entity = match EndEntityCert::try_from(&leaf.der) {
        Ok(end_entity) => end_entity,
        Err(error) => {
            let facts = leaf.facts.as_ref();
            let failure = match error {
                // The first version of X.509 has no alternative names, and that is what browsers say.
                Error::UnsupportedCertVersion if facts.is_some() => mismatch(facts, &name.to_str()),
                error => classify(error, presented, roots),
            };
            let mut failures: Vec<_> = dates(leaf, now).into_iter().chain([failure]).collect();
            failures.sort_by_key(VerifyFailure::rank);
            return Verification { path: None, failures };
        }
    };

    let mut failures = Vec::new();
    let mut path = path_at(&end_entity, &rest, now);
    if let Err(error) = &path {
        failures.push(classify(error.clone(), presented, roots));
        if is_about_time(error) {
            // The dates hide whatever else is wrong: look again at a time when they were right.
            path = path_at(&end_entity, &rest, within_dates(presented));
            if let Err(error) = &path
                && !is_about_time(error)
            {
                failures.push(classify(error.clone(), presented, roots));
            }
        }
    }
    failures.extend(path.as_ref().ok().and_then(|path| misused(presented, path)));
    failures.extend(strength::of_leaf(leaf));
    if end_entity.verify_is_valid_for_subject_name(name).is_err() {
        failures.push(mismatch(leaf.facts.as_ref(), &name.to_str()));
    }
    failures.sort_by_key(VerifyFailure::rank);
    Verification { path: path.ok(), failures }
}

/// A key on the path that is used for what it is not for.
fn misused(presented: &[Certificate], path: &VerifiedPath) -> Option<VerifyFailure> {
    let uses = |at: &usize| presented.get(*at)?.facts.as_ref().map(|facts| facts.uses);
    let (leaf, issuers) = path.positions.split_first()?;
    if uses(leaf).is_some_and(|uses| uses.handshakes == Some(false)) {
        return Some(invalid("its key is not for handshakes (keyUsage)"));
    }
    let foreign = issuers.iter().filter_map(uses).any(|uses| uses.certificates == Some(false));
    foreign.then(|| invalid("an issuer's key is not for certificates (keyUsage)"))
}

/// Whether it is out of its dates by itself.
fn dates(certificate: &Certificate, now: Timestamp) -> Option<VerifyFailure> {
    let facts = certificate.facts.as_ref()?;
    let (not_before, not_after) = (facts.not_before, facts.not_after);
    if now.as_second() > not_after.as_second() {
        Some(VerifyFailure::Expired { not_after })
    } else {
        (now < not_before).then_some(VerifyFailure::NotYetValid { not_before })
    }
}

/// Why a certificate is not for a host.
fn mismatch(leaf: Option<&Facts>, host: &str) -> VerifyFailure {
    let names = leaf.map(|facts| facts.names.as_slice()).unwrap_or_default();
    let common_name = leaf.and_then(|facts| facts.common_name.as_ref());
    let alone = leaf.is_some_and(|facts| !facts.has_names);
    match common_name.filter(|name| names::common_name_fits(name.as_str(), host)) {
        Some(name) if alone => VerifyFailure::CommonNameOnly { name: name.clone() },
        _ => {
            let (names, near) = names::nearest_first(names, host);
            VerifyFailure::HostnameMismatch { names, near }
        }
    }
}

/// Those that may lead to a root: no more than a few of each name.
///
/// The path builder tries them all in every order; a handful of one name, which could each be
/// the issuer of each, take it seconds.
fn candidates(rest: &[Certificate]) -> Vec<CertificateDer<'static>> {
    let mut kept: Vec<&Certificate> = Vec::with_capacity(rest.len());
    for certificate in rest {
        let is_new = kept.iter().all(|known| known.der != certificate.der);
        let namesakes = kept.iter().filter(|known| subject(known) == subject(certificate));
        if is_new && namesakes.count() < MAX_CANDIDATES {
            kept.push(certificate);
        }
    }
    kept.into_iter().map(|certificate| certificate.der.clone()).collect()
}

fn subject(certificate: &Certificate) -> Option<&Quoted> {
    certificate.facts.as_ref().map(|facts| &facts.subject)
}

fn path_at(
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    end_entity: &EndEntityCert<'_>,
    rest: &[CertificateDer<'_>],
    presented: &[Certificate],
    roots: &Roots,
    now: Timestamp,
) -> Result<VerifiedPath, Error> {
    let since_epoch = Duration::from_secs(u64::try_from(now.as_second()).unwrap_or(0));
    let leaf = presented.first();
    let path = match end_entity.verify_for_usage(
        algorithms,
        roots.anchors(),
        rest,
        UnixTime::since_unix_epoch(since_epoch),
        KeyUsage::server_auth(),
        None,
        None,
    ) {
        // What most tools make when they are asked for a certificate that signs itself: a CA. Its
        // dates have been looked at by now.
        Err(Error::CaUsedAsEndEntity) if leaf.is_some_and(|leaf| roots.hold(leaf)) => {
            let facts = leaf.and_then(|leaf| leaf.facts.as_ref());
            let not_after = facts.map_or(Timestamp::MAX, |facts| facts.not_after);
            return Ok(VerifiedPath { positions: vec![0], not_after });
        }
        path => path?,
    };
    let mut positions = vec![0];
    for certificate in path.intermediate_certificates() {
        let der = certificate.der();
        positions.extend(presented.iter().position(|own| own.der == der));
    }
    let ends = positions.iter().filter_map(|at| presented.get(*at)?.facts.as_ref());
    let not_after = ends
        .map(|facts| facts.not_after)
        .chain(roots.end_of(path.anchor()))
        .min()
        .unwrap_or(Timestamp::MAX);
    Ok(VerifiedPath { positions, not_after })
}

/// A time at which every presented certificate is valid, or at least the leaf.
fn within_dates(presented: &[Certificate]) -> Timestamp {
    let facts = || presented.iter().filter_map(|certificate| certificate.facts.as_ref());
    let latest_start = facts().map(|facts| facts.not_before).max();
    let earliest_end = facts().map(|facts| facts.not_after).min();
    match (latest_start, earliest_end) {
        (Some(start), Some(end)) if start <= end => start,
        _ => facts().next().map_or(Timestamp::UNIX_EPOCH, |leaf| leaf.not_before),
    }
}

fn is_about_time(error: &Error) -> bool {
    matches!(error, Error::CertExpired { .. } | Error::CertNotValidYet { .. })
}

fn classify(error: Error, presented: &[Certificate], roots: &Roots) -> VerifyFailure {
    let seconds = |time: UnixTime| {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    };
    let leaf = presented.first().and_then(|leaf| leaf.facts.as_ref());
    let own_issuer = leaf.is_some_and(|facts| facts.self_issued);
    match error {
        Error::CertExpired { not_after, .. } => {
            VerifyFailure::Expired { not_after: seconds(not_after) }
        }
        Error::CertNotValidYet { not_before, .. } => {
            VerifyFailure::NotYetValid { not_before: seconds(not_before) }
        }
        Error::UnknownIssuer | Error::CaUsedAsEndEntity if own_issuer => VerifyFailure::SelfSigned,
        Error::UnknownIssuer => ladder::gap(presented),
        Error::InvalidSignatureForPublicKey if ladder::leads_to_a_namesake(presented, roots) => {
            ladder::gap(presented)
        }
        Error::InvalidSignatureForPublicKey => {
            strength::of_chain(presented, roots).unwrap_or(VerifyFailure::BadSignature)
        }
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            strength::of_chain(presented, roots).unwrap_or_else(|| invalid(&rule(&error)))
        }
        // The names of webpki's own variants are a closed list; they name the broken rule.
        error => invalid(&rule(&error)),
    }
}

fn rule(error: &Error) -> String {
    format!("{error:?}")
}

fn invalid(rule: &str) -> VerifyFailure {
    VerifyFailure::Invalid { rule: Quoted::text(rule) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn self_signed() -> CertificateDer<'static> {
        let mut params = rcgen::CertificateParams::new(vec!["door.test".to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Watchpost");
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    proptest! {
        /// Whatever a server changes in a certificate, it is read and judged.
        #[test]
        fn no_certificate_makes_the_judge_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            end in any::<prop::sample::Index>(),
            cut in any::<bool>(),
        ) {
            let mut der = self_signed().to_vec();
            for (at, byte) in changes {
                let at = at.index(der.len());
                der[at] = byte;
            }
            if cut {
                der.truncate(end.index(der.len()));
            }
            let one = Certificate::read(der.into());
            let name = ServerName::try_from("door.test").unwrap();
            let found = verify(&[one.clone(), one], &name, &Roots::default(), Timestamp::UNIX_EPOCH);
            prop_assert!(!found.failures.is_empty());
        }
    }
}

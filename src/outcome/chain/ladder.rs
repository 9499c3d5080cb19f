//! How far presented certificates lead from the leaf towards a root, by what they say of
//! themselves: no signature is looked at. It tells why there is no path, where there is none.

use super::certificate::{Certificate, Facts};
use super::roots::Roots;
use super::verification::VerifyFailure;
use crate::outcome::quoted::Quoted;

/// Positions of the certificates from the leaf upwards, each issued by the next as it says.
pub fn climb(presented: &[Certificate]) -> Vec<usize> {
    let mut rungs = vec![0];
    let mut below = presented.first().and_then(|leaf| leaf.facts.as_ref());
    while let Some(facts) = below.filter(|facts| !facts.self_issued) {
        let issuer = presented.iter().enumerate().find(|(at, one)| {
            !rungs.contains(at) && one.facts.as_ref().is_some_and(|issuer| issued(issuer, facts))
        });
        rungs.extend(issuer.map(|(at, _)| at));
        below = issuer.and_then(|(_, one)| one.facts.as_ref());
    }
    rungs
}

/// Whether one certificate says that it may have issued another, and that one does not deny it.
fn issued(issuer: &Facts, subject: &Facts) -> bool {
    issuer.subject == subject.issuer
        && same_key(issuer.ties.key_id.as_ref(), subject.ties.issuer_key_id.as_ref())
}

fn same_key(one: Option<&String>, other: Option<&String>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

/// Why no path leads to a root, where no signature is at fault.
///
/// A chain usually ends below its root, which is not presented. So a leaf that comes alone lacks
/// its intermediate; one that comes with an intermediate leads to a root that is not trusted. What
/// the certificates say besides goes before that: an issuer that has issued itself is a root, and
/// a root that is presented without a link to it shows a gap.
pub fn gap(presented: &[Certificate]) -> VerifyFailure {
    let rungs = climb(presented);
    let facts = |at: &usize| presented.get(*at).and_then(|one| one.facts.as_ref());
    let Some(top) = rungs.last().and_then(facts) else {
        return VerifyFailure::UnknownIssuer { root: Quoted::default() };
    };
    if top.self_issued {
        return VerifyFailure::UnknownIssuer { root: top.subject.clone() };
    }
    let detached_root = (0..presented.len())
        .filter(|at| !rungs.contains(at))
        .any(|at| facts(&at).is_some_and(|facts| facts.self_issued && facts.is_ca));
    let missing = match top.ties.issuer_is_root {
        Some(is_root) => !is_root,
        None => rungs.len() == 1 || detached_root,
    };
    if missing {
        let urls = top.ties.issuer_urls.clone();
        VerifyFailure::MissingIntermediate { issuer: top.issuer.clone(), urls }
    } else {
        VerifyFailure::UnknownIssuer { root: top.issuer.clone() }
    }
}

/// Whether the chain leads to a root of the same name as a trusted one, but of another key: then
/// that no signature fits is no fault of the chain's.
pub fn leads_to_a_namesake(presented: &[Certificate], roots: &Roots) -> bool {
    let top = climb(presented).last().and_then(|at| presented.get(*at)?.facts.as_ref());
    top.is_some_and(|top| {
        let wanted = match top.self_issued {
            true => top.ties.key_id.as_ref(),
            false => top.ties.issuer_key_id.as_ref(),
        };
        let mut namesakes = roots.key_ids_of(&top.issuer).peekable();
        let known = wanted.is_some() && namesakes.peek().is_some();
        known && !namesakes.any(|key_id| same_key(key_id, wanted))
    })
}

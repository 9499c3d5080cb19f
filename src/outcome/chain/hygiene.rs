//! What is not well with a chain that browsers take all the same.

use jiff::Timestamp;

use super::certificate::{Certificate, Facts};
use super::ocsp::Status;
use super::roots::Roots;
use super::staple::Staple;
use super::verification::Verification;
use crate::outcome::warning::{Remark, Warning};

/// Most certificates that are told of in one warning.
const MAX_TOLD: usize = 3;

const DAY: i64 = 86_400;

/// 2026-03-15, 2027-03-15 and 2029-03-15: from then on public CAs issue for 200, 100 and 47 days.
const MARCH_2026: i64 = 1_773_532_800;
const MARCH_2027: i64 = 1_805_068_800;
const MARCH_2029: i64 = 1_868_227_200;

/// All of it. What stands in the way of a path to a root is a failure, and told as that alone.
pub fn remarks(
    certificates: &[Certificate],
    staple: Option<&Staple>,
    verification: &Verification,
    roots: &Roots,
    now: Timestamp,
) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let leaf = certificates.first().and_then(|leaf| leaf.facts.as_ref());
    let (Some(leaf), Some(path)) = (leaf, &verification.path) else { return remarks };
    let mut remark = |warning, evidence: String| remarks.push(Remark { warning, evidence });
    match staple {
        Some(Staple::Useless(why)) => remark(Warning::OcspInvalid, why.as_str().to_owned()),
        Some(Staple::Answer { next_update, .. }) if now > *next_update => {
            remark(Warning::OcspStale, format!("it held until {next_update}"));
        }
        Some(Staple::Answer { status: Status::Unknown, .. }) => {
            remark(Warning::OcspUnknown, String::new());
        }
        Some(Staple::Answer { .. }) => {}
        None => {}
    }
    if leaf.renewal().overdue.as_second() < now.as_second() && now <= leaf.not_after {
        remark(Warning::CertRenewalOverdue, format!("it ends at {}", leaf.not_after));
    }
    // Rules of the public CAs' own: nobody holds a private one to them.
    if roots.are_public() {
        if leaf.scts == 0 {
            remark(Warning::CertWithoutSct, String::new());
        }
        let (days, most) = (days(leaf), most_days(leaf.not_before));
        if days > most {
            remark(Warning::CertLongLife, format!("{days} days, and {most} are allowed"));
        }
    }
    shape(certificates, &path.positions, now, remark);
    remarks
}

/// What is presented beside the path, and in which order.
fn shape(
    certificates: &[Certificate],
    path: &[usize],
    now: Timestamp,
    mut remark: impl FnMut(Warning, String),
) {
    let facts = |at: usize| certificates.get(at).and_then(|one| one.facts.as_ref());
    // The root of the path before one that it has issued: a chain in no order at all.
    let root_before = |at: &usize| {
        let issuer = facts(*at).map(|facts| &facts.issuer);
        (0..*at).filter_map(facts).any(|one| one.self_issued && Some(&one.subject) == issuer)
    };
    if !path.is_sorted() {
        let places: Vec<_> = path.iter().map(|at| (at + 1).to_string()).collect();
        remark(Warning::ChainWrongOrder, format!("the path is {}", places.join(", ")));
    } else if path.iter().any(root_before) {
        remark(Warning::ChainWrongOrder, "the root comes before what it has issued".to_owned());
    }
    let beside: Vec<_> = (0..certificates.len()).filter(|at| !path.contains(at)).collect();
    let of = |wanted: fn(&Facts, Timestamp) -> bool| -> Vec<usize> {
        let is = |at: &&usize| facts(**at).is_some_and(|facts| wanted(facts, now));
        beside.iter().filter(is).copied().collect()
    };
    let expired = of(|facts, now| facts.not_after < now);
    let roots = of(|facts, now| facts.not_after >= now && facts.self_issued && facts.is_ca);
    let others: Vec<_> =
        beside.iter().filter(|at| !expired.contains(at) && !roots.contains(at)).copied().collect();
    for (warning, at) in [
        (Warning::ChainExtraCertificate, others),
        (Warning::ChainExtraExpired, expired),
        (Warning::ChainRootPresented, roots),
    ] {
        if !at.is_empty() {
            let told = at.into_iter().filter_map(facts).take(MAX_TOLD);
            let subjects: Vec<_> = told.map(|facts| facts.subject.as_str()).collect();
            remark(warning, subjects.join("; "));
        }
    }
}

/// Its life in days of 86,400 seconds, the last second included and each begun day a whole one.
fn days(leaf: &Facts) -> i64 {
    let seconds = leaf.not_after.as_second() - leaf.not_before.as_second() + 1;
    (seconds + DAY - 1).div_euclid(DAY)
}

/// The CA/Browser Forum's Baseline Requirements, section 6.3.2, by the day of issue.
fn most_days(issued: Timestamp) -> i64 {
    match issued.as_second() {
        ..MARCH_2026 => 398,
        MARCH_2026..MARCH_2027 => 200,
        MARCH_2027..MARCH_2029 => 100,
        _ => 47,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_lives_are_as_long_as_the_rules_of_their_day() {
        for (issued, most) in [
            ("2026-03-14T23:59:59Z", 398),
            ("2026-03-15T00:00:00Z", 200),
            ("2027-03-14T23:59:59Z", 200),
            ("2027-03-15T00:00:00Z", 100),
            ("2029-03-14T23:59:59Z", 100),
            ("2029-03-15T00:00:00Z", 47),
        ] {
            assert_eq!(most_days(issued.parse().unwrap()), most, "{issued}");
        }
    }
}

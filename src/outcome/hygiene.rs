//! What is not well with a chain that browsers take all the same.

use jiff::Timestamp;

use super::certificate::Certificate;
use super::ocsp::Status;
use super::roots::Roots;
use super::staple::Staple;
use super::verification::Verification;
use super::warning::{Remark, Warning};

/// All of it. What stands in the way of a path to a root is a failure, and told as that alone.
pub fn remarks(
    certificates: &[Certificate],
    staple: Option<&Staple>,
    verification: &Verification,
    _roots: &Roots,
    now: Timestamp,
) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let leaf = certificates.first().and_then(|leaf| leaf.facts.as_ref());
    let (Some(leaf), Some(_path)) = (leaf, &verification.path) else { return remarks };
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
        None if leaf.must_staple => remark(Warning::MustStapleMissing, String::new()),
        None => {}
    }
    remarks
}

//! What a server presents with an OCSP answer stapled to it.
#![no_main]

use jiff::SignedDuration;
use libfuzzer_sys::fuzz_target;
use rustls::pki_types::{CertificateDer, ServerName};
use watchpost::outcome::chain::Chain;
use watchpost::outcome::chain::certificate::Certificate;
use watchpost::outcome::chain::ocsp::{self, Response};
use watchpost::outcome::chain::roots::Roots;
use watchpost::outcome::chain::staple::Staple;
use watchpost::outcome::reason::Reason;
use watchpost_fuzz::{harmless, now};

/// Each certificate stands behind its length in two bytes; a length of 0 ends them.
fn chain(mut input: &[u8]) -> (Vec<CertificateDer<'static>>, &[u8]) {
    let mut chain = Vec::new();
    while let [a, b, rest @ ..] = input {
        let length = usize::from(u16::from_be_bytes([*a, *b])).min(rest.len());
        let (der, rest) = rest.split_at(length);
        input = rest;
        if length == 0 {
            break;
        }
        chain.push(CertificateDer::from(der.to_vec()));
    }
    (chain, input)
}

fuzz_target!(|input: &[u8]| {
    let (ders, staple) = chain(input);
    match ocsp::read(staple) {
        Some(Response::Basic(basic)) => {
            let within = |part: &[u8]| staple.as_ptr_range().contains(&part.as_ptr());
            assert!(within(basic.signed) && basic.signed.len() < staple.len());
            assert!(basic.answers.len() <= 16 && basic.certificates.len() <= 4);
        }
        Some(Response::Refused(status)) => assert_ne!(status, 0),
        None => {}
    }
    // The last one is trusted, and not presented.
    let (root, presented) = ders.split_last().map_or((None, &[][..]), |(a, b)| (Some(a), b));
    let roots = Roots::new(root);
    let certificates: Vec<_> = presented.iter().cloned().map(Certificate::read).collect();
    let name = ServerName::try_from("door.test").unwrap();
    let judged = |staple: &[u8], at| {
        let algorithms = webpki::ALL_VERIFICATION_ALGS;
        Chain::judge(certificates.clone(), staple.to_vec(), &name, &roots, algorithms, at)
    };
    let chain = judged(staple, now());
    assert_eq!(chain.staple.is_some(), !staple.is_empty());
    chain.remarks.iter().for_each(|remark| harmless(&remark.evidence));
    chain.verification.failures.iter().for_each(|failure| harmless(&failure.evidence()));
    let revoked = chain.verification.failures.iter().any(|one| one.reason() == Reason::CertRevoked);
    if let Some(Staple::Answer { .. }) = chain.staple {
        assert!(chain.verification.path.is_some(), "somebody known has signed it");
    } else {
        assert!(!revoked, "nobody stands behind it");
    }
    // As long as a verdict holds, it is the same.
    for days in [-4_000, -30, -1, 0, 1, 30, 4_000] {
        let then = now() + SignedDuration::from_hours(24 * days);
        if chain.holds(now(), then) {
            assert_eq!(judged(staple, then), chain, "{days}");
        }
    }
});

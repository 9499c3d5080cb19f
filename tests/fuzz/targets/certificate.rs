//! What a server presents as its chain: read, judged, shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rustls::pki_types::{CertificateDer, ServerName};
use watchpost::outcome::chain::certificate::Certificate;
use watchpost::outcome::chain::roots::Roots;
use watchpost::outcome::chain::verification::verify;
use watchpost_fuzz::{first, harmless, now, quoted};

/// Each certificate stands behind its length in two bytes.
fn chain(mut input: &[u8]) -> Vec<CertificateDer<'static>> {
    let mut chain = Vec::new();
    while let [a, b, rest @ ..] = input {
        let length = usize::from(u16::from_be_bytes([*a, *b])).min(rest.len());
        let (der, rest) = rest.split_at(length);
        chain.push(CertificateDer::from(der.to_vec()));
        input = rest;
    }
    chain
}

fuzz_target!(|input: &[u8]| {
    let (flags, input) = first(input);
    let (trusted, ders) = (flags & 1 == 1, chain(input));
    let certificates: Vec<_> = ders.iter().cloned().map(Certificate::read).collect();
    for certificate in &certificates {
        assert_eq!(certificate.fingerprint.len(), 64);
        let Some(facts) = &certificate.facts else { continue };
        [&facts.subject, &facts.issuer].into_iter().for_each(quoted);
        facts.names.iter().for_each(quoted);
        assert!(facts.names.len() <= 100 && facts.serial.len() <= 64);
        assert!((0.0..=1.0).contains(&facts.life_left(now())));
        let json = serde_json::to_value(facts).unwrap();
        assert_eq!(json["subject"], facts.subject.as_str());
    }
    let roots = Roots::new(ders.last().filter(|_| trusted));
    assert!(roots.len() <= 1);
    let name = ServerName::try_from("door.test").unwrap();
    let verification = verify(&certificates, &name, &roots, now());
    let failures = &verification.failures;
    failures.iter().for_each(|failure| harmless(&failure.evidence()));
    match &verification.path {
        Some(path) => {
            assert!(!roots.is_empty(), "a path leads to a root");
            assert!(path.positions.first() == Some(&0));
            assert!(path.positions.iter().all(|at| *at < certificates.len()));
        }
        None => assert!(!failures.is_empty(), "what is not trusted says why"),
    }
    // The same chain is judged alike, and no chain at all is never trusted.
    assert_eq!(verification, verify(&certificates, &name, &roots, now()));
    assert!(!verify(&[], &name, &Roots::new(&[]), now()).failures.is_empty());
});

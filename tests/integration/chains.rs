//! Chains, judged without a socket: what is weak, what is beside the path, what is due.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use watchpost::demo::authority::Served;
use watchpost::outcome::chain::Chain;
use watchpost::outcome::chain::certificate::Certificate;
use watchpost::outcome::chain::roots::Roots;
use watchpost::outcome::reason::Reason;
use watchpost::outcome::warning::Warning;

use crate::fixture::pki::{HOST, Pki, now};

fn judged(chain: Vec<CertificateDer<'static>>, roots: &Roots, at: Timestamp) -> Chain {
    let certificates = chain.into_iter().map(Certificate::read).collect();
    let name = ServerName::try_from(HOST).unwrap();
    Chain::judge(certificates, Vec::new(), &name, roots, webpki::ALL_VERIFICATION_ALGS, at)
}

/// A certificate of `weak/`.
fn kept(name: &str) -> CertificateDer<'static> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/weak");
    CertificateDer::from_pem_file(folder.join(name).with_extension("pem")).unwrap()
}

#[test]
fn what_is_too_weak_is_named() {
    let at: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let weak_key =
        |subject: &str| Some((Reason::CertWeakKey, format!("the key of CN={subject} is rsa 1024")));
    let signed = |name: &str, how: &str| {
        let evidence = format!("the certificate of CN={name} is signed with {how}");
        Some((Reason::CertWeakSignature, evidence))
    };
    for (chain, root, expected) in [
        (&["good"][..], "root", None),
        (&["sha1"], "root", signed("sha1", "rsa-sha1")),
        (&["md5"], "root", signed("md5", "rsa-md5")),
        (&["short"], "root", weak_key("short")),
        (&["of-short-ca", "short-ca"], "root", weak_key("short-ca")),
        (&["of-short-root"], "short-root", weak_key("short-root")),
    ] {
        let chain: Vec<_> = chain.iter().map(|name| kept(name)).collect();
        let chain = judged(chain, &Roots::new(&[kept(root)]), at);
        let failures = chain.verification.failures.iter();
        let found: Vec<_> = failures.map(|one| (one.reason(), one.evidence())).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn what_stands_beside_the_path_is_told() {
    let (pki, other, now) = (Pki::new("shape"), Pki::new("other"), now());
    let served = pki.good();
    let (leaf, intermediate) = (&served.chain[0], &served.chain[1]);
    let (root, stranger) = (pki.authority.root(), &other.good().chain[1]);
    let expired = &pki.authority.issue(&["old.test"], -20, -10).unwrap().chain[0];
    let garbage = &CertificateDer::from(vec![0xa5; 100]);
    let named = |name: &str| format!("CN={name},O=Watchpost");
    for (chain, expected) in [
        (&[leaf, intermediate][..], vec![]),
        (&[leaf, intermediate, root], vec![(Warning::ChainRootPresented, named("shape root"))]),
        (
            &[leaf, root, intermediate],
            vec![
                (Warning::ChainWrongOrder, "the root comes before what it has issued".to_owned()),
                (Warning::ChainRootPresented, named("shape root")),
            ],
        ),
        (
            &[leaf, stranger, intermediate],
            vec![(Warning::ChainExtraCertificate, named("other intermediate"))],
        ),
        (
            &[leaf, intermediate, intermediate, leaf],
            vec![(
                Warning::ChainExtraCertificate,
                format!("{}; CN=door.test", named("shape intermediate")),
            )],
        ),
        (
            &[leaf, expired, intermediate],
            vec![(Warning::ChainExtraExpired, "CN=old.test".to_owned())],
        ),
        (&[leaf, intermediate, garbage], vec![(Warning::ChainExtraCertificate, String::new())]),
    ] {
        let chain = chain.iter().map(|der| (*der).clone()).collect();
        let chain = judged(chain, &Roots::new([root]), now);
        assert_eq!(chain.verification.failures, []);
        let remarks = chain.remarks.into_iter();
        let found: Vec<_> = remarks.map(|one| (one.warning, one.evidence)).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_path_of_three_may_come_in_the_wrong_order() {
    let now = now();
    let key = || rcgen::KeyPair::generate().unwrap();
    let ca = |name: &str| {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
    };
    let root_key = key();
    let root = ca("root").self_signed(&root_key).unwrap().der().clone();
    let root_issuer = rcgen::Issuer::new(ca("root"), root_key);
    let upper_key = key();
    let upper = ca("upper").signed_by(&upper_key, &root_issuer).unwrap().der().clone();
    let upper_issuer = rcgen::Issuer::new(ca("upper"), upper_key);
    let lower_key = key();
    let lower = ca("lower").signed_by(&lower_key, &upper_issuer).unwrap().der().clone();
    let lower_issuer = rcgen::Issuer::new(ca("lower"), lower_key);
    let leaf = rcgen::CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key(), &lower_issuer).unwrap().der().clone();
    let roots = Roots::new(&[root]);
    let wrong = judged(vec![leaf.clone(), upper.clone(), lower.clone()], &roots, now);
    assert_eq!(wrong.verification.failures, []);
    let found: Vec<_> =
        wrong.remarks.iter().map(|one| (one.warning, one.evidence.as_str())).collect();
    assert_eq!(found, [(Warning::ChainWrongOrder, "the path is 1, 3, 2")]);
    assert_eq!(judged(vec![leaf, lower, upper], &roots, now).remarks, []);
}

#[test]
fn renewal_is_due_by_the_lifetime() {
    let (pki, now) = (Pki::new("due"), now());
    let roots = Roots::new([pki.authority.root()]);
    let overdue = |served: &Served, at: Timestamp| {
        let chain = judged(served.chain.clone(), &roots, at);
        chain.remarks.iter().any(|one| one.warning == Warning::CertRenewalOverdue)
    };
    // Lifetime in days, then how long before the end it is due, and how long that may take.
    for (days, ahead, grace) in [(6, 72, 7), (47, 376, 57), (90, 720, 108), (398, 720, 478)] {
        let served = pki.authority.issue(&[HOST], 0, days).unwrap();
        let facts = Certificate::read(served.chain[0].clone()).facts.unwrap();
        let end = facts.not_after;
        let before = |hours: i64| end - SignedDuration::from_hours(hours);
        assert_eq!(facts.renewal().due, before(ahead), "{days}");
        assert!(!overdue(&served, before(ahead - grace + 1)), "{days}");
        assert!(overdue(&served, before(ahead - grace - 1)), "{days}");
        assert!(overdue(&served, end), "{days}");
        assert!(!overdue(&served, end + SignedDuration::from_secs(1)), "then it has expired");
        let chain = judged(served.chain.clone(), &roots, now);
        assert!(!chain.holds(before(ahead - grace + 1), before(ahead - grace - 1)), "{days}");
    }
}

/// Nobody holds a private CA to the rules of the public ones.
#[test]
fn public_rules_are_for_public_roots() {
    let (pki, now) = (Pki::new("public"), now());
    let served = pki.authority.issue(&[HOST], -10, 400).unwrap();
    let private = Roots::new([pki.authority.root()]);
    assert_eq!(judged(served.chain.clone(), &private, now).remarks, []);
    let public = Roots::new([pki.authority.root()]).of_the_public();
    let found: Vec<_> =
        judged(served.chain, &public, now).remarks.iter().map(|one| one.warning).collect();
    assert_eq!(found, [Warning::CertWithoutSct, Warning::CertLongLife]);
}

fn reasons(chain: &Chain) -> Vec<Reason> {
    chain.verification.failures.iter().map(|failure| failure.reason()).collect()
}

/// What `openssl req -x509` makes: a certificate that signs itself, and calls itself a CA.
#[test]
fn a_trusted_certificate_may_be_its_own_ca() {
    let mut params = rcgen::CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap().der().clone();
    let trusted = Roots::new(std::slice::from_ref(&own));
    let found = judged(vec![own.clone()], &trusted, now());
    assert_eq!((reasons(&found), found.verification.path.unwrap().positions), (vec![], vec![0]));
    let later: Timestamp = "2040-01-02T00:00:00Z".parse().unwrap();
    assert_eq!(reasons(&judged(vec![own.clone()], &trusted, later)), [Reason::CertExpired]);
    let other = Roots::new(&[Pki::new("other").authority.root().clone()]);
    assert_eq!(reasons(&judged(vec![own], &other, now())), [Reason::CertSelfSigned]);
}

#[test]
fn a_key_is_used_for_what_it_is_for() {
    use rcgen::KeyUsagePurpose::{CrlSign, DigitalSignature, KeyCertSign};
    let ca = |name: &str, usages: Vec<_>| {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = usages;
        (params, rcgen::KeyPair::generate().unwrap())
    };
    for (of_issuer, of_leaf, expected) in [
        (vec![KeyCertSign], vec![DigitalSignature], vec![]),
        (vec![], vec![], vec![]),
        (vec![CrlSign], vec![DigitalSignature], vec![Reason::CertInvalid]),
        (vec![KeyCertSign], vec![KeyCertSign], vec![Reason::CertInvalid]),
    ] {
        let (root, root_key) = ca("uses root", vec![KeyCertSign]);
        let anchor = root.self_signed(&root_key).unwrap().der().clone();
        let (issuer, issuer_key) = ca("uses issuer", of_issuer);
        let middle = issuer.signed_by(&issuer_key, &rcgen::Issuer::new(root, root_key)).unwrap();
        let mut leaf = rcgen::CertificateParams::new(vec![HOST.to_owned()]).unwrap();
        leaf.key_usages = of_leaf;
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = leaf.signed_by(&key, &rcgen::Issuer::new(issuer, issuer_key)).unwrap();
        let chain = vec![leaf.der().clone(), middle.der().clone()];
        assert_eq!(reasons(&judged(chain, &Roots::new(&[anchor]), now())), expected);
    }
}

#[test]
fn a_certificate_of_the_first_version_has_no_names() {
    let own = kept("first-version");
    let found = judged(vec![own.clone()], &Roots::new(&[own]), now());
    assert_eq!(reasons(&found), [Reason::CertCommonNameOnly]);
}

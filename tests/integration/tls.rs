//! What is seen of a chain, whether or not it verifies.

use std::sync::Arc;

use rcgen::CustomExtension;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use watchpost::demo::authority::Served;
use watchpost::outcome::chain::Chain;
use watchpost::outcome::reason::Reason;
use watchpost::outcome::verdict::Verdict;
use watchpost::outcome::warning::Warning;

use crate::fixture::checks::{check, config, run};
use crate::fixture::pki::{self, HOST, Pki, now, server_config, server_config_of};
use crate::fixture::raw;
use crate::fixture::responder::der;

#[tokio::test]
async fn a_good_chain_is_known_to_its_last_fact() {
    let pki = Pki::new("facts");
    let served = pki.authority.issue(&[HOST, "*.door.test", "192.0.2.7"], -10, 80).unwrap();
    let server = pki::open(server_config(served)).await;
    let outcome = run(&check("tls://door.test:1", &pki.keys(&server))).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.failure);

    let chain = outcome.observation.chain.unwrap();
    let [leaf, intermediate] = &chain.certificates[..] else { panic!("two certificates") };
    let facts = leaf.facts.as_ref().unwrap();
    assert_eq!(facts.subject.as_str(), "CN=door.test");
    assert_eq!(facts.issuer.as_str(), "CN=facts intermediate,O=Watchpost");
    let names: Vec<_> = facts.names.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, [HOST, "*.door.test", "192.0.2.7"]);
    assert_eq!((facts.key.kind, facts.key.bits), ("ec", 256));
    assert!(!facts.is_ca && !facts.self_issued);
    assert!(intermediate.facts.as_ref().unwrap().is_ca);
    let days = now().duration_until(facts.not_after).as_hours() / 24;
    assert!((78..=80).contains(&days), "{days}");

    let path = chain.verification.path.as_ref().unwrap();
    assert_eq!(path.positions, [0, 1]);
    assert_eq!(path.not_after, facts.not_after, "the leaf ends first");
    let session = outcome.observation.session.unwrap();
    assert_eq!(session.version, "TLS 1.3");
    assert_eq!(session.cipher, "TLS13_AES_128_GCM_SHA256");
    assert!(!session.hello_retry);
}

#[tokio::test]
async fn a_serial_number_beyond_all_rules_is_cut() {
    let pki = Pki::new("serial");
    for (octets, digits) in [(20, 40), (30_000, 64)] {
        let numbered = |params: &mut rcgen::CertificateParams| {
            params.serial_number = Some(vec![0x7f; octets].into());
        };
        let served = pki.authority.issue_with(&[HOST], -10, 80, numbered).unwrap();
        let server = pki::open(server_config(served)).await;
        let outcome = run(&check("tls://door.test:1", &pki.keys(&server))).await;
        let chain = outcome.observation.chain.unwrap();
        let facts = chain.leaf().unwrap().facts.as_ref().unwrap();
        assert_eq!(facts.serial, "7f".repeat(digits / 2));
    }
}

#[tokio::test]
async fn every_fault_of_a_chain_is_told_the_browsers_first() {
    let pki = Pki::new("several");
    let stranger = Pki::new("stranger");
    let labels = async |served, keys: &Pki| {
        let server = pki::open(server_config(served)).await;
        let outcome = run(&check("tls://door.test:1", &keys.keys(&server))).await;
        let chain = outcome.observation.chain.unwrap();
        chain.verification.failures.iter().map(|failure| failure.label()).collect::<Vec<_>>()
    };
    let issue = |names: &[&str], from, to| pki.authority.issue(names, from, to).unwrap();
    assert_eq!(
        labels(issue(&["other.test"], -20, -10), &pki).await,
        ["hostname_mismatch", "expired"]
    );
    assert_eq!(labels(issue(&[HOST], -20, -10), &stranger).await, ["unknown_issuer", "expired"]);
    assert_eq!(
        labels(issue(&["other.test"], 5, 10), &stranger).await,
        ["unknown_issuer", "hostname_mismatch", "not_yet_valid"]
    );
}

#[tokio::test]
async fn an_expired_chain_still_shows_its_path() {
    let pki = Pki::new("expired");
    let served = pki.authority.issue(&[HOST], -20, -10).unwrap();
    let server = pki::open(server_config(served)).await;
    let outcome = run(&check("wss://door.test/", &pki.keys(&server))).await;
    assert_eq!(outcome.failure.unwrap().reason(), Reason::CertExpired);
    let chain: Arc<Chain> = outcome.observation.chain.unwrap();
    assert_eq!(chain.verification.path.as_ref().unwrap().positions, [0, 1]);
    assert_eq!(outcome.observation.http_status, None, "nothing was sent through it");
}

#[tokio::test]
async fn a_wss_run_sees_what_a_tls_run_sees() {
    let pki = Pki::new("same");
    let server = pki::open(server_config(pki.good())).await;
    let config = config(
        &format!("wss://door.test:{}/", server.address.port()),
        &format!("{}probes = [\"websocket\", \"tls\"]", pki.keys(&server)),
    );
    let [websocket, tls] = &config.checks[..] else { panic!("two checks") };
    let (websocket, tls) = (run(websocket).await.observation, run(tls).await.observation);
    assert_eq!(websocket.chain, tls.chain);
    assert_eq!(websocket.session, tls.session);
}

#[tokio::test]
async fn the_name_is_kept_when_another_address_is_dialled() {
    #[derive(Debug)]
    struct ByName(Arc<CertifiedKey>);
    impl ResolvesServerCert for ByName {
        fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            (hello.server_name() == Some(HOST)).then(|| self.0.clone())
        }
    }
    let pki = Pki::new("sni");
    let served = pki.good();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = CertifiedKey::from_der(served.chain, served.key, &provider).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByName(Arc::new(key))));
    let server = pki::open(config).await;
    assert_eq!(run(&check("wss://door.test/", &pki.keys(&server))).await.failure, None);
    let other = run(&check("wss://other.test/", &pki.keys(&server))).await;
    assert_eq!(other.failure.unwrap().reason(), Reason::TlsAlert);
}

#[tokio::test]
async fn a_literal_address_is_verified_as_an_address() {
    let pki = Pki::new("address");
    for (names, reason) in
        [(["127.0.0.1"], None), (["door.test"], Some(Reason::CertHostnameMismatch))]
    {
        let served = pki.authority.issue(&names, -10, 80).unwrap();
        let server = pki::open(server_config(served)).await;
        let keys = format!("ca-file = \"{}\"", pki.ca_file().display());
        let outcome = run(&check(&format!("wss://{}/", server.address), &keys)).await;
        assert_eq!(outcome.failure.map(|failure| failure.reason()), reason);
    }
}

#[tokio::test]
async fn a_client_certificate_opens_the_door_that_wants_one() {
    let pki = Pki::new("client");
    let server = pki::open(pki::strict_server_config(&pki, rustls::ALL_VERSIONS)).await;
    let client = pki
        .authority
        .issue_with(&["probe.test"], -10, 80, |params| {
            params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        })
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("probe.pem"), client.chain_pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), client.key_pem()).unwrap();
    let keys = format!(
        "{}client-cert = \"{1}/probe.pem\"\nclient-key = \"{1}/key.pem\"",
        pki.keys(&server),
        folder.path().display()
    );
    assert_eq!(run(&check("wss://door.test/", &keys)).await.failure, None);
    let tls = format!("{keys}\nprobes = [\"tls\"]");
    assert_eq!(run(&check("wss://door.test/", &tls)).await.failure, None);
}

/// TLS 1.3 refuses behind the handshake, 1.2 in it; and a probe that only shakes hands must wait
/// for that word.
#[tokio::test]
async fn a_door_that_wants_a_client_certificate_says_so_to_either_probe() {
    let pki = Pki::new("no-client");
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let server = pki::open(pki::strict_server_config(&pki, versions)).await;
        for probe in ["websocket", "tls"] {
            let keys = format!("{}probes = [\"{probe}\"]", pki.keys(&server));
            let failure = run(&check("wss://door.test/", &keys)).await.failure.unwrap();
            assert_eq!(failure.reason(), Reason::ClientCertificateRefused, "{probe}: {failure:?}");
        }
    }
}

#[tokio::test]
async fn a_plain_http_url_of_a_websocket_needs_no_certificate() {
    let server = raw::answering(raw::OPEN).await;
    let outcome = run(&check(&format!("http://{}/", server.address), "")).await;
    assert_eq!((outcome.failure, outcome.observation.chain), (None, None));
}

/// The probe offers shares for two groups; whoever wants another one costs a round trip.
#[tokio::test]
async fn a_hello_retry_request_is_seen_as_such() {
    let pki = Pki::new("retry");
    for (group, retried) in [(kx_group::SECP384R1, true), (kx_group::X25519, false)] {
        let server = pki::open(server_config_of(group, pki.good())).await;
        let outcome = run(&check("wss://door.test/", &pki.keys(&server))).await;
        assert_eq!(outcome.failure, None);
        let session = outcome.observation.session.unwrap();
        assert_eq!((session.hello_retry, session.key_exchange), (retried, group.name().as_str()));
        let warnings: Vec<_> = outcome.remarks.iter().map(|remark| remark.warning).collect();
        assert_eq!(warnings, if retried { vec![Warning::TlsHelloRetry] } else { vec![] });
    }
}

#[tokio::test]
async fn a_certificate_for_others_says_which_of_its_names_came_near() {
    let pki = Pki::new("near");
    for (names, evidence) in [
        (&["a.test", "b.test"][..], "it is for a.test, b.test"),
        (
            &["a.test", "www.door.test"],
            "it is for www.door.test, a.test: with www and without it are two names",
        ),
        (
            &["1.test", "2.test", "3.test", "4.test", "5.test", "*.door.test"],
            "it is for *.door.test, 1.test, 2.test, 3.test, 4.test and 1 more: \
             a wildcard is not for the name below its star",
        ),
    ] {
        let served = pki.authority.issue(names, -10, 80).unwrap();
        let server = pki::open(server_config(served)).await;
        let failure = run(&check("tls://door.test:1", &pki.keys(&server))).await.failure.unwrap();
        assert_eq!(failure.reason(), Reason::CertHostnameMismatch);
        assert_eq!(failure.evidence(), evidence);
    }
}

/// A leaf with extensions that say where its issuer is to be had, and who issued that one.
fn telling(pki: &Pki, url: &str) -> Served {
    let access = |params: &mut rcgen::CertificateParams| {
        let place = [&[0x86, url.len() as u8], url.as_bytes()].concat();
        // RFC 5280 section 4.2.2.1: id-ad-caIssuers.
        let issuers =
            der(0x30, &[&b"\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02"[..], &place].concat());
        let content = der(0x30, &issuers);
        params
            .custom_extensions
            .push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content));
    };
    pki.authority.issue_with(&[HOST], -10, 80, access).unwrap()
}

#[tokio::test]
async fn a_missing_intermediate_is_no_unknown_root() {
    let (pki, stranger) = (Pki::new("known"), Pki::new("stranger"));
    // Minted anew under its old name.
    let namesake = Pki::new("known");
    let told = async |chain: &[usize], served: Served, extra: Option<&Pki>| {
        let mut chain: Vec<_> = chain.iter().map(|at| served.chain[*at].clone()).collect();
        chain.extend(extra.map(|pki| pki.authority.root().clone()));
        let server = pki::open(server_config(Served { chain, key: served.key })).await;
        let failure = run(&check("wss://door.test/", &pki.keys(&server))).await.failure;
        failure.map(|failure| (failure.reason(), failure.evidence()))
    };
    let missing = |evidence: &str| Some((Reason::CertMissingIntermediate, evidence.to_owned()));
    let unknown = |root: &str| {
        Some((Reason::CertUnknownIssuer, format!("it leads to CN={root} root,O=Watchpost")))
    };
    assert_eq!(told(&[0, 1], pki.good(), None).await, None);
    let without = "CN=known intermediate,O=Watchpost issued it, whose certificate is not presented";
    assert_eq!(told(&[0], pki.good(), None).await, missing(without));
    assert_eq!(told(&[0], pki.good(), Some(&pki)).await, missing(without), "only the root");
    let url = "http://ca.test/int.crt";
    assert_eq!(
        told(&[0], telling(&pki, url), None).await,
        missing(&format!("{without}, it is at {url}"))
    );
    assert_eq!(told(&[0, 1], stranger.good(), None).await, unknown("stranger"));
    assert_eq!(told(&[0, 1], stranger.good(), Some(&stranger)).await, unknown("stranger"));
    assert_eq!(told(&[0, 1], namesake.good(), None).await, unknown("known"));
    assert_eq!(told(&[0, 1], namesake.good(), Some(&namesake)).await, unknown("known"));
}

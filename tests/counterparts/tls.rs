//! Servers that speak a TLS which the probe does not: inconclusive, never down.

use rcgen::{KeyPair, KeyUsagePurpose};
use serde_json::Value;
use tempfile::TempDir;
use watchpost::demo::authority::{Authority, Served};

use crate::program::{json, watchpost};
use crate::servers::{self, HOST, Server, authority};

/// What the program says of a server.
pub fn ours(server: &Server, folder: &TempDir) -> Value {
    let ca = folder.path().join("ca.pem");
    json(&watchpost(&[
        "check",
        &server.url,
        "--json",
        "--ca",
        ca.to_str().unwrap(),
        "--connect-to",
        &server.connect_to,
    ]))
}

/// A certificate that serves every key exchange of TLS 1.2 but ECDSA's.
fn of_rsa(authority: &Authority) -> Served {
    let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let both = |params: &mut rcgen::CertificateParams| {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    };
    authority.issue_for(&[HOST], -10, 80, key, both).unwrap()
}

#[test]
fn what_the_probe_does_not_speak_is_not_down() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority("legacy", folder.path());
    let (rsa, ec) = (of_rsa(&authority), authority.issue(&[HOST], -10, 80).unwrap());
    let weakest = "ALL:@SECLEVEL=0";
    let openssl = |served, options: &[&str]| servers::openssl(served, options);
    let of_gnutls = |priority: &str| servers::gnutls(&rsa, priority, &[]);
    for (name, server, chosen) in [
        (
            "1.0",
            openssl(&rsa, &["-tls1", "-cipher", weakest]),
            "TLS 1.0, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        ),
        (
            "1.1",
            openssl(&rsa, &["-tls1_1", "-cipher", weakest]),
            "TLS 1.1, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        ),
        (
            "1.2 with CBC",
            openssl(&rsa, &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"]),
            "TLS 1.2, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        ),
        (
            "ECDSA with CBC",
            openssl(&ec, &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"]),
            "TLS 1.2, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        ),
        (
            "static RSA with CBC",
            openssl(&rsa, &["-tls1_2", "-cipher", "AES128-SHA"]),
            "TLS 1.2, TLS_RSA_WITH_AES_128_CBC_SHA",
        ),
        (
            "static RSA with GCM",
            openssl(&rsa, &["-tls1_2", "-cipher", "AES256-GCM-SHA384"]),
            "TLS 1.2, TLS_RSA_WITH_AES_256_GCM_SHA384",
        ),
        (
            "DHE",
            openssl(&rsa, &["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"]),
            "TLS 1.2, TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            "GnuTLS, 1.0",
            of_gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.0"),
            "TLS 1.0, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        ),
        (
            "GnuTLS, 1.2 with static RSA",
            of_gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:-CIPHER-ALL:+AES-128-CBC"),
            "TLS 1.2, TLS_RSA_WITH_AES_128_CBC_SHA",
        ),
    ] {
        let report = ours(&server, &folder);
        assert_eq!(report["reason"], "tls_unsupported_by_probe", "{name}: {report}");
        assert_eq!(report["verdict"], "inconclusive", "{name}");
        assert_eq!(report["fault"], "monitor", "{name}");
        assert_eq!(report["evidence"], format!("the server chose {chosen}"), "{name}");
    }
}

/// Neither a browser nor the probe gets in here: it is the server's trouble.
#[test]
fn what_nobody_should_speak_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority("nobody", folder.path());
    let rsa = of_rsa(&authority);
    let server = servers::openssl(&rsa, &["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"]);
    let report = ours(&server, &folder);
    assert_eq!((&report["reason"], &report["verdict"]), (&"tls_alert".into(), &"fail".into()));
    assert_eq!(report["evidence"], "handshake_failure");
}

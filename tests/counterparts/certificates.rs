//! Every fact of a chain, against what openssl says of the same server.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use watchpost::demo::authority::{Authority, Served};

use crate::program::{json, said, watchpost};
use crate::servers::{self, HOST, Server, authority};

/// A chain and what is expected of it: openssl's verify code.
struct Case {
    name: &'static str,
    served: Served,
    code: u32,
}

fn cases(authority: &Authority) -> Vec<Case> {
    let good = || authority.issue(&[HOST], -10, 80).unwrap();
    let mut incomplete = good();
    incomplete.chain.truncate(1);
    let many: Vec<String> = (0..30)
        .map(|n| format!("n{n}.{HOST}"))
        .chain([HOST.to_owned(), "192.0.2.1".to_owned(), "2001:db8::1".to_owned()])
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    vec![
        Case { name: "good", served: good(), code: 0 },
        Case { name: "expired", served: authority.issue(&[HOST], -100, -10).unwrap(), code: 10 },
        Case { name: "not yet valid", served: authority.issue(&[HOST], 10, 100).unwrap(), code: 9 },
        Case {
            name: "wrong name",
            served: authority.issue(&["other.test"], -10, 80).unwrap(),
            code: 62,
        },
        Case { name: "missing intermediate", served: incomplete, code: 21 },
        Case { name: "many names", served: authority.issue(&many, -10, 80).unwrap(), code: 0 },
        Case { name: "odd subject", served: odd_subject(authority), code: 0 },
        Case { name: "self-signed", served: self_signed(), code: 18 },
        Case { name: "rsa 2048", served: with_key(authority, rcgen::RsaKeySize::_2048), code: 0 },
        Case { name: "rsa 3072", served: with_key(authority, rcgen::RsaKeySize::_3072), code: 0 },
        Case {
            name: "ec 384",
            served: with_curve(authority, &rcgen::PKCS_ECDSA_P384_SHA384),
            code: 0,
        },
        Case {
            name: "ec 521",
            served: with_curve(authority, &rcgen::PKCS_ECDSA_P521_SHA512),
            code: 0,
        },
        Case { name: "ed25519", served: with_ed25519(authority), code: 0 },
    ]
}

fn odd_subject(authority: &Authority) -> Served {
    let odd = |params: &mut CertificateParams| {
        let name = &mut params.distinguished_name;
        name.push(rcgen::DnType::OrganizationName, "Acme, Inc. \"+\" <Köln>; #1");
        name.push(rcgen::DnType::CountryName, "DE");
        params.serial_number = Some(vec![0x00, 0x0f, 0xff].into());
    };
    authority.issue_with(&[HOST], -10, 80, odd).unwrap()
}

fn self_signed() -> Served {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Served {
        chain: vec![certificate.der().clone()],
        key: rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()),
    }
}

fn with_key(authority: &Authority, size: rcgen::RsaKeySize) -> Served {
    let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).unwrap();
    authority.issue_for(&[HOST], -10, 80, key, |_| {}).unwrap()
}

fn with_curve(authority: &Authority, algorithm: &'static rcgen::SignatureAlgorithm) -> Served {
    let key = KeyPair::generate_for(algorithm).unwrap();
    authority.issue_for(&[HOST], -10, 80, key, |_| {}).unwrap()
}

/// The key is openssl's: it does not read the form in which aws-lc writes its own.
fn with_ed25519(authority: &Authority) -> Served {
    let pem = said(Command::new("openssl").args(["genpkey", "-algorithm", "ed25519"]));
    let key = KeyPair::from_pem(&pem).unwrap();
    authority.issue_for(&[HOST], -10, 80, key, |_| {}).unwrap()
}

#[test]
fn facts_and_verdicts_equal_openssls() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority("openssl", folder.path());
    let mut compared = 0;
    for case in cases(&authority) {
        let server = servers::openssl(&case.served);
        let report = ours(&server, &folder);
        let theirs = theirs(&server, &folder);
        assert_eq!(theirs.code, case.code, "{}: openssl itself", case.name);
        let failures = report["tls"]["failures"].as_array().unwrap();
        let first = failures.first().map(|failure| failure["reason"].as_str().unwrap());
        let expected = match theirs.code {
            0 => None,
            9 => Some("not_yet_valid"),
            10 => Some("expired"),
            18 => Some("self_signed"),
            // The first certificate alone, or a longer chain, without a root.
            21 => Some("missing_intermediate"),
            19 | 20 => Some("unknown_issuer"),
            62 => Some("hostname_mismatch"),
            code => panic!("{}: code {code}", case.name),
        };
        assert_eq!(first, expected, "{}", case.name);
        assert_eq!(report["tls"]["verified"], theirs.code == 0, "{}", case.name);
        assert_eq!(report["tls"]["version"], theirs.version, "{}", case.name);
        let chain = report["tls"]["chain"].as_array().unwrap();
        assert_eq!(chain.len(), theirs.chain.len(), "{}", case.name);
        for (ours, theirs) in chain.iter().zip(&theirs.chain) {
            let ours = facts(ours);
            assert_eq!(&ours, theirs, "{}", case.name);
            compared += ours.len();
        }
    }
    assert!(compared > 180, "{compared} facts");
}

fn ours(server: &Server, folder: &TempDir) -> Value {
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

struct Theirs {
    code: u32,
    version: String,
    chain: Vec<BTreeMap<&'static str, String>>,
}

fn theirs(server: &Server, folder: &TempDir) -> Theirs {
    let ca = folder.path().join("ca.pem");
    let said = said(Command::new("openssl").args([
        "s_client",
        "-connect",
        &server.connect_to,
        "-servername",
        HOST,
        "-verify_hostname",
        HOST,
        "-CAfile",
        ca.to_str().unwrap(),
        "-no-CApath",
        "-no-CAstore",
        "-showcerts",
    ]));
    let code = said.split("Verify return code: ").nth(1).unwrap();
    let version = said.lines().find_map(|line| line.trim().strip_prefix("New, ")).unwrap();
    let pems = said.split("-----BEGIN CERTIFICATE-----").skip(1).map(|rest| {
        let body = rest.split("-----END CERTIFICATE-----").next().unwrap();
        format!("-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----\n")
    });
    Theirs {
        code: code.split(' ').next().unwrap().parse().unwrap(),
        version: version.split(',').next().unwrap().replace("TLSv", "TLS "),
        chain: pems.map(|pem| openssl_facts(&pem)).collect(),
    }
}

/// What `openssl x509` says of a certificate.
fn openssl_facts(pem: &str) -> BTreeMap<&'static str, String> {
    let x509 = |args: &[&str]| {
        let mut child = Command::new("openssl")
            .arg("x509")
            .args(["-noout", "-nameopt", "RFC2253,-esc_msb,utf8"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It complains of a certificate without extensions.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), pem.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    let value = |args: &[&str]| {
        let line = x509(args);
        line.trim().split_once('=').unwrap_or_else(|| panic!("{args:?}: {line}")).1.to_owned()
    };
    let date = |flag: &str| value(&[flag, "-dateopt", "iso_8601"]).replace(' ', "T");
    let names = x509(&["-ext", "subjectAltName"]);
    let names: Vec<_> = names
        .lines()
        .skip(1)
        .flat_map(|line| line.trim().split(", "))
        .filter_map(|name| {
            let (kind, name) = name.split_once(':')?;
            // openssl writes IPv6 addresses out in capitals.
            Some(if kind == "IP Address" && name.contains(':') {
                name.parse::<std::net::Ipv6Addr>().unwrap().to_string()
            } else {
                name.to_owned()
            })
        })
        .collect();
    let text = x509(&["-text"]);
    let algorithm = text.split("Public Key Algorithm: ").nth(1).unwrap().lines().next().unwrap();
    let kind = match algorithm {
        "rsaEncryption" => "rsa",
        "id-ecPublicKey" => "ec",
        "ED25519" => "ed25519",
        other => panic!("{other}"),
    };
    let bits =
        text.split("Public-Key: (").nth(1).map_or("256", |rest| rest.split(' ').next().unwrap());
    BTreeMap::from([
        ("subject", value(&["-subject"])),
        ("issuer", value(&["-issuer"])),
        ("serial", value(&["-serial"]).to_lowercase()),
        ("fingerprint", value(&["-fingerprint", "-sha256"]).replace(':', "").to_lowercase()),
        ("not_before", date("-startdate")),
        ("not_after", date("-enddate")),
        ("names", names.join(" ")),
        ("key", format!("{kind} {bits}")),
        ("is_ca", text.contains("CA:TRUE").to_string()),
    ])
}

/// The same facts out of our JSON.
fn facts(certificate: &Value) -> BTreeMap<&'static str, String> {
    let text = |key: &str| {
        certificate[key].as_str().unwrap_or_else(|| panic!("{key}: {certificate}")).to_owned()
    };
    let names = certificate["names"].as_array().unwrap();
    let names: Vec<_> = names.iter().map(|name| name.as_str().unwrap()).collect();
    let key = &certificate["key"];
    BTreeMap::from([
        ("subject", text("subject")),
        ("issuer", text("issuer")),
        ("serial", text("serial")),
        ("fingerprint", text("fingerprint_sha256")),
        ("not_before", text("not_before")),
        ("not_after", text("not_after")),
        ("names", names.join(" ")),
        ("key", format!("{} {}", key["type"].as_str().unwrap(), key["bits"])),
        ("is_ca", certificate["is_ca"].to_string()),
    ])
}

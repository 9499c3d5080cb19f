//! Every fact of a chain, against what openssl says of the same server.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tempfile::TempDir;
use watchpost::demo::authority::{Authority, Served};

use crate::program::said;
use crate::servers::{self, HOST, Server, authority};
use crate::stapling::trusted_by_gnutls;
use crate::tls::ours;

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
    .into_iter()
    .chain(shapes(authority))
    .chain(rules(authority))
    .collect()
}

/// Chains that end elsewhere, or hold more or less than they should.
fn shapes(authority: &Authority) -> Vec<Case> {
    let good = || authority.issue(&[HOST], -10, 80).unwrap();
    let of = |name| Authority::new(name, watchpost::clock::now()).unwrap();
    let (stranger, namesake) = (of("stranger"), of("openssl"));
    let with = |mut served: Served, extra: &CertificateDer<'static>| {
        served.chain.push(extra.clone());
        served
    };
    let foreign = |from: &Authority| from.issue(&[HOST], -10, 80).unwrap();
    let mut gap = with(good(), authority.root());
    gap.chain.remove(1);
    let expired = authority.issue(&["old.test"], -100, -10).unwrap();
    let deep = authority.issue(&[&format!("*.{HOST}")], -10, 80).unwrap();
    vec![
        Case { name: "root presented", served: with(good(), authority.root()), code: 0 },
        Case { name: "unneeded extra", served: with(good(), stranger.root()), code: 0 },
        Case { name: "expired extra", served: with(good(), &expired.chain[0]), code: 0 },
        Case { name: "root without intermediate", served: gap, code: 21 },
        Case { name: "unknown root", served: foreign(&stranger), code: 20 },
        Case {
            name: "unknown root, presented",
            served: with(foreign(&stranger), stranger.root()),
            code: 19,
        },
        Case { name: "a root's namesake", served: foreign(&namesake), code: 20 },
        Case { name: "a star for another level", served: deep, code: 62 },
    ]
}

/// Chains that break a rule, or are too weak.
fn rules(authority: &Authority) -> Vec<Case> {
    let usage = |usage| {
        let change = |params: &mut CertificateParams| params.extended_key_usages = vec![usage];
        authority.issue_with(&[HOST], -10, 80, change).unwrap()
    };
    let constrained = |params: &mut CertificateParams| {
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("other.test".into())],
            excluded_subtrees: vec![],
        });
    };
    let two = below(authority, |params| {
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    vec![
        Case { name: "for clients", served: usage(ExtendedKeyUsagePurpose::ClientAuth), code: 26 },
        Case { name: "two intermediates", served: two, code: 0 },
        Case {
            name: "outside of its constraints",
            served: below(authority, constrained),
            code: 47,
        },
        Case {
            name: "issued by a leaf",
            served: below(authority, |params| {
                params.is_ca = IsCa::ExplicitNoCa;
            }),
            code: 26,
        },
        Case {
            name: "signed with SHA-1",
            served: by_openssl(authority, "2048", "-sha1"),
            code: 68,
        },
        Case { name: "a short key", served: by_openssl(authority, "1024", "-sha256"), code: 66 },
    ]
}

/// A leaf below one more CA, which is changed before it is signed.
fn below(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Served {
    let mut kept = None;
    let ca = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        params.extended_key_usages.clear();
        params.subject_alt_names.clear();
        change(params);
        kept = Some(params.clone());
    };
    let ca_key = KeyPair::generate().unwrap();
    let pem = ca_key.serialize_pem();
    let mut chain = authority.issue_for(&["lower"], -10, 80, ca_key, ca).unwrap().chain;
    let issuer = rcgen::Issuer::new(kept.unwrap(), KeyPair::from_pem(&pem).unwrap());
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    params.use_authority_key_identifier_extension = true;
    chain.insert(0, params.signed_by(&key, &issuer).unwrap().der().clone());
    Served { chain, key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }
}

/// What rcgen does not make.
fn by_openssl(authority: &Authority, bits: &str, hash: &str) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut good = authority.issue(&[HOST], -10, 80).unwrap();
    let issuer = Served { chain: vec![good.chain[1].clone()], key: good.key.clone_key() };
    std::fs::write(path("ca.pem"), issuer.chain_pem()).unwrap();
    std::fs::write(path("ca.key"), authority.key().serialize_pem()).unwrap();
    let names = format!("subjectAltName=DNS:{HOST}\nextendedKeyUsage=serverAuth\n");
    std::fs::write(path("names"), names).unwrap();
    let (rsa, subject) = (format!("rsa:{bits}"), format!("/CN={HOST}"));
    let mut request = Command::new("openssl");
    request.args(["req", "-nodes", "-newkey", &rsa, "-subj", &subject, "-keyout"]);
    said(request.arg(path("key.pem")).arg("-out").arg(path("request.pem")));
    let mut sign = Command::new("openssl");
    sign.args(["x509", "-req", hash, "-days", "30", "-set_serial", "4711", "-in"]);
    sign.arg(path("request.pem")).arg("-CA").arg(path("ca.pem")).arg("-CAkey").arg(path("ca.key"));
    said(sign.arg("-extfile").arg(path("names")).arg("-out").arg(path("leaf.pem")));
    good.chain[0] = CertificateDer::from_pem_file(path("leaf.pem")).unwrap();
    good.key = PrivateKeyDer::from_pem_file(path("key.pem")).unwrap();
    good
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
        key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
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
        // So that it serves weak ones at all.
        let server = servers::openssl(&case.served, &["-cipher", "ALL:@SECLEVEL=0"]);
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
            66 => Some("weak_key"),
            68 => Some("weak_signature"),
            26 | 47 => Some("other"),
            code => panic!("{}: code {code}", case.name),
        };
        assert_eq!(first, expected, "{}", case.name);
        assert_eq!(report["tls"]["verified"], theirs.code == 0, "{}", case.name);
        let trusted = trusted_by_gnutls(&server, folder.path());
        if theirs.code == 66 {
            // GnuTLS takes the key, as browsers do: that the probe does not is no downtime.
            assert_eq!((trusted, &report["verdict"]), (true, &"inconclusive".into()));
            continue;
        }
        assert_eq!(report["tls"]["verified"], trusted, "{}: GnuTLS", case.name);
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

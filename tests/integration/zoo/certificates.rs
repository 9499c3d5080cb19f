//! Those that present a chain which is broken, or made to be dear.

use std::sync::Arc;

use rcgen::{CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use watchpost::demo::authority::Served;
use watchpost::outcome::phase::Phase::Tls;
use watchpost::outcome::reason::Reason::{self, *};

use super::cage::Animal;
use crate::fixture::pki::{HOST, Pki};
use crate::fixture::raw::{self, OPEN};

/// Presents a chain as it is, however broken.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesServerCert for Presents {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

fn presenting(chain: Vec<CertificateDer<'static>>, key: &PrivateKeyDer<'static>) -> ServerConfig {
    let key = aws_lc_rs::sign::any_supported_type(key).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Presents(Arc::new(CertifiedKey::new(chain, key)))))
}

/// Opens every WebSocket behind this chain.
fn animal(name: &str, reason: Option<Reason>, served: Served) -> Animal {
    let config = Arc::new(presenting(served.chain, &served.key));
    let ends = reason.map(|reason| (Tls, reason));
    Animal::behind_tls(name, &config, ends, |mut stream| async move {
        raw::answer(&mut stream, OPEN).await;
        // Quick, so that a chain that passes does not wait for a Close.
    })
}

pub fn animals(pki: &Pki) -> Vec<Animal> {
    let mut animals = garbled(pki);
    animals.extend(odd(pki));
    animals.extend(dear(pki));
    animals
}

/// The usual chain, changed.
fn changed(pki: &Pki, change: impl FnOnce(&mut Vec<CertificateDer<'static>>)) -> Served {
    let mut served = pki.good();
    change(&mut served.chain);
    served
}

fn garbled(pki: &Pki) -> Vec<Animal> {
    let leaf = |change: fn(&mut Vec<u8>)| {
        changed(pki, |chain| {
            let mut leaf = chain[0].to_vec();
            change(&mut leaf);
            chain[0] = leaf.into();
        })
    };
    let of_another_key = Served { key: pki.good().key, ..pki.good() };
    vec![
        animal("no certificate", Some(TlsProtocol), changed(pki, Vec::clear)),
        animal("an empty certificate", Some(CertInvalid), leaf(Vec::clear)),
        animal("half a certificate", Some(CertInvalid), leaf(|der| der.truncate(der.len() / 2))),
        animal("random bytes", Some(CertInvalid), leaf(|der| der.fill(0xa5))),
        animal(
            "sequences in sequences",
            Some(CertInvalid),
            leaf(|der| {
                *der = [0x30, 0x80].repeat(8_000);
            }),
        ),
        animal("a certificate and more", Some(CertInvalid), leaf(|der| der.push(0))),
        animal(
            "a signature with a bit turned",
            Some(CertBadSignature),
            leaf(|der| {
                *der.last_mut().unwrap() ^= 1;
            }),
        ),
        animal("a leaf for another key", Some(CertBadSignature), of_another_key),
        animal(
            "an intermediate of random bytes",
            Some(CertInvalid),
            changed(pki, |chain| {
                chain[1] = vec![0xa5; 500].into();
            }),
        ),
        animal(
            "random bytes behind a good chain",
            None,
            changed(pki, |chain| {
                chain.push(vec![0xa5; 500].into());
            }),
        ),
        animal(
            "random bytes within a good chain",
            None,
            changed(pki, |chain| {
                chain.insert(1, vec![0xa5; 500].into());
            }),
        ),
        animal(
            "the chain the wrong way round",
            Some(CertInvalid),
            changed(pki, |chain| chain.reverse()),
        ),
    ]
}

fn issued(pki: &Pki, change: impl FnOnce(&mut CertificateParams)) -> Served {
    pki.authority.issue_with(&[HOST], -10, 80, change).unwrap()
}

/// A certificate for these bytes, which rcgen would not take for a name.
fn named(pki: &Pki, names: &[&[u8]]) -> Served {
    let entries: Vec<u8> =
        names.iter().flat_map(|name| [&[0x82, name.len() as u8], *name].concat()).collect();
    let names = [&[0x30, entries.len() as u8], &entries[..]].concat();
    issued(pki, |params| {
        params.subject_alt_names.clear();
        params.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 17], names));
    })
}

fn odd(pki: &Pki) -> Vec<Animal> {
    let critical = |params: &mut CertificateParams| {
        let mut unknown =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 55555, 1], vec![5, 0]);
        unknown.set_criticality(true);
        params.custom_extensions.push(unknown);
    };
    let nameless = |params: &mut CertificateParams| params.subject_alt_names.clear();
    let eternal = |params: &mut CertificateParams| {
        params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    };
    let hostile = |params: &mut CertificateParams| {
        params
            .distinguished_name
            .push(DnType::OrganizationName, "\u{1b}[2J\u{202e}</script>\n".repeat(500));
    };
    let numbered =
        |octets: Vec<u8>| issued(pki, |params| params.serial_number = Some(octets.into()));
    vec![
        animal("no alternative name", Some(CertCommonNameOnly), issued(pki, nameless)),
        animal("valid until 9999", None, issued(pki, eternal)),
        animal("a critical extension that nobody knows", Some(CertInvalid), issued(pki, critical)),
        animal("a subject that acts on terminals", None, issued(pki, hostile)),
        animal("the serial number 0", None, numbered(vec![0])),
        animal("a serial number of 30 KB", None, numbered(vec![0x7f; 30_000])),
        animal(
            "a NUL in its name",
            Some(CertHostnameMismatch),
            named(pki, &[b"door.test\0.evil.test"]),
        ),
        animal("a name that is no text", Some(CertHostnameMismatch), named(pki, &[b"\xff\xfe"])),
        animal("an empty name", Some(CertHostnameMismatch), named(pki, &[b""])),
        animal("a star for everything", Some(CertHostnameMismatch), named(pki, &[b"*"])),
        animal(
            "names that are none, and the right one",
            None,
            named(pki, &[b"\xff", b"", HOST.as_bytes()]),
        ),
    ]
}

/// One CA that has signed itself under the name of the next, so that each could be the issuer of
/// each.
fn candidates(count: usize) -> Served {
    let params = |name: &str| {
        let mut params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let key = || KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let mut ca = params("everybody");
    ca.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuers: Vec<_> = (0..count).map(|_| ca.clone().self_signed(&key()).unwrap()).collect();
    let leaf_key = key();
    let leaf = params(HOST).signed_by(&leaf_key, &Issuer::new(ca, key())).unwrap();
    let chain = std::iter::once(leaf).chain(issuers).map(|one| one.der().clone()).collect();
    Served { chain, key: PrivateKeyDer::Pkcs8(leaf_key.serialize_der().into()) }
}

fn dear(pki: &Pki) -> Vec<Animal> {
    let padded = |count: usize| {
        changed(pki, |chain| {
            let spare = chain[1].clone();
            chain.resize(count, spare);
        })
    };
    let names = |count: usize| {
        let names: Vec<_> = (0..count).map(|n| format!("n{n}.door.test")).collect();
        let mut names: Vec<_> = names.iter().map(String::as_str).collect();
        names.push(HOST);
        pki.authority.issue(&names, -10, 80).unwrap()
    };
    vec![
        animal("a chain of 100", None, padded(100)),
        animal("a chain of more than 64 KiB", Some(TlsProtocol), padded(300)),
        animal("a chain of a megabyte", Some(TlsProtocol), padded(2_000)),
        animal("3,000 names", None, names(3_000)),
        animal("10,000 names", Some(TlsProtocol), names(10_000)),
        animal("30 candidates for each issuer", Some(CertUnknownIssuer), candidates(30)),
    ]
}

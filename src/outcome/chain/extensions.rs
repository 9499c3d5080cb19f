//! What the extensions of a certificate say, as far as it is needed to judge a chain.

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS;

use super::certificate::hex;
use super::der::{Reader, tag};
use crate::outcome::quoted::Quoted;

/// Most addresses that are kept of one certificate.
const MAX_URLS: usize = 4;

/// id-pe-tlsfeature.
const TLS_FEATURE: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 1, 0x18];

/// Most octets of a key's identifier that are kept: the usual one is a SHA-1 hash.
const MAX_KEY_ID_OCTETS: usize = 32;

/// How a certificate is tied to its issuer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ties {
    /// The identifier of its own key, in hex.
    pub key_id: Option<String>,
    /// The identifier of the key that signed it, in hex.
    pub issuer_key_id: Option<String>,
    /// Whether its issuer has issued itself, where it says that much.
    pub issuer_is_root: Option<bool>,
    /// Where the issuer's certificate is to be had.
    pub issuer_urls: Vec<Quoted>,
}

impl Ties {
    /// Reads them.
    pub fn read(x509: &X509Certificate<'_>) -> Self {
        let mut ties = Self::default();
        for extension in x509.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => ties.key_id = Some(key_id(id.0)),
                ParsedExtension::AuthorityKeyIdentifier(authority) => {
                    ties.issuer_key_id = authority.key_identifier.as_ref().map(|id| key_id(id.0));
                    let names = authority.authority_cert_issuer.iter().flatten();
                    ties.issuer_is_root = names
                        .filter_map(|name| match name {
                            GeneralName::DirectoryName(name) => Some(name),
                            _ => None,
                        })
                        .map(|name| name.as_raw() == x509.issuer().as_raw())
                        .next();
                }
                ParsedExtension::AuthorityInfoAccess(access) => {
                    let issuers = access
                        .iter()
                        .filter(|one| one.access_method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS);
                    let urls = issuers.filter_map(|one| match &one.access_location {
                        GeneralName::URI(url) => Some(Quoted::text(url)),
                        _ => None,
                    });
                    ties.issuer_urls = urls.take(MAX_URLS).collect();
                }
                _ => {}
            }
        }
        ties
    }
}

/// What a certificate lets its key be used for, where it says so (RFC 5280 section 4.2.1.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uses {
    /// To sign certificates.
    pub certificates: Option<bool>,
    /// To shake hands.
    pub handshakes: Option<bool>,
}

impl Uses {
    /// Reads them.
    pub fn read(x509: &X509Certificate<'_>) -> Self {
        let Ok(Some(usage)) = x509.key_usage() else { return Self::default() };
        let usage = usage.value;
        let shakes = usage.digital_signature() || usage.key_encipherment() || usage.key_agreement();
        Self { certificates: Some(usage.key_cert_sign()), handshakes: Some(shakes) }
    }
}

/// What the logs of Certificate Transparency have to do with a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Logged {
    /// How many of their promises are in it.
    pub scts: usize,
    /// When the last was given.
    pub latest: Option<Timestamp>,
}

impl Logged {
    /// Counts them.
    pub fn read(x509: &X509Certificate<'_>) -> Self {
        let lists = x509.extensions().iter().filter_map(|one| match one.parsed_extension() {
            ParsedExtension::SCT(list) => Some(list),
            _ => None,
        });
        lists.flatten().fold(Self::default(), |sum, sct| {
            let at = i64::try_from(sct.timestamp).ok();
            let at = at.and_then(|millis| Timestamp::from_millisecond(millis).ok());
            Self { scts: sum.scts + 1, latest: sum.latest.max(at) }
        })
    }
}

/// Whether a certificate wants a stapled OCSP answer: the feature `status_request` (RFC 7633).
pub fn must_staple(x509: &X509Certificate<'_>) -> bool {
    let wanted = x509.extensions().iter().filter(|one| one.oid.as_bytes() == TLS_FEATURE);
    wanted.filter_map(|one| Reader(one.value).within(tag::SEQUENCE)).any(|mut features| {
        std::iter::from_fn(|| features.next(tag::INTEGER)).any(|one| one.content == [5])
    })
}

fn key_id(octets: &[u8]) -> String {
    hex(octets.get(..MAX_KEY_ID_OCTETS).unwrap_or(octets))
}

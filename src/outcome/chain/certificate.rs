//! The facts of one certificate (RFC 5280), read without judging them.

use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;
use serde::{Serialize, Serializer};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name};

use super::extensions::{self, Logged, Ties, Uses};
use crate::outcome::quoted::Quoted;

/// 1.3.101.112, the key and its signatures.
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Most alternative names that are kept of one certificate.
const MAX_NAMES: usize = 100;

/// A life below which half of it, not a third, is kept for renewal.
const SHORT_LIFE: SignedDuration = SignedDuration::from_hours(10 * 24);

/// Longest before its end that a certificate is to be renewed.
const MOST_AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Least time that automation has; else it has a twentieth of the life.
const LEAST_GRACE: SignedDuration = SignedDuration::from_hours(6);

/// Most octets of a serial number that are kept: RFC 5280 allows 20.
const MAX_SERIAL_OCTETS: usize = 32;

/// One certificate as a server presented it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The bytes.
    pub der: CertificateDer<'static>,
    /// SHA-256 of the bytes, in lower-case hex.
    pub fingerprint: String,
    /// What it says. `None` where it cannot be read, which by itself fails no handshake.
    pub facts: Option<Facts>,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// In the form of RFC 4514, most specific part first.
    pub subject: Quoted,
    /// In the form of RFC 4514.
    pub issuer: Quoted,
    /// In lower-case hex, leading zeros kept; of a number beyond all rules, the first 32 octets.
    pub serial: String,
    /// From when it is valid.
    #[serde(serialize_with = "rfc3339")]
    pub not_before: Timestamp,
    /// Until when it is valid, this second included.
    #[serde(serialize_with = "rfc3339")]
    pub not_after: Timestamp,
    /// The last common name of the subject, which names nothing any more.
    #[serde(skip)]
    pub common_name: Option<Quoted>,
    /// It has alternative names, whatever is in them.
    #[serde(skip)]
    pub has_names: bool,
    /// DNS names and addresses it is for, at most 100.
    pub names: Vec<Quoted>,
    /// What kind of key it certifies.
    pub key: Key,
    /// How it is signed: `ecdsa-sha256`, `rsa-sha1`; `other` where it is not known.
    pub signature: &'static str,
    /// Subject and issuer are the same.
    pub self_issued: bool,
    /// It may sign others.
    pub is_ca: bool,
    /// How many logs have promised to show it (RFC 6962), as it says itself.
    pub scts: usize,
    /// When the last of them did.
    #[serde(skip)]
    pub sct_latest: Option<Timestamp>,
    /// It wants a stapled OCSP answer beside it (RFC 7633).
    pub must_staple: bool,
    /// How it is tied to its issuer.
    #[serde(skip)]
    pub ties: Ties,
    /// What its key is for.
    #[serde(skip)]
    pub uses: Uses,
}

/// A public key, by kind and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Key {
    /// `rsa`, `ec`, `ed25519` or `other`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// In bits; 0 where it is not known.
    pub bits: usize,
}

/// When a certificate is to be renewed: a share of its life before its end, as Let's Encrypt tells
/// its clients, for that share is the same work ahead whatever the life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewal {
    /// When automation should renew it.
    pub due: Timestamp,
    /// When it should have.
    pub overdue: Timestamp,
}

impl Certificate {
    /// Reads a certificate.
    pub fn read(der: CertificateDer<'static>) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
        let fingerprint = hex(digest.as_ref());
        let facts = X509Certificate::from_der(&der).ok().map(|(_, x509)| Facts::read(&x509));
        Self { der, fingerprint, facts }
    }
}

impl Facts {
    fn read(x509: &X509Certificate<'_>) -> Self {
        let alternative = x509.subject_alternative_name();
        let has_names = !matches!(alternative, Ok(None));
        let names = match alternative {
            Ok(Some(extension)) => {
                extension.value.general_names.iter().filter_map(name).take(MAX_NAMES).collect()
            }
            _ => Vec::new(),
        };
        let serial = x509.raw_serial();
        // DER puts a zero before a number whose first bit is set.
        let serial = serial.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(serial);
        let logged = Logged::read(x509);
        Self {
            subject: distinguished_name(x509.subject()),
            issuer: distinguished_name(x509.issuer()),
            serial: hex(serial.get(..MAX_SERIAL_OCTETS).unwrap_or(serial)),
            not_before: timestamp(x509.validity().not_before.timestamp()),
            not_after: timestamp(x509.validity().not_after.timestamp()),
            common_name: common_name(x509.subject()),
            has_names,
            names,
            key: key(x509.public_key()),
            signature: signature(x509.signature_algorithm.algorithm.as_bytes()),
            self_issued: x509.subject().as_raw() == x509.issuer().as_raw(),
            is_ca: x509.is_ca(),
            scts: logged.scts,
            sct_latest: logged.latest,
            must_staple: extensions::must_staple(x509),
            ties: Ties::read(x509),
            uses: Uses::read(x509),
        }
    }

    /// When it is to be renewed.
    pub fn renewal(&self) -> Renewal {
        let life = self.not_after.duration_since(self.not_before).max(SignedDuration::ZERO);
        let share = if life < SHORT_LIFE { life / 2 } else { life / 3 };
        let due = self.not_after.saturating_sub(share.min(MOST_AHEAD)).unwrap_or(Timestamp::MIN);
        let grace = (life / 20).max(LEAST_GRACE);
        Renewal { due, overdue: due.saturating_add(grace).unwrap_or(Timestamp::MAX) }
    }

    /// The share of its lifetime that is left at `now`: 1 at its start, 0 from its end on.
    pub fn life_left(&self, now: Timestamp) -> f64 {
        let whole = self.not_before.duration_until(self.not_after).as_secs_f64();
        let left = now.duration_until(self.not_after).as_secs_f64();
        if whole > 0.0 { (left / whole).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// A second count as a time; what no calendar holds becomes the nearest that it does.
fn timestamp(seconds: i64) -> Timestamp {
    let edge = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(edge)
}

fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

fn common_name(subject: &X509Name<'_>) -> Option<Quoted> {
    let name = subject.iter_common_name().last()?;
    name.as_str().ok().map(Quoted::text)
}

fn name(name: &GeneralName<'_>) -> Option<Quoted> {
    match name {
        GeneralName::DNSName(name) => Some(Quoted::text(name)),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(|octets| Ipv4Addr::from(octets).to_string());
            let v6 = <[u8; 16]>::try_from(*bytes).map(|octets| Ipv6Addr::from(octets).to_string());
            v4.or(v6).ok().map(|text| Quoted::text(&text))
        }
        _ => None,
    }
}

fn key(info: &SubjectPublicKeyInfo<'_>) -> Key {
    match (info.parsed(), info.algorithm.algorithm.as_bytes()) {
        (Ok(PublicKey::RSA(rsa)), _) => Key { kind: "rsa", bits: bits(rsa.modulus) },
        (Ok(PublicKey::EC(_)), _) => Key { kind: "ec", bits: curve_bits(info) },
        (_, ED25519) => Key { kind: "ed25519", bits: 256 },
        _ => Key { kind: "other", bits: 0 },
    }
}

/// RFC 3279, 4055, 5758 and 8410. Identifiers are compared as the bytes that they are: to spell
/// them out takes longer than all the rest.
fn signature(algorithm: &[u8]) -> &'static str {
    match algorithm {
        // 1.2.840.113549.1.1
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last] => match last {
            2 => "rsa-md2",
            4 => "rsa-md5",
            5 => "rsa-sha1",
            10 => "rsa-pss",
            11 => "rsa-sha256",
            12 => "rsa-sha384",
            13 => "rsa-sha512",
            _ => "other",
        },
        // 1.2.840.10045.4
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => "ecdsa-sha1",
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] => "ecdsa-sha256",
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] => "ecdsa-sha384",
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] => "ecdsa-sha512",
        // 1.2.840.10040.4.3
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3] => "dsa-sha1",
        ED25519 => "ed25519",
        _ => "other",
    }
}

/// The length of a number, without the zeros that lead it.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let rest = number.get(zeros..).unwrap_or_default();
    rest.first().map_or(0, |first| rest.len() * 8 - first.leading_zeros() as usize)
}

fn curve_bits(info: &SubjectPublicKeyInfo<'_>) -> usize {
    let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
    match curve.as_ref().map(|oid| oid.as_bytes()) {
        // 1.2.840.10045.3.1
        Some([0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1]) => 192,
        Some([0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]) => 256,
        // 1.3.132.0
        Some([0x2b, 0x81, 4, 0, 33]) => 224,
        Some([0x2b, 0x81, 4, 0, 34]) => 384,
        Some([0x2b, 0x81, 4, 0, 35]) => 521,
        _ => 0,
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// RFC 4514: the parts in reverse, with what would end a part escaped.
fn distinguished_name(name: &X509Name<'_>) -> Quoted {
    let mut parts = Vec::new();
    for rdn in name.iter_rdn() {
        let attributes: Vec<String> = rdn
            .iter()
            .map(|attribute| {
                let kind = attribute.attr_type();
                let key = oid2abbrev(kind, oid_registry())
                    .map_or_else(|_| kind.to_id_string(), str::to_owned);
                let value = attribute.as_str().map_or_else(
                    |_| String::from_utf8_lossy(attribute.as_slice()).into_owned(),
                    str::to_owned,
                );
                format!("{key}={}", escaped(&value))
            })
            .collect();
        parts.push(attributes.join("+"));
    }
    parts.reverse();
    Quoted::text(&parts.join(","))
}

fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (at, c) in value.chars().enumerate() {
        let special = matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';');
        if special || (at == 0 && matches!(c, ' ' | '#')) || (at == last && c == ' ') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn a_number_is_as_long_as_its_first_one() {
        for (number, length) in [
            (&[][..], 0),
            (&[0][..], 0),
            (&[0, 0x80, 0][..], 16),
            (&[1][..], 1),
            (&[0x7f, 0xff][..], 15),
        ] {
            assert_eq!(bits(number), length, "{number:?}");
        }
    }

    #[test]
    fn what_would_end_a_part_of_a_name_is_escaped() {
        assert_eq!(escaped("Acme, Inc."), "Acme\\, Inc.");
        assert_eq!(escaped("#1 a+b "), "\\#1 a\\+b\\ ");
    }

    #[test]
    fn garbage_is_a_certificate_without_facts() {
        let certificate = Certificate::read(CertificateDer::from(vec![0x30, 0x03, 0x02, 0x01]));
        assert_eq!(certificate.facts, None);
        assert_eq!(certificate.fingerprint.len(), 64);
    }

    #[test]
    fn a_date_beyond_the_calendar_is_its_edge() {
        assert_eq!(timestamp(i64::MAX), Timestamp::MAX);
        assert_eq!(timestamp(i64::MIN), Timestamp::MIN);
    }

    /// RFC 4514 section 3, the way back.
    fn unescaped_parts(text: &str) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                ',' => parts.push(String::new()),
                '\\' => parts.last_mut().unwrap().extend(chars.next()),
                c => parts.last_mut().unwrap().push(c),
            }
        }
        parts
    }

    proptest! {
        #[test]
        fn a_value_cannot_pass_for_two_parts_of_a_name(values: [String; 3]) {
            let text = values.each_ref().map(|value| escaped(value)).join(",");
            prop_assert_eq!(unescaped_parts(&text), values);
        }
    }
}

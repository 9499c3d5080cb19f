//! Reads an OCSP answer (RFC 6960): what it says, and what it is signed with. No opinion in it.

use jiff::Timestamp;

use super::der::{Element, Reader, tag};

/// Most answers in one response that are looked at: a staple has one.
const MAX_ANSWERS: usize = 16;

/// Most certificates in one response that are looked at: the responder's own, as a rule.
const MAX_CERTIFICATES: usize = 4;

/// id-pkix-ocsp-basic.
const BASIC: [u8; 9] = [0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];

/// What a responder sent.
#[derive(Debug)]
pub enum Response<'a> {
    /// It did not answer: RFC 6960 section 4.2.1 says what the number means.
    Refused(u8),
    /// It answered.
    Basic(Basic<'a>),
}

/// Answers under one signature.
#[derive(Debug)]
pub struct Basic<'a> {
    /// What is signed.
    pub signed: &'a [u8],
    /// The algorithm of the signature, without its outer tag and length.
    pub algorithm: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
    /// Certificates of the signer.
    pub certificates: Vec<&'a [u8]>,
    /// What it says.
    pub answers: Vec<Answer<'a>>,
}

/// What is said of one certificate.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The content of the algorithm's identifier, of the two hashes and of the serial number.
    pub hash_algorithm: &'a [u8],
    /// Hash of the issuer's name.
    pub name_hash: &'a [u8],
    /// Hash of the issuer's key.
    pub key_hash: &'a [u8],
    /// The number of the certificate.
    pub serial: &'a [u8],
    /// How it is.
    pub status: Status,
    /// When that was known to be so.
    pub this_update: Timestamp,
    /// Until when there will be news.
    pub next_update: Option<Timestamp>,
}

/// How a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// When.
        at: Timestamp,
    },
    /// The responder does not know it.
    Unknown,
}

impl Status {
    /// The word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked { .. } => "revoked",
            Self::Unknown => "unknown",
        }
    }
}

/// Reads a response; `None` where it is none.
pub fn read(bytes: &[u8]) -> Option<Response<'_>> {
    let mut response = Reader(bytes).within(tag::SEQUENCE)?;
    match response.next(tag::ENUMERATED)?.content {
        [0] => {}
        [status] => return Some(Response::Refused(*status)),
        _ => return None,
    }
    let mut typed = response.within(tag::explicit(0))?.within(tag::SEQUENCE)?;
    if typed.next(tag::OID)?.content != BASIC {
        return None;
    }
    let mut basic = typed.within(tag::OCTET_STRING)?.within(tag::SEQUENCE)?;
    let data = basic.next(tag::SEQUENCE)?;
    let algorithm = basic.next(tag::SEQUENCE)?.content;
    let signature = basic.bits()?;
    let mut certificates = Vec::new();
    if let Some(mut list) =
        basic.within(tag::explicit(0)).and_then(|mut all| all.within(tag::SEQUENCE))
    {
        while certificates.len() < MAX_CERTIFICATES
            && let Some(certificate) = list.next(tag::SEQUENCE)
        {
            certificates.push(certificate.whole);
        }
    }
    let answers = answers(data)?;
    Some(Response::Basic(Basic { signed: data.whole, algorithm, signature, certificates, answers }))
}

/// ResponseData.
fn answers(data: Element<'_>) -> Option<Vec<Answer<'_>>> {
    let mut data = Reader(data.content);
    // The version, where it is told; who answers, by name or key; when.
    data.next(tag::explicit(0));
    data.next(tag::explicit(1)).or_else(|| data.next(tag::explicit(2)))?;
    data.time()?;
    let mut list = data.within(tag::SEQUENCE)?;
    let mut answers = Vec::new();
    while answers.len() < MAX_ANSWERS && !list.is_empty() {
        answers.push(answer(list.within(tag::SEQUENCE)?)?);
    }
    Some(answers)
}

/// SingleResponse.
fn answer(mut answer: Reader<'_>) -> Option<Answer<'_>> {
    let mut id = answer.within(tag::SEQUENCE)?;
    let hash_algorithm = id.within(tag::SEQUENCE)?.next(tag::OID)?.content;
    let name_hash = id.next(tag::OCTET_STRING)?.content;
    let key_hash = id.next(tag::OCTET_STRING)?.content;
    let serial = id.next(tag::INTEGER)?.content;
    let status = answer.any()?;
    let status = if status.tag == tag::implicit(0) {
        Status::Good
    } else if status.tag == tag::explicit(1) {
        Status::Revoked { at: Reader(status.content).time()? }
    } else if status.tag == tag::implicit(2) {
        Status::Unknown
    } else {
        return None;
    };
    let this_update = answer.time()?;
    let next_update = match answer.within(tag::explicit(0)) {
        Some(mut next) => Some(next.time()?),
        None => None,
    };
    Some(Answer { hash_algorithm, name_hash, key_hash, serial, status, this_update, next_update })
}

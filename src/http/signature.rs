//! Who posts: known before anything of the body is read where a key says it, and before anything
//! is made of its bytes where a signature does.
//!
//! All values of all methods are compared, each in a time that tells nothing of them.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::prelude::{BASE64_STANDARD, Engine};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;

use crate::receiver::{Auth, Fingerprint, Method};
use crate::signing::SigningKey;

/// How far a signature's time may be from ours, to either side.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// Signatures that are looked at in one header.
const MAX_SIGNATURES: usize = 16;

/// The id of a message, as Standard Webhooks has it.
pub const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const HUB_SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");

/// What the head of a request says of its sender.
#[derive(Debug)]
pub enum Sender<'a> {
    /// It may post.
    Known,
    /// It may post if one of these signatures is of its body.
    Claimed(Vec<Claim<'a>>),
    /// It may not.
    Unknown,
    /// It may not: its signature is of another time.
    Stale,
}

/// A signature that the body must bear out.
#[derive(Debug)]
pub enum Claim<'a> {
    /// `X-Hub-Signature-256`
    Hub {
        /// The keys that may have signed.
        keys: &'a [SigningKey],
        /// In hexadecimal or base64.
        signature: &'a str,
    },
    /// Standard Webhooks
    Standard {
        /// The keys that may have signed.
        keys: &'a [SigningKey],
        /// The message's id.
        id: &'a str,
        /// When it was signed, in seconds since 1970.
        timestamp: &'a str,
        /// Several, with blanks between them.
        signatures: &'a str,
    },
}

/// What a head says of its sender at this time.
pub fn sender<'a>(auth: &'a Auth, headers: &'a HeaderMap, now: Timestamp) -> Sender<'a> {
    let Auth::AnyOf(methods) = auth else { return Sender::Known };
    let (mut known, mut stale, mut claims) = (false, false, Vec::new());
    for method in methods {
        match method {
            Method::ApiKey { header, keys } => {
                known |= single(headers, header).is_some_and(|key| is_one_of(keys, key));
            }
            Method::Basic { credentials } => {
                known |=
                    authorization(headers, "basic").is_some_and(|it| is_one_of(credentials, it));
            }
            Method::Bearer { tokens } => {
                known |= authorization(headers, "bearer").is_some_and(|it| is_one_of(tokens, it));
            }
            Method::HubSignature { keys } => {
                let signature = single(headers, &HUB_SIGNATURE);
                let signature = signature.and_then(|text| text.strip_prefix("sha256="));
                claims.extend(signature.map(|signature| Claim::Hub { keys, signature }));
            }
            Method::StandardWebhooks { keys } => match standard(headers, keys) {
                Some((claim, signed_at)) if is_recent(signed_at, now) => claims.push(claim),
                Some(_) => stale = true,
                None => {}
            },
        }
    }
    match (known, claims.is_empty(), stale) {
        (true, ..) => Sender::Known,
        (false, false, _) => Sender::Claimed(claims),
        (false, true, true) => Sender::Stale,
        (false, true, false) => Sender::Unknown,
    }
}

impl Claim<'_> {
    /// Whether the body bears this out.
    pub fn holds(&self, body: &[u8]) -> bool {
        match self {
            Self::Hub { keys, signature } => keys.iter().fold(false, |held, key| {
                let tag = key.sign(&[body]);
                held | is(&hexadecimal(tag.as_ref()), signature)
                    | is(&BASE64_STANDARD.encode(tag), signature)
            }),
            Self::Standard { keys, id, timestamp, signatures } => {
                keys.iter().fold(false, |held, key| {
                    let expected = key.sign_message(id, timestamp, body);
                    let given = signatures.split(' ').take(MAX_SIGNATURES);
                    let given = given.filter_map(|signature| signature.strip_prefix("v1,"));
                    given.fold(held, |held, signature| held | is(&expected, signature))
                })
            }
        }
    }
}

/// The three headers of Standard Webhooks, and the time that one of them tells.
fn standard<'a>(headers: &'a HeaderMap, keys: &'a [SigningKey]) -> Option<(Claim<'a>, i64)> {
    let id = single(headers, &WEBHOOK_ID).filter(|id| !id.is_empty())?;
    let timestamp = single(headers, &WEBHOOK_TIMESTAMP)?;
    let signatures = single(headers, &WEBHOOK_SIGNATURE)?;
    let digits = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let signed_at = timestamp.parse().ok().filter(|_| digits)?;
    Some((Claim::Standard { keys, id, timestamp, signatures }, signed_at))
}

fn is_recent(signed_at: i64, now: Timestamp) -> bool {
    now.as_second().abs_diff(signed_at) <= TOLERANCE.as_secs()
}

/// The value of a header that stands there once. Of two, nobody can say which one counts.
pub fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    value.to_str().ok().filter(|_| values.next().is_none())
}

/// What stands behind a scheme's name in `Authorization`.
fn authorization<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (given, rest) = single(headers, &AUTHORIZATION)?.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn is_one_of(secrets: &[Fingerprint], given: &str) -> bool {
    let given = Fingerprint::of(given.as_bytes());
    secrets.iter().fold(false, |found, secret| found | secret.is(&given))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn is(expected: &str, given: &str) -> bool {
    verify_slices_are_equal(expected.as_bytes(), given.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests;

//! Headers by which a sender is known: nobody gets in who has no secret.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use watchpost::http::signature::{Sender, sender};
use watchpost::receiver::{Auth, Fingerprint, Method};
use watchpost::signing::SigningKey;

const KEY: &str = "an-api-key-of-32-visible-letters";
const BASIC: &str = "dXNlcjphLXBhc3N3b3JkLW9mLTMyLWxldHRlcnM=";
const SIGNING: &[u8] = b"a-signing-key-of-32-bytes-or-so.";

fn auth() -> Auth {
    let keys = vec![SigningKey::new(SIGNING)];
    Auth::AnyOf(vec![
        Method::ApiKey {
            header: HeaderName::from_static("x-api-key"),
            keys: vec![Fingerprint::of(KEY.as_bytes())],
        },
        Method::Basic { credentials: vec![Fingerprint::of(BASIC.as_bytes())] },
        Method::Bearer { tokens: vec![Fingerprint::of(KEY.as_bytes())] },
        Method::HubSignature { keys: keys.clone() },
        Method::StandardWebhooks { keys },
    ])
}

// `name: value` lines, an empty one, the body.
fuzz_target!(|input: &[u8]| {
    let mut rest = input;
    let mut headers = HeaderMap::new();
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let (line, behind) = rest.split_at(end);
        rest = behind.get(1..).unwrap_or_default();
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let auth = auth();
    let has = |secret: &str| {
        let mut values = headers.values().filter_map(|value| value.to_str().ok());
        values.any(|value| value.ends_with(secret))
    };
    match sender(&auth, &headers, now) {
        Sender::Known => assert!(has(KEY) || has(BASIC)),
        Sender::Claimed(claims) => {
            let mut other = rest.to_vec();
            other.push(b' ');
            for claim in claims {
                assert!(!(claim.holds(rest) && claim.holds(&other)), "one signature of two bodies");
            }
        }
        Sender::Stale => assert!(headers.contains_key("webhook-timestamp")),
        Sender::Unknown => {}
    }
});

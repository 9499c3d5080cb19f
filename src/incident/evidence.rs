//! What a failed run saw, as others may read it.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::redact;
use crate::check::Check;
use crate::outcome::Outcome;
use crate::outcome::failure::Failure;
use crate::outcome::phase::PhaseTimes;
use crate::outcome::response::Response;
use crate::report::Report;

/// Largest bundle; beyond it, certificates are left out.
const MAX_BYTES: usize = 64 * 1024;

/// Everything that one failed run saw.
///
/// `addresses` are those that the runs of this endpoint have dialled lately.
pub fn bundle(check: &Check, outcome: &Outcome, addresses: &[SocketAddr]) -> Value {
    let seen = &outcome.observation;
    let failure = outcome.failure.as_ref();
    let mut bundle = json!({
        "check": check.id.as_str(),
        "run": Report::new(check, outcome),
        "address": seen.address,
        "addresses_known": addresses,
        "tls_alert": failure.and_then(alert),
        "close_code": failure.and_then(close_code),
        "clock": clock(outcome.started_at, &seen.phases),
        "chain_pem": seen.chain.as_deref().map(|chain| {
            let pem = |der: &[u8]| pem::encode(&pem::Pem::new("CERTIFICATE", der));
            chain.certificates.iter().map(|certificate| pem(&certificate.der)).collect::<Vec<_>>()
        }),
    });
    if let Some(headers) = bundle.pointer_mut("/run/response/headers").and_then(Value::as_array_mut)
    {
        for header in headers {
            let Some([Value::String(name), Value::String(value)]) =
                header.as_array_mut().and_then(|pair| pair.as_mut_slice().first_chunk_mut::<2>())
            else {
                continue;
            };
            *value = redact::header(name, value);
        }
    }
    // What a header says may be told again in words.
    for location in locations(outcome) {
        let bare = redact::url(&location);
        if bare != location {
            redact::replace(&mut bundle, &location, &bare);
        }
    }
    if bundle.to_string().len() > MAX_BYTES
        && let Some(pem) = bundle.get_mut("chain_pem")
    {
        *pem = Value::Null;
    }
    bundle
}

/// As RFC 8446 section 6 names it.
fn alert(failure: &Failure) -> Option<&str> {
    match failure {
        Failure::TlsAlert { alert } | Failure::ClientCertificateRefused { alert } => {
            Some(alert.as_str())
        }
        _ => None,
    }
}

/// RFC 6455 section 7.4.
fn close_code(failure: &Failure) -> Option<u16> {
    match failure {
        Failure::ClosedByServer { code, .. } => *code,
        _ => None,
    }
}

/// When each phase began and ended: on the wall, and in seconds since the run began.
fn clock(started_at: Timestamp, phases: &PhaseTimes) -> Value {
    let mut offset = std::time::Duration::ZERO;
    let mut rows = Vec::new();
    for (phase, time) in phases.iter() {
        let begin = offset;
        offset += time;
        rows.push(json!({
            "phase": phase,
            "at": started_at.saturating_add(begin).unwrap_or(started_at),
            "begin": begin.as_micros() as f64 / 1e6,
            "end": offset.as_micros() as f64 / 1e6,
        }));
    }
    json!({ "started_at": started_at, "phases": rows })
}

/// Where the answer sends whoever asks, as the server wrote it.
fn locations(outcome: &Outcome) -> Vec<String> {
    let refusal = outcome.observation.refusal.as_deref();
    let of_failure = match &outcome.failure {
        Some(Failure::UpgradeRejected(response) | Failure::HttpStatusUnexpected(response)) => {
            Some(response.as_ref())
        }
        _ => None,
    };
    let header = |response: &Response| response.header("location").map(ToString::to_string);
    let mut locations: Vec<_> = refusal.into_iter().chain(of_failure).filter_map(header).collect();
    if let Some(Failure::CorsRedirected { location }) = &outcome.failure {
        locations.push(location.to_string());
    }
    locations
}

//! One run as JSON: the same for `watchpost check --json` and for the API. A contract.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::check::Check;
use crate::check::messaging::Level;
use crate::check::probe::ProbeKind;
use crate::outcome::Outcome;
use crate::outcome::chain::certificate::{Certificate, Facts};
use crate::outcome::chain::ocsp::Status;
use crate::outcome::chain::staple::Staple;
use crate::outcome::chain::{Chain, Session};
use crate::outcome::cors::Seen;
use crate::outcome::failure::Failure;
use crate::outcome::messaging;
use crate::outcome::phase::{Phase, PhaseTimes};
use crate::outcome::reason::{Fault, Reason};
use crate::outcome::response::Response;
use crate::outcome::verdict::Verdict;
use crate::outcome::warning::{Remark, Warning};

/// One run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The name of the endpoint, where it has one.
    pub endpoint: String,
    /// `websocket`, `messaging`, `cors`, `http` or `tls`.
    pub probe: ProbeKind,
    /// What was asked.
    pub url: String,
    /// What the page sends: an origin, `null` or `none`; `null` where no page stands behind it.
    pub origin: Option<String>,
    /// `allow` or `deny`.
    pub expect: &'static str,
    /// When it began.
    pub started_at: Timestamp,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: Verdict,
    /// Whether the verdict is `pass`.
    pub success: bool,
    /// Milliseconds until the door was open; `null` where it did not open.
    pub latency: Option<f64>,
    /// Why it did not pass: a code out of the README's list.
    pub reason: Option<Reason>,
    /// The phase in which it ended.
    pub phase: Option<Phase>,
    /// Whose trouble it is: `target`, `path` or `monitor`.
    pub fault: Option<Fault>,
    /// What happened, in plain words.
    pub message: Option<&'static str>,
    /// What was seen.
    pub evidence: Option<String>,
    /// What to do about it.
    pub fix: Option<&'static str>,
    /// What else is not well.
    pub warnings: Vec<WarningReport>,
    /// The status of the answer.
    pub http_status: Option<u16>,
    /// Whether the page may read the answer; `null` where that was not judged.
    pub cors: Option<CorsReport>,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// How far up a messenger's guest came; `null` where it was no guest, or the door did not open.
    pub messaging: Option<MessagingReport>,
    /// The address that was dialled.
    pub address: Option<String>,
    /// How many addresses the name has.
    pub addresses: usize,
    /// Seconds by phase, in their order; they sum to the whole run.
    #[serde(serialize_with = "by_phase")]
    pub phases: PhaseTimes,
    /// Seconds for which Watchpost itself was held up meanwhile: `phases` are too long by that.
    #[serde(serialize_with = "seconds")]
    pub stalled: Duration,
    /// The answer, where it was no upgrade.
    pub response: Option<ResponseReport>,
    /// What TLS agreed on and was shown; `null` on a plain connection.
    pub tls: Option<TlsReport>,
}

/// A warning.
#[derive(Debug, Serialize)]
pub struct WarningReport {
    /// A code out of the README's list.
    warning: Warning,
    /// What is seen, in plain words.
    message: &'static str,
    /// What was seen in this run.
    evidence: Option<String>,
    /// What to do about it.
    fix: &'static str,
}

/// What a browser does with an answer.
#[derive(Debug, Serialize)]
pub struct CorsReport {
    /// Whether the page may read it.
    allowed: bool,
    /// Why not, as Chromium's `corsErrorStatus.corsError` says it.
    error: Option<&'static str>,
    evidence: Option<String>,
}

/// What a messenger's guest came to.
#[derive(Debug, Serialize)]
pub struct MessagingReport {
    /// The highest rung that was reached.
    level: Level,
    /// Whether sessions of the deployment are asked for no more.
    sessions_stopped: bool,
    /// The id of the message that was sent.
    message_id: Option<String>,
}

/// A refusal, as it came.
#[derive(Debug, Serialize)]
pub struct ResponseReport {
    status: u16,
    phrase: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// A TLS session and chain.
#[derive(Debug, Serialize)]
pub struct TlsReport {
    #[serde(flatten)]
    session: Option<Session>,
    /// Whether a browser would trust the chain.
    verified: bool,
    /// All that is wrong with the chain, the first as browsers show it.
    failures: Vec<VerifyReport>,
    /// The presented certificates, leaf first.
    chain: Vec<CertificateReport>,
    /// Positions in `chain` of the path to a root, which itself is not among them.
    path: Option<Vec<usize>>,
    /// The earliest end of that path, the root's included.
    path_not_after: Option<Timestamp>,
    /// When the leaf is to be renewed.
    renewal_due: Option<Timestamp>,
    /// What is stapled; `null` where nothing is.
    ocsp: Option<OcspReport>,
}

#[derive(Debug, Serialize)]
struct OcspReport {
    status: &'static str,
    evidence: Option<&'static str>,
    revoked_at: Option<Timestamp>,
    this_update: Option<Timestamp>,
    next_update: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct VerifyReport {
    reason: &'static str,
    evidence: String,
}

#[derive(Debug, Serialize)]
struct CertificateReport {
    position: usize,
    fingerprint_sha256: String,
    #[serde(flatten)]
    facts: Option<Facts>,
}

impl Report {
    /// The report of a run.
    pub fn new(check: &Check, outcome: &Outcome) -> Self {
        let seen = &outcome.observation;
        let failure = outcome.failure.as_ref();
        let opened = match check.probe.kind() {
            ProbeKind::Websocket | ProbeKind::Messaging => seen.upgraded,
            ProbeKind::Cors => seen.cors.as_ref().is_some_and(|cors| cors.blocked.is_none()),
            ProbeKind::Http => seen.http_status.is_some(),
            ProbeKind::Tls => outcome.verdict == Verdict::Pass,
        };
        Self {
            endpoint: check.endpoint.name.to_string(),
            probe: check.probe.kind(),
            url: check.endpoint.target.to_string(),
            origin: check.origin.as_ref().map(|rule| rule.origin.to_string()),
            expect: check.expect().as_str(),
            started_at: outcome.started_at,
            verdict: outcome.verdict,
            success: outcome.verdict == Verdict::Pass,
            latency: opened.then(|| seen.phases.to_open().as_micros() as f64 / 1e3),
            reason: failure.map(Failure::reason),
            phase: failure.and_then(Failure::phase),
            fault: failure.map(Failure::fault),
            message: failure.map(|failure| failure.reason().sentence()),
            evidence: failure.map(Failure::evidence).filter(|evidence| !evidence.is_empty()),
            fix: failure.map(|failure| failure.reason().fix()),
            warnings: outcome.remarks.iter().map(WarningReport::new).collect(),
            http_status: seen.http_status,
            cors: seen.cors.as_deref().map(CorsReport::new),
            subprotocol: seen.subprotocol.as_ref().map(ToString::to_string),
            messaging: seen.messaging.as_deref().and_then(MessagingReport::new),
            address: seen.address.map(|address| address.to_string()),
            addresses: seen.addresses,
            phases: seen.phases,
            stalled: seen.stalled,
            response: seen.refusal.as_deref().map(ResponseReport::new),
            tls: seen.chain.as_deref().map(|chain| TlsReport::new(chain, seen.session.clone())),
        }
    }
}

fn by_phase<S: Serializer>(times: &PhaseTimes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(times.iter().map(|(phase, time)| (phase.as_str(), as_seconds(time))))
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(as_seconds(*time))
}

fn as_seconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e6
}

impl WarningReport {
    fn new(remark: &Remark) -> Self {
        Self {
            warning: remark.warning,
            message: remark.warning.sentence(),
            evidence: Some(remark.evidence.clone()).filter(|evidence| !evidence.is_empty()),
            fix: remark.warning.fix(),
        }
    }
}

impl OcspReport {
    fn new(staple: &Staple) -> Self {
        let dates = staple.dates();
        let (status, evidence, revoked_at) = match staple {
            Staple::Answer { status, .. } => {
                let at = match status {
                    Status::Revoked { at } => Some(*at),
                    Status::Good | Status::Unknown => None,
                };
                (status.as_str(), None, at)
            }
            Staple::Useless(why) => ("invalid", Some(why.as_str()), None),
        };
        Self {
            status,
            evidence,
            revoked_at,
            this_update: dates.map(|(begin, _)| begin),
            next_update: dates.map(|(_, end)| end),
        }
    }
}

impl CorsReport {
    fn new(seen: &Seen) -> Self {
        let blocked = seen.blocked.as_ref();
        Self {
            allowed: blocked.is_none(),
            error: blocked.map(|blocked| blocked.error.chromium()),
            evidence: blocked.map(ToString::to_string),
        }
    }
}

impl MessagingReport {
    fn new(seen: &messaging::Seen) -> Option<Self> {
        Some(Self {
            level: seen.reached?,
            sessions_stopped: seen.stopped,
            message_id: seen.message.as_ref().map(ToString::to_string),
        })
    }
}

impl ResponseReport {
    fn new(response: &Response) -> Self {
        let pairs = response.headers.iter();
        Self {
            status: response.status,
            phrase: response.phrase.to_string(),
            headers: pairs.map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            body: response.body.to_string(),
        }
    }
}

impl TlsReport {
    fn new(chain: &Chain, session: Option<Session>) -> Self {
        let verification = &chain.verification;
        let certificate = |(position, certificate): (usize, &Certificate)| CertificateReport {
            position,
            fingerprint_sha256: certificate.fingerprint.clone(),
            facts: certificate.facts.clone(),
        };
        Self {
            session,
            verified: verification.failures.is_empty(),
            failures: verification
                .failures
                .iter()
                .map(|failure| VerifyReport {
                    reason: failure.label(),
                    evidence: failure.evidence(),
                })
                .collect(),
            chain: chain.certificates.iter().enumerate().map(certificate).collect(),
            path: verification.path.as_ref().map(|path| path.positions.clone()),
            path_not_after: verification.path.as_ref().map(|path| path.not_after),
            renewal_due: chain.leaf().and_then(|leaf| Some(leaf.facts.as_ref()?.renewal().due)),
            ocsp: chain.staple.as_ref().map(OcspReport::new),
        }
    }
}

//! Why a run ended early: one closed enum, the evidence inside.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::chain::verification::VerifyFailure;
use super::cors::error::Blocked;
use super::messaging::Refused;
use super::phase::Phase;
use super::quoted::Quoted;
use super::reason::{Fault, Reason};
use super::response::Response;
use crate::check::origin::OriginRule;
use crate::event::key::Key;

/// Why a run ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// NXDOMAIN.
    NameNotFound,
    /// The name has no address of the wanted family.
    NoAddress,
    /// An error code from the name server.
    ResolverFailed {
        /// As DNS names it: `ServFail`, `Refused`.
        code: Quoted,
    },
    /// No name server could be asked.
    ResolverUnreachable,
    /// ECONNREFUSED.
    ConnectionRefused,
    /// EHOSTUNREACH.
    HostUnreachable,
    /// ENETUNREACH.
    NoRoute,
    /// EACCES, EPERM.
    LocalDenied,
    /// EMFILE, ENFILE, EADDRNOTAVAIL, ENOBUFS, ENOMEM.
    LocalExhaustion {
        /// Where it struck: while a socket was made to ask a name server, or to connect.
        phase: Phase,
        /// What the system said.
        error: Quoted,
    },
    /// A run that timed out or broke while this process was held up.
    MonitorLag {
        /// Where it ended.
        phase: Phase,
        /// How long this process had no time for it.
        stalled: Duration,
    },
    /// The deadline passed in this phase.
    TimedOut(Phase),
    /// ECONNRESET, EPIPE.
    Reset(Phase),
    /// The peer closed where an answer was due.
    Closed(Phase),
    /// Any other error of the system.
    Io {
        /// Where it struck.
        phase: Phase,
        /// Its kind.
        kind: io::ErrorKind,
    },
    /// The first bytes were no TLS record.
    NotTls,
    /// A fatal alert.
    TlsAlert {
        /// As RFC 8446 section 6 names it.
        alert: Quoted,
    },
    /// Nothing in common with the server.
    TlsIncompatible {
        /// What is missing.
        detail: Quoted,
    },
    /// The server speaks a TLS that the probe does not.
    TlsUnsupportedByProbe {
        /// The version that it chose.
        version: &'static str,
        /// The suite that it chose, as IANA names it.
        suite: &'static str,
    },
    /// The peer broke the protocol.
    TlsProtocol {
        /// How.
        detail: Quoted,
    },
    /// An alert about our certificate or about having none; or a 400, as nginx answers.
    ClientCertificateRefused {
        /// As RFC 8446 section 6 names it, or what the answer says.
        alert: Quoted,
    },
    /// The chain did not verify.
    CertificateRejected(VerifyFailure),
    /// More than 64 KiB or 200 headers.
    HttpHeadTooBig(Phase),
    /// Bytes that no lenient reader takes for a response.
    HttpMalformed {
        /// What was asked.
        phase: Phase,
        /// The first of them.
        start: Quoted,
    },
    /// A whole response with another status than 101.
    UpgradeRejected(Arc<Response>),
    /// 101 without `Upgrade: websocket`.
    BadUpgradeHeader {
        /// What stood there.
        found: Option<Quoted>,
    },
    /// 101 without `Connection: Upgrade`.
    BadConnectionHeader {
        /// What stood there.
        found: Option<Quoted>,
    },
    /// 101 without the answer to our key.
    BadAccept {
        /// What stood there.
        found: Option<Quoted>,
    },
    /// A subprotocol that was not offered, or none where some were.
    BadSubprotocol {
        /// What stood there.
        found: Option<Quoted>,
    },
    /// An extension that was not offered, or terms that browsers refuse.
    UnrequestedExtension {
        /// What stood there.
        found: Quoted,
    },
    /// A browser keeps the answer from the page, or the page from asking.
    CorsBlocked(Blocked),
    /// The page may follow this redirect; the probe does not.
    CorsRedirected {
        /// Where it leads.
        location: Quoted,
    },
    /// The page may read the answer, and it is none that is wanted.
    HttpStatusUnexpected(Arc<Response>),
    /// The answer's JSON is not as it shall be.
    HttpJsonUnexpected {
        /// What is wrong with it.
        detail: String,
    },
    /// The answer has a header that it must not have.
    HttpHeaderLeaked {
        /// Its name, as the config has it; the value is nobody's business.
        name: String,
    },
    /// The answer's body is beyond the cap.
    HttpBodyTooBig,
    /// The connection ended before the answer's body did.
    HttpBodyCutOff,
    /// A frame that breaks RFC 6455.
    FrameInvalid {
        /// How.
        detail: Quoted,
    },
    /// A message beyond the cap.
    FrameTooBig,
    /// Too many frames, none of them awaited.
    FrameFlood,
    /// A Close frame where none was due, or with a code that refuses.
    ClosedByServer {
        /// RFC 6455 section 7.4; `None` where the frame was empty.
        code: Option<u16>,
        /// What the frame said besides.
        reason: Quoted,
    },
    /// The deadline passed while messages came, none of them awaited.
    MessageUnmatched {
        /// The last one.
        last: Quoted,
    },
    /// The messaging application does not let the guest get on.
    Messaging(Refused),
    /// Let in, against expectation.
    OriginAccepted,
    /// A page that must be kept out may read the answer.
    OriginReadable,
    /// Refused as it must be, but so was a page that must get in.
    ControlFailed {
        /// Where the refusal came.
        phase: Phase,
        /// That page.
        page: Arc<OriginRule>,
        /// Why it did not get in.
        failure: Box<Failure>,
    },
    /// Refused as it must be, and nobody knows whether anybody gets in.
    ControlMissing(Phase),
    /// The connections that a minute has are taken.
    BudgetSpent {
        /// The deployment whose they are.
        deployment: Key,
    },
    /// This monitor could not tell good from bad.
    MonitorBlind {
        /// Which of its self-checks failed, and how.
        why: Arc<str>,
    },
    /// A bug of ours.
    ProbePanicked,
    /// Cut off by our own end.
    ShuttingDown,
}

impl Failure {
    /// The phase in which the run ended; not known where the run as a whole was cut off.
    pub fn phase(&self) -> Option<Phase> {
        Some(match self {
            Self::BudgetSpent { .. }
            | Self::MonitorBlind { .. }
            | Self::ProbePanicked
            | Self::ShuttingDown => return None,
            Self::NameNotFound
            | Self::NoAddress
            | Self::ResolverFailed { .. }
            | Self::ResolverUnreachable => Phase::Resolve,
            Self::ConnectionRefused | Self::HostUnreachable | Self::NoRoute | Self::LocalDenied => {
                Phase::Connect
            }
            Self::TimedOut(phase)
            | Self::Reset(phase)
            | Self::Closed(phase)
            | Self::HttpHeadTooBig(phase)
            | Self::HttpMalformed { phase, .. } => *phase,
            Self::Io { phase, .. }
            | Self::LocalExhaustion { phase, .. }
            | Self::MonitorLag { phase, .. } => *phase,
            Self::NotTls
            | Self::TlsAlert { .. }
            | Self::TlsIncompatible { .. }
            | Self::TlsUnsupportedByProbe { .. }
            | Self::TlsProtocol { .. }
            | Self::ClientCertificateRefused { .. }
            | Self::CertificateRejected(_) => Phase::Tls,
            Self::UpgradeRejected(_)
            | Self::BadUpgradeHeader { .. }
            | Self::BadConnectionHeader { .. }
            | Self::BadAccept { .. }
            | Self::BadSubprotocol { .. }
            | Self::UnrequestedExtension { .. }
            | Self::OriginAccepted => Phase::Upgrade,
            Self::ControlFailed { phase, .. } | Self::ControlMissing(phase) => *phase,
            Self::CorsBlocked(blocked) if blocked.error.is_of_preflight() => Phase::Preflight,
            Self::CorsBlocked(_)
            | Self::CorsRedirected { .. }
            | Self::HttpStatusUnexpected(_)
            | Self::HttpHeaderLeaked { .. }
            | Self::OriginReadable => Phase::Request,
            Self::HttpJsonUnexpected { .. }
            | Self::HttpBodyTooBig
            | Self::HttpBodyCutOff
            | Self::FrameInvalid { .. }
            | Self::FrameTooBig
            | Self::FrameFlood
            | Self::ClosedByServer { .. }
            | Self::MessageUnmatched { .. }
            | Self::Messaging(_) => Phase::Transfer,
        })
    }

    /// The label.
    pub fn reason(&self) -> Reason {
        match self {
            Self::NameNotFound => Reason::NameNotFound,
            Self::NoAddress => Reason::NoAddress,
            Self::ResolverFailed { .. } => Reason::ResolverFailed,
            Self::ResolverUnreachable => Reason::ResolverUnreachable,
            Self::ConnectionRefused => Reason::ConnectionRefused,
            Self::HostUnreachable => Reason::HostUnreachable,
            Self::NoRoute => Reason::NoRoute,
            Self::LocalDenied => Reason::LocalDenied,
            Self::LocalExhaustion { .. } => Reason::LocalExhaustion,
            Self::MonitorLag { .. } => Reason::MonitorLag,
            Self::TimedOut(_) => Reason::TimedOut,
            Self::Reset(_) => Reason::Reset,
            Self::Closed(_) => Reason::Closed,
            Self::Io { .. } => Reason::IoError,
            Self::NotTls => Reason::NotTls,
            Self::TlsAlert { .. } => Reason::TlsAlert,
            Self::TlsIncompatible { .. } => Reason::TlsIncompatible,
            Self::TlsUnsupportedByProbe { .. } => Reason::TlsUnsupportedByProbe,
            Self::TlsProtocol { .. } => Reason::TlsProtocol,
            Self::ClientCertificateRefused { .. } => Reason::ClientCertificateRefused,
            Self::CertificateRejected(failure) => failure.reason(),
            Self::HttpHeadTooBig(_) => Reason::HttpHeadTooBig,
            Self::HttpMalformed { .. } => Reason::HttpMalformed,
            Self::UpgradeRejected(response) => match response.status {
                401 | 403 => Reason::UpgradeRefused,
                404 | 410 => Reason::UpgradeNotFound,
                429 => Reason::UpgradeThrottled,
                300..=399 => Reason::UpgradeRedirected,
                500..=599 => Reason::UpgradeServerError,
                _ => Reason::UpgradeNotOffered,
            },
            Self::BadUpgradeHeader { .. } => Reason::BadUpgradeHeader,
            Self::BadConnectionHeader { .. } => Reason::BadConnectionHeader,
            Self::BadAccept { .. } => Reason::BadAccept,
            Self::BadSubprotocol { .. } => Reason::BadSubprotocol,
            Self::UnrequestedExtension { .. } => Reason::UnrequestedExtension,
            Self::FrameInvalid { .. } => Reason::FrameInvalid,
            Self::FrameTooBig => Reason::FrameTooBig,
            Self::FrameFlood => Reason::FrameFlood,
            Self::ClosedByServer { .. } => Reason::ClosedByServer,
            Self::MessageUnmatched { .. } => Reason::MessageUnmatched,
            Self::CorsBlocked(blocked) => blocked.error.reason(),
            Self::CorsRedirected { .. } => Reason::CorsRedirected,
            Self::HttpStatusUnexpected(_) => Reason::HttpStatusUnexpected,
            Self::HttpJsonUnexpected { .. } => Reason::HttpJsonUnexpected,
            Self::HttpHeaderLeaked { .. } => Reason::HttpHeaderLeaked,
            Self::HttpBodyTooBig => Reason::HttpBodyTooBig,
            Self::HttpBodyCutOff => Reason::HttpBodyCutOff,
            Self::OriginAccepted | Self::OriginReadable => Reason::OriginAccepted,
            Self::ControlFailed { .. } => Reason::ControlFailed,
            Self::ControlMissing(_) => Reason::ControlMissing,
            Self::Messaging(refused) => refused.trouble.reason(),
            Self::BudgetSpent { .. } => Reason::BudgetSpent,
            Self::MonitorBlind { .. } => Reason::MonitorBlind,
            Self::ProbePanicked => Reason::ProbePanicked,
            Self::ShuttingDown => Reason::ShuttingDown,
        }
    }

    /// Whose trouble it is.
    pub fn fault(&self) -> Fault {
        match self {
            // A name server that does not answer is ours until a control name says otherwise.
            Self::TimedOut(Phase::Resolve) => Fault::Monitor,
            // Nobody answered at all: dropped on the way as likely as at the door.
            Self::TimedOut(Phase::Connect) => Fault::Path,
            Self::ControlFailed { failure, .. } => failure.fault(),
            other => other.reason().fault(),
        }
    }

    /// What was seen, for people: empty where the reason says it all.
    pub fn evidence(&self) -> String {
        let header = |name: &str, found: &Option<Quoted>| match found {
            Some(value) => format!("{name}: {value}"),
            None => format!("no {name} header"),
        };
        match self {
            Self::ResolverFailed { code } => format!("the name server said {code}"),
            Self::LocalExhaustion { error, .. } => error.to_string(),
            Self::MonitorBlind { why } => why.to_string(),
            Self::Messaging(refused) => refused.to_string(),
            Self::BudgetSpent { deployment } => format!("of {}", Quoted::text(deployment.as_str())),
            Self::MonitorLag { stalled, .. } => {
                format!("held up for {:.0} ms", stalled.as_secs_f64() * 1e3)
            }
            Self::Io { kind, .. } => kind.to_string(),
            Self::TlsAlert { alert } | Self::ClientCertificateRefused { alert } => {
                alert.to_string()
            }
            Self::TlsUnsupportedByProbe { version, suite } => {
                format!("the server chose {version}, {suite}")
            }
            Self::TlsIncompatible { detail }
            | Self::TlsProtocol { detail }
            | Self::FrameInvalid { detail } => detail.to_string(),
            Self::CertificateRejected(failure) => failure.evidence(),
            Self::HttpMalformed { start, .. } => format!("it begins with {start:?}"),
            Self::UpgradeRejected(response) | Self::HttpStatusUnexpected(response) => {
                response.to_string()
            }
            Self::CorsBlocked(blocked) => blocked.to_string(),
            Self::HttpJsonUnexpected { detail } => detail.clone(),
            Self::HttpHeaderLeaked { name } => name.clone(),
            Self::CorsRedirected { location } => format!("Location: {location}"),
            Self::BadUpgradeHeader { found } => header("Upgrade", found),
            Self::BadConnectionHeader { found } => header("Connection", found),
            Self::BadAccept { found } => header("Sec-WebSocket-Accept", found),
            Self::BadSubprotocol { found } => header("Sec-WebSocket-Protocol", found),
            Self::UnrequestedExtension { found } => format!("Sec-WebSocket-Extensions: {found}"),
            Self::ClosedByServer { code: Some(code), reason } => format!("close {code} {reason}"),
            Self::ClosedByServer { code: None, .. } => "close without a code".to_owned(),
            Self::MessageUnmatched { last } => format!("the last message was {last:?}"),
            Self::ControlFailed { page, failure, .. } => {
                let (reason, evidence) = (failure.reason(), failure.evidence());
                let comma = if evidence.is_empty() { "" } else { ", " };
                format!("{} does not get in: {reason}{comma}{evidence}", page.name)
            }
            _ => String::new(),
        }
    }
}

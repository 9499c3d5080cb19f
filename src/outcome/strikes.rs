//! Which failures a check can meet at all: the zeros that a counter begins with.

use super::cors::request::needs_preflight;
use super::messaging::Trouble;
use super::phase::Phase;
use super::reason::Reason;
use crate::check::Check;
use crate::check::messaging::Level;
use crate::check::origin::Expect;
use crate::check::probe::{Probe, ProbeKind};
use crate::check::target::Host;

/// Every place and reason that a check can fail with, as far as its kind tells.
pub fn strikes(check: &Check) -> impl Iterator<Item = (Option<Phase>, Reason)> + '_ {
    let phases = Phase::ALL.into_iter().map(Some).chain([None]);
    phases.flat_map(move |phase| {
        let reasons = Reason::ALL.iter().copied();
        reasons
            .filter(move |reason| can_strike(check, phase, *reason))
            .map(move |reason| (phase, reason))
    })
}

/// Whether a check can fail in this phase for this reason.
pub fn can_strike(check: &Check, phase: Option<Phase>, reason: Reason) -> bool {
    let kind = check.probe.kind();
    let (socket, cors, http) =
        (kind.is_of_a_socket(), kind == ProbeKind::Cors, kind == ProbeKind::Http);
    let level = match check.probe.as_ref() {
        Probe::Messaging(messaging) => Some(messaging.level),
        _ => None,
    };
    let endpoint = &check.endpoint;
    let reached = match phase {
        Some(Phase::Resolve) => {
            endpoint.reach.connect_to.is_none() && matches!(endpoint.target.host, Host::Name(_))
        }
        Some(Phase::Tls) => endpoint.target.scheme.is_tls(),
        Some(Phase::Upgrade) => socket,
        Some(Phase::Transfer) => (socket || http) && level != Some(Level::Upgrade),
        Some(Phase::Preflight) => match check.probe.as_ref() {
            Probe::Cors(cors) => needs_preflight(&cors.fetch),
            _ => false,
        },
        Some(Phase::Request) => cors || http,
        Some(Phase::Connect | Phase::Close) | None => true,
    };
    let asked = match reason {
        Reason::OriginAccepted | Reason::ControlFailed => check.expect() == Expect::Deny,
        Reason::ControlMissing => check.expect() == Expect::Deny && check.control.is_none(),
        Reason::HttpMalformed => http || phase != Some(Phase::Transfer),
        Reason::HttpStatusUnexpected => cors || http,
        _ if reason.is_of_http() => http,
        _ if reason.is_of_cors() => cors,
        _ if reason.is_of_frames() => socket,
        _ if reason.is_of_messaging() => level.is_some(),
        Reason::BudgetSpent => check.deployment().is_some(),
        _ => true,
    };
    reached && asked && reason.strikes_in(phase)
}

impl Reason {
    /// Whether a run can end in this phase for this reason; `None`: cut off as a whole.
    pub fn strikes_in(self, phase: Option<Phase>) -> bool {
        use Phase::{Connect, Preflight, Request, Resolve, Tls, Transfer, Upgrade};
        let phases: &[Phase] = match self {
            Self::BudgetSpent | Self::MonitorBlind | Self::ProbePanicked | Self::ShuttingDown => {
                return phase.is_none();
            }
            Self::NameNotFound
            | Self::NoAddress
            | Self::ResolverFailed
            | Self::ResolverUnreachable => &[Resolve],
            Self::ConnectionRefused | Self::HostUnreachable | Self::NoRoute | Self::LocalDenied => {
                &[Connect]
            }
            Self::LocalExhaustion => &[Resolve, Connect],
            Self::TimedOut | Self::MonitorLag => {
                &[Resolve, Connect, Tls, Preflight, Request, Upgrade, Transfer]
            }
            Self::IoError => &[Connect, Tls, Preflight, Request, Upgrade, Transfer],
            Self::Reset | Self::Closed => &[Tls, Preflight, Request, Upgrade, Transfer],
            Self::NotTls
            | Self::TlsAlert
            | Self::TlsIncompatible
            | Self::TlsUnsupportedByProbe
            | Self::TlsProtocol
            | Self::ClientCertificateRefused
            | Self::CertExpired
            | Self::CertNotYetValid
            | Self::CertHostnameMismatch
            | Self::CertCommonNameOnly
            | Self::CertMissingIntermediate
            | Self::CertUnknownIssuer
            | Self::CertSelfSigned
            | Self::CertRevoked
            | Self::CertStapleMissing
            | Self::ClockWrong
            | Self::CertWeakKey
            | Self::CertWeakSignature
            | Self::CertBadSignature
            | Self::CertInvalid => &[Tls],
            Self::HttpHeadTooBig => &[Preflight, Request, Upgrade],
            // In the transfer: chunks that are none.
            Self::HttpMalformed => &[Preflight, Request, Upgrade, Transfer],
            Self::OriginAccepted | Self::ControlFailed | Self::ControlMissing => {
                &[Request, Upgrade]
            }
            Self::CorsPreflightInvalidStatus
            | Self::CorsPreflightDisallowedRedirect
            | Self::CorsPreflightMissingAllowOriginHeader
            | Self::CorsPreflightAllowOriginMismatch
            | Self::CorsPreflightMultipleAllowOriginValues
            | Self::CorsPreflightInvalidAllowOriginValue
            | Self::CorsPreflightWildcardOriginNotAllowed
            | Self::CorsPreflightInvalidAllowCredentials
            | Self::CorsInvalidAllowMethodsPreflightResponse
            | Self::CorsInvalidAllowHeadersPreflightResponse
            | Self::CorsMethodDisallowedByPreflightResponse
            | Self::CorsHeaderDisallowedByPreflightResponse => &[Preflight],
            Self::CorsMissingAllowOriginHeader
            | Self::CorsAllowOriginMismatch
            | Self::CorsMultipleAllowOriginValues
            | Self::CorsInvalidAllowOriginValue
            | Self::CorsWildcardOriginNotAllowed
            | Self::CorsInvalidAllowCredentials
            | Self::CorsRedirectContainsCredentials
            | Self::CorsRedirected
            | Self::HttpHeaderLeaked
            | Self::HttpStatusUnexpected => &[Request],
            Self::UpgradeRefused
            | Self::UpgradeRedirected
            | Self::UpgradeNotFound
            | Self::UpgradeThrottled
            | Self::UpgradeServerError
            | Self::UpgradeNotOffered
            | Self::BadUpgradeHeader
            | Self::BadConnectionHeader
            | Self::BadAccept
            | Self::BadSubprotocol
            | Self::UnrequestedExtension => &[Upgrade],
            Self::HttpJsonUnexpected
            | Self::HttpBodyTooBig
            | Self::HttpBodyCutOff
            | Self::FrameInvalid
            | Self::FrameTooBig
            | Self::FrameFlood
            | Self::ClosedByServer
            | Self::MessageUnmatched
            | Self::MessagingUnavailable
            | Self::MessagingDeploymentUnknown
            | Self::MessagingBadRequest
            | Self::MessagingThrottled
            | Self::MessagingTimeout
            | Self::MessagingServerError
            | Self::MessagingSessionExpired
            | Self::MessagingSessionNotFound
            | Self::MessagingAuthenticated
            | Self::MessagingReadOnly
            | Self::MessagingTooLong
            | Self::MessagingAttributesTooLarge
            | Self::MessagingAttachment
            | Self::MessagingConnectionClosed
            | Self::MessagingMalformed
            | Self::MessagingError
            | Self::MessagingAutoStarted => &[Transfer],
        };
        phase.is_some_and(|phase| phases.contains(&phase))
    }

    /// Whether only an HTTP probe meets it.
    fn is_of_http(self) -> bool {
        matches!(
            self,
            Self::HttpJsonUnexpected
                | Self::HttpHeaderLeaked
                | Self::HttpBodyTooBig
                | Self::HttpBodyCutOff
        )
    }

    /// Whether only a CORS probe meets it.
    fn is_of_cors(self) -> bool {
        self.code().starts_with("cors_")
    }

    /// Whether only a messenger's guest meets it.
    fn is_of_messaging(self) -> bool {
        Trouble::ALL.into_iter().any(|trouble| trouble.reason() == self)
    }

    /// Whether only an open WebSocket meets it.
    fn is_of_frames(self) -> bool {
        matches!(
            self,
            Self::FrameInvalid
                | Self::FrameTooBig
                | Self::FrameFlood
                | Self::ClosedByServer
                | Self::MessageUnmatched
        )
    }
}

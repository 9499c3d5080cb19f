//! What the seeds, and Node behind them, call a failure.

use crate::outcome::reason::Reason;

/// The name beside our own reason; none where they have none.
pub fn alias(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::ConnectionRefused => "ECONNREFUSED",
        Reason::NameNotFound | Reason::NoAddress => "ENOTFOUND",
        Reason::ResolverFailed | Reason::ResolverUnreachable => "EAI_AGAIN",
        Reason::HostUnreachable => "EHOSTUNREACH",
        Reason::NoRoute => "ENETUNREACH",
        Reason::LocalDenied => "EACCES",
        Reason::LocalExhaustion => "EMFILE",
        Reason::Reset | Reason::Closed => "ECONNRESET",
        Reason::TimedOut => "timeout",
        Reason::CertExpired => "CERT_HAS_EXPIRED",
        Reason::CertNotYetValid => "CERT_NOT_YET_VALID",
        Reason::CertMissingIntermediate | Reason::CertUnknownIssuer => {
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
        }
        Reason::CertSelfSigned => "DEPTH_ZERO_SELF_SIGNED_CERT",
        Reason::CertHostnameMismatch | Reason::CertCommonNameOnly => "ERR_TLS_CERT_ALTNAME_INVALID",
        Reason::CertRevoked => "CERT_REVOKED",
        _ => return None,
    })
}

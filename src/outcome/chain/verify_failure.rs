//! The ways in which a chain fails, each with its label and what was seen.

use jiff::Timestamp;

use super::certificate::Key;
use super::names::NearMiss;
use crate::outcome::quoted::Quoted;
use crate::outcome::reason::Reason;

/// Most names that are told of a certificate for others.
const MAX_NAMES: usize = 5;

/// One way in which a chain fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyFailure {
    /// Past its end.
    Expired {
        /// Its end.
        not_after: Timestamp,
    },
    /// Before its start.
    NotYetValid {
        /// Its start.
        not_before: Timestamp,
    },
    /// For other names.
    HostnameMismatch {
        /// The names that it is for, those first that resemble the host.
        names: Vec<Quoted>,
        /// Why the first of them does not do.
        near: Option<NearMiss>,
    },
    /// For the host by its common name alone, which no browser looks at.
    CommonNameOnly {
        /// The common name.
        name: Quoted,
    },
    /// The issuer of what is presented is not, and is no root.
    MissingIntermediate {
        /// Who issued it.
        issuer: Quoted,
        /// Where that one's certificate is to be had, as it says.
        urls: Vec<Quoted>,
    },
    /// It leads to a root that is not trusted.
    UnknownIssuer {
        /// Which.
        root: Quoted,
    },
    /// Its own issuer, and no root.
    SelfSigned,
    /// Its issuer has taken it back.
    Revoked {
        /// When.
        at: Timestamp,
    },
    /// It demands a stapled answer, and none that holds is stapled.
    StapleMissing,
    /// Before its start, by a clock that is wrong.
    ClockWrong {
        /// What shows that.
        proof: Quoted,
    },
    /// A key that is too short.
    WeakKey {
        /// Whose.
        subject: Quoted,
        /// Which.
        key: Key,
    },
    /// A signature that somebody else could have made.
    WeakSignature {
        /// Whose certificate bears it.
        subject: Quoted,
        /// How it is made.
        algorithm: &'static str,
    },
    /// A signature that does not fit.
    BadSignature,
    /// A rule of X.509 that is broken.
    Invalid {
        /// Which.
        rule: Quoted,
    },
}

impl VerifyFailure {
    /// Every value of the metric's label.
    pub const LABELS: [&'static str; 14] = [
        "expired",
        "not_yet_valid",
        "hostname_mismatch",
        "common_name_only",
        "missing_intermediate",
        "unknown_issuer",
        "self_signed",
        "revoked",
        "staple_missing",
        "clock_wrong",
        "weak_key",
        "weak_signature",
        "bad_signature",
        "other",
    ];

    /// The value of the metric's label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::HostnameMismatch { .. } => "hostname_mismatch",
            Self::CommonNameOnly { .. } => "common_name_only",
            Self::MissingIntermediate { .. } => "missing_intermediate",
            Self::UnknownIssuer { .. } => "unknown_issuer",
            Self::SelfSigned => "self_signed",
            Self::Revoked { .. } => "revoked",
            Self::StapleMissing => "staple_missing",
            Self::ClockWrong { .. } => "clock_wrong",
            Self::WeakKey { .. } => "weak_key",
            Self::WeakSignature { .. } => "weak_signature",
            Self::BadSignature => "bad_signature",
            Self::Invalid { .. } => "other",
        }
    }

    /// Which of several a browser shows: Chromium reports a revocation before an unknown issuer,
    /// that before a wrong name, and a wrong name before wrong dates (`MapCertStatusToNetError`).
    pub fn rank(&self) -> u8 {
        match self {
            Self::BadSignature | Self::Invalid { .. } => 0,
            Self::Revoked { .. } => 1,
            Self::MissingIntermediate { .. } | Self::UnknownIssuer { .. } | Self::SelfSigned => 2,
            Self::HostnameMismatch { .. } | Self::CommonNameOnly { .. } => 3,
            Self::WeakSignature { .. } => 4,
            Self::WeakKey { .. } => 5,
            Self::Expired { .. } | Self::NotYetValid { .. } | Self::ClockWrong { .. } => 6,
            // Firefox alone: whatever both refuse is told first.
            Self::StapleMissing => 7,
        }
    }

    /// The reason of a run that ends with it.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Expired { .. } => Reason::CertExpired,
            Self::NotYetValid { .. } => Reason::CertNotYetValid,
            Self::HostnameMismatch { .. } => Reason::CertHostnameMismatch,
            Self::CommonNameOnly { .. } => Reason::CertCommonNameOnly,
            Self::MissingIntermediate { .. } => Reason::CertMissingIntermediate,
            Self::UnknownIssuer { .. } => Reason::CertUnknownIssuer,
            Self::SelfSigned => Reason::CertSelfSigned,
            Self::Revoked { .. } => Reason::CertRevoked,
            Self::StapleMissing => Reason::CertStapleMissing,
            Self::ClockWrong { .. } => Reason::ClockWrong,
            Self::WeakKey { .. } => Reason::CertWeakKey,
            Self::WeakSignature { .. } => Reason::CertWeakSignature,
            Self::BadSignature => Reason::CertBadSignature,
            Self::Invalid { .. } => Reason::CertInvalid,
        }
    }

    /// What was seen, for people.
    pub fn evidence(&self) -> String {
        match self {
            Self::Expired { not_after } => format!("valid until {not_after}"),
            Self::NotYetValid { not_before } => format!("valid from {not_before}"),
            Self::HostnameMismatch { names, .. } if names.is_empty() => {
                "it has no subject alternative name".to_owned()
            }
            Self::HostnameMismatch { names, near } => {
                let shown: Vec<_> = names.iter().take(MAX_NAMES).map(Quoted::as_str).collect();
                let more = match names.len().saturating_sub(MAX_NAMES) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let near = near.map(|near| format!(": {}", near.as_str())).unwrap_or_default();
                format!("it is for {}{more}{near}", shown.join(", "))
            }
            Self::CommonNameOnly { name } => format!("its common name is {name}"),
            Self::Revoked { at } => format!("revoked at {at}"),
            Self::ClockWrong { proof } => proof.to_string(),
            Self::WeakKey { subject, key } => {
                format!("the key of {subject} is {} {}", key.kind, key.bits)
            }
            Self::WeakSignature { subject, algorithm } => {
                format!("the certificate of {subject} is signed with {algorithm}")
            }
            Self::Invalid { rule } => rule.to_string(),
            Self::MissingIntermediate { issuer, urls } => {
                let place = urls.first().map(|url| format!(", it is at {url}")).unwrap_or_default();
                format!("{issuer} issued it, whose certificate is not presented{place}")
            }
            Self::UnknownIssuer { root } => format!("it leads to {root}"),
            Self::StapleMissing | Self::SelfSigned | Self::BadSignature => String::new(),
        }
    }
}

//! A receiver: where events may be posted, and by whom.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use http::HeaderName;

use crate::signing::SigningKey;

/// Where senders post events.
#[derive(Debug)]
pub struct Receiver {
    /// The label.
    pub name: Arc<str>,
    /// The path, as it stands in a request.
    pub path: String,
    /// Who may post.
    pub auth: Auth,
    /// Events a second at the most.
    pub max_rate: u32,
}

impl Receiver {
    /// As which receiver the notification channel is known: no other may have that name.
    pub const CHANNEL: &str = "channel";

    /// The path of a receiver that names none.
    pub const PATH: &str = "/hooks/genesys";

    /// The rate of one that names none.
    pub const RATE: u32 = 20_000;

    /// Whether this server has something of its own at a path.
    pub fn is_taken(path: &str) -> bool {
        let below = |own: &str| {
            path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        path == "/" || ["/-", "/api", "/metrics"].into_iter().any(below)
    }
}

/// Who may post to a receiver.
#[derive(Debug)]
pub enum Auth {
    /// Anyone: the config says so in words.
    Open,
    /// Whoever satisfies one of these.
    AnyOf(Vec<Method>),
}

/// One way to show that one may post. Each has several values, so that one can be replaced by
/// another while both are in use.
#[derive(Debug)]
pub enum Method {
    /// A header that holds a key.
    ApiKey {
        /// The header.
        header: HeaderName,
        /// Of the keys.
        keys: Vec<Fingerprint>,
    },
    /// `Authorization: Basic`
    Basic {
        /// Of what stands behind that word: user and password in base64.
        credentials: Vec<Fingerprint>,
    },
    /// `Authorization: Bearer`
    Bearer {
        /// Of the tokens.
        tokens: Vec<Fingerprint>,
    },
    /// `X-Hub-Signature-256`
    HubSignature {
        /// The keys that may have signed.
        keys: Vec<SigningKey>,
    },
    /// Standard Webhooks.
    StandardWebhooks {
        /// The keys that may have signed.
        keys: Vec<SigningKey>,
    },
}

/// What a secret is known again by: its SHA-256. The secret itself is not kept.
#[derive(Clone, Copy)]
pub struct Fingerprint([u8; SHA256_OUTPUT_LEN]);

impl Fingerprint {
    /// Of a secret.
    pub fn of(secret: &[u8]) -> Self {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        for (to, from) in bytes.iter_mut().zip(digest(&SHA256, secret).as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// Whether both are of one secret, in a time that tells nothing of where they differ.
    pub fn is(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_shows() {
        assert_eq!(format!("{:?}", Fingerprint::of(b"hunter2")), "Fingerprint(…)");
    }

    #[test]
    fn our_own_paths_are_taken() {
        for path in ["/", "/metrics", "/api", "/api/v1/events", "/-/reload"] {
            assert!(Receiver::is_taken(path), "{path}");
        }
        for path in ["/hooks/genesys", "/metricsx", "/apis", "/-x"] {
            assert!(!Receiver::is_taken(path), "{path}");
        }
    }
}

//! The chain that a server presented, with what came of judging it, and the session around it.

use jiff::Timestamp;
use serde::Serialize;

use super::certificate::Certificate;
use super::quoted::Quoted;
use super::verification::Verification;

/// The chain that one server presented in one handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// In the order in which they came, leaf first.
    pub certificates: Vec<Certificate>,
    /// What came of judging them.
    pub verification: Verification,
}

impl Chain {
    /// Whether a verdict of one time is that of another.
    ///
    /// Signatures, names and rules do not change; dates do. The verdict is the same as long as no
    /// presented certificate has begun or ended in between, to the second, as paths are judged.
    pub fn holds(&self, judged_at: Timestamp, now: Timestamp) -> bool {
        let (then, now) = (judged_at.as_second(), now.as_second());
        self.certificates.iter().all(|certificate| {
            certificate.facts.as_ref().is_some_and(|facts| {
                let (start, end) = (facts.not_before.as_second(), facts.not_after.as_second());
                (then >= start) == (now >= start) && (then > end) == (now > end)
            })
        })
    }

    /// The server's own certificate.
    pub fn leaf(&self) -> Option<&Certificate> {
        self.certificates.first()
    }
}

/// What a TLS handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: &'static str,
    /// As IANA names it: `TLS13_AES_128_GCM_SHA256`.
    pub cipher: &'static str,
    /// The key exchange group: `X25519`.
    pub key_exchange: Option<&'static str>,
    /// The application protocol that the server chose.
    pub alpn: Option<Quoted>,
    /// The server asked for another key share first, which costs a round trip.
    pub hello_retry: bool,
}

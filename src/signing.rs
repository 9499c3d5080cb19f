//! Keys that messages are signed with, and how Standard Webhooks signs:
//! <https://www.standardwebhooks.com>.

use std::fmt;
use std::ops::RangeBounds;

use aws_lc_rs::hmac;
use base64::prelude::{BASE64_STANDARD, Engine};

/// What stands before a secret of Standard Webhooks.
const SECRET_PREFIX: &str = "whsec_";

/// A key that both sides have: HMAC-SHA-256.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// From the secret.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// From the text of a secret of Standard Webhooks, `whsec_` and base64, with so many bytes
    /// in it.
    pub fn standard(text: &str, bytes: impl RangeBounds<usize>) -> Option<Self> {
        Self::from_base64(text.strip_prefix(SECRET_PREFIX)?, bytes)
    }

    /// From such a text without `whsec_`, as some programs show it.
    pub fn from_base64(text: &str, bytes: impl RangeBounds<usize>) -> Option<Self> {
        let secret = BASE64_STANDARD.decode(text).ok()?;
        bytes.contains(&secret.len()).then(|| Self::new(&secret))
    }

    /// What these parts are signed with, one behind the other.
    pub fn sign(&self, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        context.sign()
    }

    /// A signature of Standard Webhooks, as it stands behind `v1,`.
    pub fn sign_message(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        BASE64_STANDARD.encode(self.sign(&parts))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn the_published_example() {
        let key = SigningKey::standard("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 24..).unwrap();
        let body = b"{\"test\": 2432232314}";
        let signed = key.sign_message("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body);
        assert_eq!(signed, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_of_standard_webhooks_says_so_and_has_its_length() {
        let read = |text| SigningKey::standard(text, 4..=6).is_some();
        assert!(read("whsec_YWJjZGU="));
        for bad in ["", "YWJjZGU=", "whsec_", "whsec_?", "whsec_YWJj", "whsec_YWJjZGVmZw=="] {
            assert!(!read(bad), "{bad}");
        }
    }

    #[test]
    fn no_secret_shows() {
        assert_eq!(format!("{:?}", SigningKey::new(b"hunter2")), "SigningKey(…)");
    }
}

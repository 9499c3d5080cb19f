//! How a request shows who sends it.

use std::io::Write as _;

use crate::signing::SigningKey;

/// One way to show it.
#[derive(Debug)]
pub enum Signer {
    /// Not at all.
    Nobody,
    /// A header that holds a key.
    ApiKey {
        /// The header.
        header: String,
        /// The key.
        key: String,
    },
    /// Standard Webhooks.
    StandardWebhooks(Box<SigningKey>),
}

/// A secret that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret of Standard Webhooks is base64, with or without whsec_ before it")]
pub struct SecretError;

impl Signer {
    /// Standard Webhooks with the secret of this text.
    pub fn standard_webhooks(secret: &str) -> Result<Self, SecretError> {
        let secret = secret.trim();
        let key = SigningKey::standard(secret, 1..);
        let key = key.or_else(|| SigningKey::from_base64(secret, 1..)).ok_or(SecretError)?;
        Ok(Self::StandardWebhooks(Box::new(key)))
    }

    /// Appends the header lines.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8], head: &mut Vec<u8>) {
        // Writing to memory does not fail.
        match self {
            Self::Nobody => {}
            Self::ApiKey { header, key } => drop(write!(head, "{header}: {key}\r\n")),
            Self::StandardWebhooks(key) => {
                let signature = key.sign_message(id, &timestamp.to_string(), body);
                drop(write!(
                    head,
                    "webhook-id: {id}\r\nwebhook-timestamp: {timestamp}\r\n\
                     webhook-signature: v1,{signature}\r\n"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // The example of the specification's reference libraries.
        let signer = Signer::standard_webhooks("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let mut head = Vec::new();
        let body = b"{\"test\": 2432232314}";
        signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body, &mut head);
        let head = String::from_utf8(head).unwrap();
        let signature = "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\n";
        assert!(head.ends_with(signature), "{head}");
    }

    #[test]
    fn a_secret_is_base64() {
        for bad in ["", "whsec_", "whsec_?", "not base64"] {
            assert_eq!(Signer::standard_webhooks(bad).unwrap_err(), SecretError, "{bad:?}");
        }
    }
}

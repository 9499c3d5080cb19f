//! Who sent a message: signatures of Standard Webhooks.

use crate::signing::SigningKey;

/// The value of `webhook-signature`: one for each key, so that a receiver may change its own at
/// its leisure.
pub fn sign(keys: &[SigningKey], id: &str, timestamp: i64, body: &str) -> String {
    let timestamp = timestamp.to_string();
    let sign = |key: &SigningKey| key.sign_message(id, &timestamp, body.as_bytes());
    let signatures = keys.iter().map(|key| format!("v1,{}", sign(key)));
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_signs() {
        let keys = [b"one", b"two"].map(|secret| SigningKey::new(secret));
        let [one, two] = keys.each_ref().map(|key| key.sign_message("m", "7", b"{}"));
        assert_eq!(sign(&keys, "m", 7, "{}"), format!("v1,{one} v1,{two}"));
    }
}

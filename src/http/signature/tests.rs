use http::HeaderValue;
use proptest::prelude::*;

use super::*;

const SECRET: &[u8] = b"0123456789abcdef";
const BODY: &[u8] = b"{\"conversationId\":\"c-1\"}";

fn now() -> Timestamp {
    Timestamp::from_second(1_795_262_400).unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

/// Whether a request gets in, as a receiver asks.
fn admits(auth: &Auth, headers: &HeaderMap, body: &[u8]) -> bool {
    match sender(auth, headers, now()) {
        Sender::Known => true,
        Sender::Claimed(claims) => {
            claims.iter().fold(false, |held, claim| held | claim.holds(body))
        }
        Sender::Unknown | Sender::Stale => false,
    }
}

fn keys(secrets: &[&[u8]]) -> Vec<SigningKey> {
    secrets.iter().map(|secret| SigningKey::new(secret)).collect()
}

fn hub() -> Auth {
    Auth::AnyOf(vec![Method::HubSignature { keys: keys(&[b"another-secret-16", SECRET]) }])
}

fn standard_webhooks() -> Auth {
    Auth::AnyOf(vec![Method::StandardWebhooks { keys: keys(&[b"another-secret-16", SECRET]) }])
}

fn signed(id: &str, at: i64) -> String {
    let at = at.to_string();
    let parts = [id.as_bytes(), b".", at.as_bytes(), b".", BODY];
    format!("v1,{}", BASE64_STANDARD.encode(SigningKey::new(SECRET).sign(&parts)))
}

#[test]
fn a_key_gets_in_as_itself_alone() {
    let values = [b"first-key-of-two".as_slice(), b"second-key-of-two"].map(Fingerprint::of);
    let header = HeaderName::from_static("x-api-key");
    let auth = Auth::AnyOf(vec![Method::ApiKey { header, keys: values.to_vec() }]);
    for (given, expected) in [
        ("first-key-of-two", true),
        ("second-key-of-two", true),
        ("first-key-of-tw", false),
        ("first-key-of-two ", false),
        ("First-key-of-two", false),
        ("", false),
    ] {
        assert_eq!(admits(&auth, &headers(&[("x-api-key", given)]), BODY), expected, "{given:?}");
    }
    let twice = headers(&[("x-api-key", "first-key-of-two"), ("x-api-key", "first-key-of-two")]);
    assert!(!admits(&auth, &twice, BODY), "of two, nobody can say which one counts");
    assert!(matches!(sender(&auth, &headers(&[]), now()), Sender::Unknown));
}

#[test]
fn authorization_is_read_by_its_scheme() {
    let basic = BASE64_STANDARD.encode("eventbridge:a-long-password");
    let auth = Auth::AnyOf(vec![
        Method::Basic { credentials: vec![Fingerprint::of(basic.as_bytes())] },
        Method::Bearer { tokens: vec![Fingerprint::of(b"a-long-enough-token")] },
    ]);
    for (given, expected) in [
        (format!("Basic {basic}"), true),
        (format!("basic {basic}"), true),
        ("Bearer a-long-enough-token".to_owned(), true),
        (format!("Bearer {basic}"), false),
        ("Basic a-long-enough-token".to_owned(), false),
        ("a-long-enough-token".to_owned(), false),
        ("Bearer".to_owned(), false),
    ] {
        assert_eq!(
            admits(&auth, &headers(&[("authorization", &given)]), BODY),
            expected,
            "{given}"
        );
    }
}

#[test]
fn a_hub_signature_is_taken_in_both_spellings() {
    let tag = SigningKey::new(SECRET).sign(&[BODY]);
    let (hex, base64) = (hexadecimal(tag.as_ref()), BASE64_STANDARD.encode(tag));
    for (given, expected) in [
        (format!("sha256={hex}"), true),
        (format!("sha256={base64}"), true),
        (format!("sha256={}", hex.to_uppercase()), false),
        (format!("sha1={hex}"), false),
        (hex, false),
        ("sha256=".to_owned(), false),
    ] {
        let headers = headers(&[("x-hub-signature-256", &given)]);
        assert_eq!(admits(&hub(), &headers, BODY), expected, "{given}");
    }
}

/// RFC 4231, test case 2: that the keys are used as everybody uses them.
#[test]
fn a_published_vector_holds() {
    let tag = SigningKey::new(b"Jefe").sign(&[b"what do ya want ", b"for nothing?"]);
    let published = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hexadecimal(tag.as_ref()), published);
}

#[test]
fn standard_webhooks_hold_for_five_minutes_to_either_side() {
    let second = now().as_second();
    for (at, expected) in
        [(0, true), (-300, true), (300, true), (-301, false), (301, false), (i64::MAX / 2, false)]
    {
        let at = second.saturating_add(at);
        let (signature, text) = (signed("msg_1", at), at.to_string());
        let headers = headers(&[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", &text),
            ("webhook-signature", &signature),
        ]);
        assert_eq!(admits(&standard_webhooks(), &headers, BODY), expected, "{at}");
        let stale = matches!(sender(&standard_webhooks(), &headers, now()), Sender::Stale);
        assert_eq!(stale, !expected, "{at}");
    }
}

#[test]
fn one_of_several_signatures_is_enough() {
    let at = now().as_second();
    let (good, text) = (signed("msg_1", at), at.to_string());
    for (signatures, expected) in [
        (format!("v1,AAAA {good}"), true),
        (format!("v1a,AAAA v2,x {good} v1,BBBB"), true),
        (good.replace("v1,", "v1a,"), false),
        (good.replace("v1,", ""), false),
        (format!("{}{good}", "v1,x ".repeat(16)), false),
        (String::new(), false),
    ] {
        let headers = headers(&[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", &text),
            ("webhook-signature", &signatures),
        ]);
        assert_eq!(admits(&standard_webhooks(), &headers, BODY), expected, "{signatures}");
    }
}

#[test]
fn without_its_headers_no_signature_is_waited_for() {
    for auth in [hub(), standard_webhooks()] {
        assert!(matches!(sender(&auth, &headers(&[]), now()), Sender::Unknown));
    }
    for timestamp in ["+1795262400", "-1", "", "1795262400.5", " 1795262400"] {
        let headers = headers(&[
            ("webhook-id", "m"),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", "v1,x"),
        ]);
        assert!(matches!(sender(&standard_webhooks(), &headers, now()), Sender::Unknown));
    }
}

/// Another byte in the place of one.
fn with_another_byte(text: &str, at: prop::sample::Index, by: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at.index(bytes.len());
    bytes[at] ^= by;
    let other = String::from_utf8(bytes).ok()?;
    // What no header can hold never gets so far; blanks at its ends are not part of a value.
    let header = HeaderValue::from_str(&other).is_ok_and(|value| value.to_str().is_ok());
    (header && other.trim() == other).then_some(other)
}

proptest! {
    #[test]
    fn every_other_byte_of_a_body_is_refused(at in any::<prop::sample::Index>(), by in 1_u8..) {
        let mut body = BODY.to_vec();
        body[at.index(BODY.len())] ^= by;
        let tag = SigningKey::new(SECRET).sign(&[BODY]);
        for signature in [hexadecimal(tag.as_ref()), BASE64_STANDARD.encode(tag)] {
            let headers = headers(&[("x-hub-signature-256", &format!("sha256={signature}"))]);
            prop_assert!(admits(&hub(), &headers, BODY) && !admits(&hub(), &headers, &body));
        }
        let (second, text) = (now().as_second(), now().as_second().to_string());
        let headers = headers(&[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", &text),
            ("webhook-signature", &signed("msg_1", second)),
        ]);
        prop_assert!(admits(&standard_webhooks(), &headers, BODY));
        prop_assert!(!admits(&standard_webhooks(), &headers, &body));
    }

    #[test]
    fn every_other_byte_of_a_header_is_refused(at in any::<prop::sample::Index>(), by in 1_u8.., which in 0..3_usize) {
        let second = now().as_second();
        let mut values = ["msg_1".to_owned(), second.to_string(), signed("msg_1", second)];
        let Some(other) = with_another_byte(&values[which], at, by) else { return Ok(()) };
        values[which] = other;
        let [id, timestamp, signature] = &values;
        let headers = headers(&[
            ("webhook-id", id),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signature),
        ]);
        prop_assert!(!admits(&standard_webhooks(), &headers, BODY), "{:?}", values);
    }

    #[test]
    fn every_other_byte_of_a_hub_signature_is_refused(at in any::<prop::sample::Index>(), by in 1_u8.., hex: bool) {
        let tag = SigningKey::new(SECRET).sign(&[BODY]);
        let text = if hex { hexadecimal(tag.as_ref()) } else { BASE64_STANDARD.encode(tag) };
        let Some(other) = with_another_byte(&format!("sha256={text}"), at, by) else { return Ok(()) };
        prop_assert!(!admits(&hub(), &headers(&[("x-hub-signature-256", &other)]), BODY));
    }
}

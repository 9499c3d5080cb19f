//! Frames as official clients know them, and others.

use proptest::prelude::*;

use serde_json::json;
use std::collections::BTreeMap;

use super::*;

fn heard(text: &str, awaited: Awaited<'_>) -> Heard {
    Envelope::read(text).unwrap().heard(awaited, "t-1")
}

fn refused(text: &str) -> (Trouble, Option<u32>, String) {
    match heard(text, Awaited::Session) {
        Heard::Refused(Refused { trouble, code, said }) => (trouble, code, said.to_string()),
        other => panic!("{other:?} of {text}"),
    }
}

#[test]
fn the_awaited_answer_is_known_by_its_class_and_its_question() {
    let configuration = r#"{"type":"response","class":"GetConfigurationResponse","code":200,"body":{"maxCustomDataBytes":2048}}"#;
    assert!(matches!(heard(configuration, Awaited::Configuration), Heard::Awaited(_)));
    assert_eq!(heard(configuration, Awaited::Session), Heard::Other);
    let earlier = configuration.replace("\"body\"", "\"tracingId\":\"t-0\",\"body\"");
    assert_eq!(heard(&earlier, Awaited::Configuration), Heard::Other);
    let mine = earlier.replace("t-0", "t-1");
    assert!(matches!(heard(&mine, Awaited::Configuration), Heard::Awaited(_)));
    let late = r#"{"class":"string","code":4007,"body":"no","tracingId":"t-0"}"#;
    assert_eq!(heard(late, Awaited::Session), Heard::Other, "of an earlier question");
}

#[test]
fn an_echo_is_ones_own_text() {
    let echo = |way: &str, tracing: &str| {
        format!(
            r#"{{"type":"response","class":"StructuredMessage","code":200,"body":{{"text":"ping","type":"Text"{way},"id":"m-1"}}{tracing}}}"#
        )
    };
    let is_mine = |text: &str| matches!(heard(text, Awaited::Echo("ping")), Heard::Awaited(_));
    assert!(is_mine(&echo(",\"direction\":\"Inbound\"", ",\"tracingId\":\"t-1\"")));
    assert!(is_mine(&echo("", "")), "without anything but the text");
    assert!(!is_mine(&echo(",\"direction\":\"Outbound\"", "")), "somebody else says the same");
    assert!(!is_mine(&echo("", "").replace("ping", "pong")));
    let Heard::Awaited(envelope) = heard(&echo("", ""), Awaited::Echo("ping")) else { panic!() };
    assert_eq!(envelope.id().unwrap().as_str(), "m-1");
}

#[test]
fn every_code_has_its_meaning() {
    for (code, trouble) in [
        (400, Trouble::BadRequest),
        (404, Trouble::DeploymentUnknown),
        (408, Trouble::TimedOut),
        (429, Trouble::Throttled),
        (500, Trouble::ServerError),
        (503, Trouble::ServerError),
        (4000, Trouble::Unavailable),
        (4001, Trouble::Attachment),
        (4002, Trouble::Attachment),
        (4003, Trouble::Attachment),
        (4004, Trouble::Attachment),
        (4005, Trouble::Attachment),
        (4006, Trouble::SessionExpired),
        (4007, Trouble::SessionNotFound),
        (4008, Trouble::Attachment),
        (4009, Trouble::Attachment),
        (4010, Trouble::Attachment),
        (4011, Trouble::TooLong),
        (4013, Trouble::AttributesTooLarge),
        (4017, Trouble::Authenticated),
        (4020, Trouble::BadRequest),
        (4029, Trouble::Throttled),
        (4102, Trouble::Attachment),
        (5000, Trouble::ServerError),
        (418, Trouble::Error),
        (4999, Trouble::Error),
    ] {
        let text = format!(r#"{{"type":"response","class":"string","code":{code},"body":"why"}}"#);
        assert_eq!(refused(&text), (trouble, Some(code), "why".to_owned()));
    }
}

#[test]
fn guests_may_have_to_be_known() {
    let error =
        |code: u32, said: &str| format!(r#"{{"class":"string","code":{code},"body":"{said}"}}"#);
    for (code, said) in
        [(401, ""), (403, "Session authentication failed"), (403, "HTTP authorization error")]
    {
        let heard = heard(&error(code, said), Awaited::Session);
        assert_eq!(heard, Heard::NeedsAuthentication(Quoted::text(said)));
    }
    let switched_off = error(403, "Turn on the Feature Toggle or fix the configuration.");
    assert_eq!(refused(&switched_off).0, Trouble::Unavailable);
}

#[test]
fn events_and_limits_are_told_in_their_own_ways() {
    for body in [r#"{"reason":"signedIn"}"#, r#"{"reasonCode":"signedIn"}"#] {
        let text = format!(
            r#"{{"type":"message","class":"ConnectionClosedEvent","code":200,"body":{body}}}"#
        );
        assert_eq!(refused(&text), (Trouble::ConnectionClosed, None, "signedIn".to_owned()));
    }
    let text = r#"{"class":"TooManyRequestsErrorMessage","code":429,"body":{"retryAfter":3,"errorCode":4029,"errorMessage":"Message rate too high"}}"#;
    let said = "Message rate too high, retry after 3 s".to_owned();
    assert_eq!(refused(text), (Trouble::Throttled, Some(4029), said));
    let text = r#"{"class":"TooManyRequestsErrorMessage","code":429,"body":"?"}"#;
    assert_eq!(refused(text).1, Some(429));
    let text = r#"{"type":"message","class":"SessionExpiredEvent","code":200,"body":{}}"#;
    assert_eq!(refused(text).0, Trouble::SessionExpired);
    let text = r#"{"class":"Error","code":"4000","body":{"errorMessage":"off"}}"#;
    assert_eq!(refused(text), (Trouble::Unavailable, Some(4000), "off".to_owned()));
}

#[test]
fn what_is_not_known_is_passed_over_and_what_is_no_envelope_is_none() {
    for text in [
        r#"{"class":"BrandNewEvent","code":200,"body":{"x":1},"later":true}"#,
        r#"{"class":"StructuredMessage","code":200,"body":{"type":"Event"}}"#,
        r#"{"class":"JwtResponse","body":7}"#,
        r#"{"class":"string","code":200,"body":"fine"}"#,
    ] {
        assert_eq!(heard(text, Awaited::Session), Heard::Other, "{text}");
    }
    for text in [
        "",
        "pong",
        "[]",
        "{}",
        r#"{"message":"Internal server error","connectionId":"x","requestId":"y"}"#,
        r#"{"class":1,"code":200}"#,
        r#"{"class":"string","code":-1}"#,
        r#"{"class":"string","code":"many"}"#,
        r#"{"class":"string","code":[]}"#,
        &format!("{{\"class\":\"x\",\"body\":{}", "[".repeat(50_000)),
    ] {
        assert_eq!(Envelope::read(text), None, "{text:.60}");
    }
}

#[test]
fn a_session_tells_what_it_is_like() {
    let session = |body: &str| {
        let text = format!(r#"{{"class":"SessionResponse","code":200,"body":{body}}}"#);
        Envelope::read(&text).unwrap().session()
    };
    let plain = Session { read_only: false, auto_started: false };
    assert_eq!(session("{}"), plain);
    assert_eq!(session(r#"{"readOnly":true}"#), Session { read_only: true, ..plain });
    assert_eq!(session(r#"{"readOnly":"true"}"#), Session { read_only: true, ..plain });
    assert_eq!(session(r#"{"autoStarted":true}"#), Session { auto_started: true, ..plain });
    assert_eq!(session("null"), plain);
}

#[test]
fn requests_are_flat_and_name_their_guest() {
    let guest = Guest { deployment: "d-1", token: "g-1" };
    let attributes = BTreeMap::from([("a".to_owned(), "\"}b".to_owned())]);
    for (text, action, pointer, value) in [
        (guest.configuration("t"), "getConfiguration", "/deploymentId", json!("d-1")),
        (guest.session("t", true), "configureSession", "/startNew", json!(true)),
        (guest.echo("t", "ping"), "echo", "/message/text", json!("ping")),
        (
            guest.message("t", "hi", &attributes),
            "onMessage",
            "/message/channel/metadata/customAttributes/a",
            json!("\"}b"),
        ),
        (guest.close("t"), "closeSession", "/closeAllConnections", json!(true)),
    ] {
        let request: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(request["action"], action);
        assert_eq!((&request["token"], &request["tracingId"]), (&json!("g-1"), &json!("t")));
        assert_eq!(request.pointer(pointer), Some(&value), "{text}");
    }
}

#[test]
fn only_urls_of_genesys_cloud_name_a_deployment_by_themselves() {
    let id = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
    let of = |url: &str| deployment_of(&url.parse().unwrap()).map(|id| id.to_string());
    for host in ["webmessaging.mypurecloud.ie", "webmessaging.usw2.pure.cloud"] {
        assert_eq!(of(&format!("wss://{host}/v1?a=b&deploymentId={id}")), Some(id.to_owned()));
    }
    for url in [
        "wss://webmessaging.mypurecloud.ie/v1".to_owned(),
        "wss://webmessaging.mypurecloud.ie/v1?deploymentId=x".to_owned(),
        format!("wss://webmessaging.mypurecloud.ie.evil.example/v1?deploymentId={id}"),
        format!("wss://evilwebmessaging.mypurecloud.ie/v1?deploymentId={id}"),
        format!("wss://api.mypurecloud.ie/v1?deploymentId={id}"),
        format!("wss://127.0.0.1/v1?deploymentId={id}"),
    ] {
        assert_eq!(of(&url), None, "{url}");
    }
    let elsewhere = format!("ws://127.0.0.1:1/v1?deploymentId={id}").parse().unwrap();
    assert_eq!(deployment_in(&elsewhere).unwrap().as_str(), id);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}", class in "[A-Za-z]{0,12}", code in 0..70_000_u32) {
        Envelope::read(&text);
        let framed = json!({ "class": class, "code": code, "body": text }).to_string();
        let envelope = Envelope::read(&framed).unwrap();
        if let Heard::Refused(refused) = envelope.heard(Awaited::Configuration, "t-1") {
            prop_assert!(code >= 400 || class == "Error");
            prop_assert!(refused.to_string().chars().count() < 600);
        }
    }
}

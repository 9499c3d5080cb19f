//! Events in every shape: whatever comes is read or refused, and what is kept is bounded.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use watchpost::event::AnalyticsEvent;
use watchpost::event::fault::Fault;
use watchpost::event::parse::{CloudEvent, Headers, parse};
use watchpost::event::project::project;

/// Headers as `id|source|type|time|webhook-id`; without any, an empty line.
fn headers(line: &str) -> Headers<'_> {
    let parts: Vec<_> = line.split('|').collect();
    match parts.as_slice() {
        [id, source, kind, time, webhook_id] => Headers {
            webhook_id: Some(webhook_id),
            webchat_health: false,
            cloud_event: Some(CloudEvent { id, source, kind, time: Some(time) }),
        },
        [webhook_id, "health"] => {
            Headers { webhook_id: Some(webhook_id), webchat_health: true, cloud_event: None }
        }
        _ => Headers::default(),
    }
}

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let first = String::from_utf8_lossy(&input[..end]).into_owned();
    let headers = headers(&first);
    let body = input.get(end + 1..).unwrap_or_default();
    let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let parsed = parse(&headers, body, now);
    assert_eq!(parse(&headers, body, now), parsed);
    // JSON that is no object, and what is no JSON, are told apart; two fields alike are neither.
    let value = serde_json::from_slice::<serde_json::Value>(body);
    match &parsed {
        Err(Fault::NotObject) => assert!(!value.is_ok_and(|value| value.is_object())),
        Ok(parsed) => {
            let event = &parsed.event;
            let lag = now.duration_since(event.at).as_secs();
            assert!((-300..=7 * 86_400).contains(&lag), "{}", event.at);
            assert!(!parsed.time_corrected || event.at == now);
            let text = serde_json::to_string(event).unwrap();
            assert!(text.is_ascii() && text.len() < 8 * 1024, "{text}");
            assert_eq!(serde_json::from_str::<AnalyticsEvent>(&text).unwrap(), *event);
            // The envelope that everything else lies in changes nothing but what it tells itself.
            if let Ok(body) = std::str::from_utf8(body) {
                let source = "\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"b\"";
                let wrapped = format!("{{{source},\"data\":{body}}}");
                let again = parse(&Headers::default(), wrapped.as_bytes(), now);
                if let Ok(again) = again
                    && headers.cloud_event.is_none()
                    && !headers.webchat_health
                {
                    assert_eq!(again.event.conversation, event.conversation);
                    assert_eq!((again.event.kind, again.event.at), (event.kind, event.at));
                }
            }
        }
        Err(_) => {}
    }
    if let Some(kept) = project(body) {
        assert!(kept.is_ascii() && kept.len() <= 16 * 1024);
        assert_eq!(project(&kept).as_ref(), Some(&kept), "{}", String::from_utf8_lossy(&kept));
    }
});

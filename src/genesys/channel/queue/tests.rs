use serde_json::json;

use super::*;
use crate::event::AnalyticsEvent;
use crate::event::parse::{Headers, parse};
use crate::event::word::{Direction, Disconnect, Kind, Media as Over, MessageType};
use crate::genesys::channel::transition;

const QUEUE: &str = "40e0e000-0000-4000-8000-000000000001";

fn now() -> Timestamp {
    "2026-11-21T12:10:00Z".parse().unwrap()
}

/// A frame of the topic of a queue's messages, as the official SDK's model has it.
fn messages(participants: Value) -> String {
    json!({
        "topicName": format!("v2.routing.queues.{QUEUE}.conversations.messages"), "version": "2",
        "eventBody": { "id": "c-1", "name": "Ada Lovelace", "participants": participants,
            "otherMediaUris": [], "divisions": [{ "division": { "id": "d" } }] },
        "metadata": { "CorrelationId": "x" },
    })
    .to_string()
}

fn customer(more: Value) -> Value {
    with(
        json!({ "id": "p-1", "name": "Ada", "address": "guest", "purpose": "customer",
            "startTime": "2026-11-21T12:00:00.250Z", "connectedTime": "2026-11-21T12:00:00.300Z",
            "state": "connected", "direction": "inbound", "type": "webmessaging", "held": false,
            "provider": "PureCloud Webchat V2", "attributes": { "context.email": "ada@example.org" },
            "messages": [{ "messageId": "m", "messageStatus": "received" }] }),
        more,
    )
}

fn acd(more: Value) -> Value {
    with(
        json!({ "id": "p-2", "name": "Sales", "purpose": "acd", "queue": { "id": QUEUE },
            "startTime": "2026-11-21T12:01:00Z", "connectedTime": "2026-11-21T12:01:00Z",
            "state": "connected", "direction": "inbound", "type": "webmessaging" }),
        more,
    )
}

fn with(mut value: Value, more: Value) -> Value {
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

fn events(text: &str) -> Option<Vec<AnalyticsEvent>> {
    let frame: Value = serde_json::from_str(text).unwrap();
    let topic = Key::new(frame["topicName"].as_str().unwrap()).unwrap();
    let frames = Conversations::of(&topic).unwrap().frames(text, now())?;
    let event = |frame: &Value| {
        let event = parse(&Headers::default(), &serde_json::to_vec(frame).unwrap(), now()).unwrap();
        AnalyticsEvent { id: transition::id(&event.event).unwrap(), ..event.event }
    };
    Some(frames.iter().map(event).collect())
}

fn kinds(events: &[AnalyticsEvent]) -> Vec<Kind> {
    events.iter().map(|event| event.kind).collect()
}

#[test]
fn a_conversation_is_told_step_by_step_and_each_step_is_known_again() {
    let ended = json!({ "state": "disconnected", "endTime": "2026-11-21T12:05:00Z",
        "disconnectType": "peer" });
    let moved = json!({ "state": "terminated", "endTime": "2026-11-21T12:02:00Z",
        "disconnectType": "transfer" });
    let agent = json!({ "id": "p-3", "purpose": "agent", "user": { "id": "u" },
        "startTime": "2026-11-21T12:02:00Z", "state": "connected", "type": "webmessaging" });
    let steps = [
        messages(json!([customer(json!({}))])),
        messages(json!([customer(json!({})), acd(json!({}))])),
        messages(json!([customer(json!({})), acd(moved.clone()), agent])),
        messages(json!([customer(ended.clone()), acd(moved), with(agent.clone(), ended)])),
    ];
    let mut known: Vec<AnalyticsEvent> = Vec::new();
    for (step, text) in steps.iter().enumerate() {
        for again in 0..2 {
            let news: Vec<_> = events(text)
                .unwrap()
                .into_iter()
                .filter(|event| known.iter().all(|known| known.id != event.id))
                .collect();
            let expected: &[Kind] = match (step, again) {
                (0, 0) => &[Kind::CustomerStart],
                (1, 0) => &[Kind::AcdStart],
                (2, 0) => &[Kind::AcdEnd, Kind::UserStart],
                (3, 0) => &[Kind::CustomerEnd, Kind::UserEnd],
                _ => &[],
            };
            assert_eq!(kinds(&news), expected, "step {step}, told {again} times before");
            known.extend(news);
        }
    }
    let [start, waited, .., end, _] = known.as_slice() else { panic!("{known:?}") };
    assert_eq!(start.at, "2026-11-21T12:00:00.25Z".parse().unwrap());
    assert_eq!(
        (start.media, start.message),
        (Some(Over::Message), Some(MessageType::WebMessaging))
    );
    assert_eq!(start.direction, Some(Direction::Inbound));
    assert_eq!(waited.queue.as_ref().unwrap().as_str(), QUEUE);
    assert_eq!(
        (end.at, end.disconnect),
        ("2026-11-21T12:05:00Z".parse().unwrap(), Some(Disconnect::Peer))
    );
    let kept = serde_json::to_string(&known).unwrap();
    assert!(!kept.contains("Ada") && !kept.contains("ada@") && !kept.contains("guest"), "{kept}");
}

#[test]
fn an_error_beside_the_end_is_how_it_ended_where_nobody_says_otherwise() {
    let end = |disconnect: Value, error: Value| {
        let more =
            json!({ "state": "disconnected", "disconnectType": disconnect, "errorInfo": error });
        events(&messages(json!([customer(more)]))).unwrap().pop().unwrap().disconnect
    };
    let error = || json!({ "code": "error.internal", "status": 500, "message": "it broke" });
    assert_eq!(end(json!("transport.failure"), json!(null)), Some(Disconnect::TransportFailure));
    assert_eq!(end(json!("system"), error()), Some(Disconnect::Error));
    assert_eq!(end(json!(null), error()), Some(Disconnect::Error));
    assert_eq!(end(json!("peer"), error()), Some(Disconnect::Peer), "the customer left");
    assert_eq!(end(json!("system"), json!(null)), Some(Disconnect::System));
    assert_eq!(end(json!(null), json!(null)), None);
    // While it goes on, an error is no end.
    let going = events(&messages(json!([customer(json!({ "errorInfo": error() }))]))).unwrap();
    assert_eq!(kinds(&going), [Kind::CustomerStart]);
}

#[test]
fn the_topic_of_every_medium_has_lists_of_each() {
    let text = |participants: Value| {
        json!({ "topicName": format!("v2.routing.queues.{QUEUE}.conversations"),
            "eventBody": { "id": "c-2", "participants": participants } })
        .to_string()
    };
    let message = |state: &str, more: Value| {
        with(
            json!({ "id": "s-1", "state": state, "direction": "inbound", "type": "webmessaging",
                "toAddress": { "addressNormalized": "3fa85f64-5717-4562-b3fc-2c963f66afa6" },
                "fromAddress": { "name": "Ada" }, "connectedTime": "2026-11-21T12:00:00Z" }),
            more,
        )
    };
    let part = |over: Value| {
        json!([with(
            json!({ "id": "p-1", "purpose": "customer", "connectedTime": "2026-11-21T12:00:01Z",
            "attributes": { "watchpost": "shop" } }),
            over,
        )])
    };
    let begun =
        events(&text(part(json!({ "messages": [message("connected", json!({}))] })))).unwrap();
    assert_eq!(kinds(&begun), [Kind::CustomerStart, Kind::Attributes]);
    assert_eq!(begun[0].at, "2026-11-21T12:00:00Z".parse().unwrap());
    assert!(begun[0].address_to.is_some());
    assert_eq!(begun[1].probe.as_ref().unwrap().as_str(), "shop");
    let broken = json!({ "disconnectedTime": "2026-11-21T12:03:00Z", "disconnectType": "timeout" });
    let broken = json!({ "messages": [message("disconnected", broken)] });
    let broken = events(&text(part(broken))).unwrap().pop().unwrap();
    assert_eq!((broken.kind, broken.disconnect), (Kind::CustomerEnd, Some(Disconnect::Timeout)));
    // One of two is over: the customer is still there.
    let two = json!({ "messages": [message("disconnected", json!({})), message("connected", json!({}))] });
    assert!(!kinds(&events(&text(part(two))).unwrap()).contains(&Kind::CustomerEnd));
    let call = json!({ "calls": [{ "id": "s", "state": "connected" }] });
    assert_eq!(events(&text(part(call))).unwrap()[0].media, Some(Over::Voice));
    // A shared screen alone is no conversation.
    let aside = json!({ "screenshares": [{ "id": "s", "state": "connected" }] });
    assert_eq!(events(&text(part(aside))), Some(vec![]));
}

#[test]
fn a_clock_ahead_is_held_back_and_what_is_no_conversation_tells_nothing() {
    let ahead = customer(json!({ "startTime": "2026-11-21T12:30:00Z", "connectedTime": null }));
    assert_eq!(events(&messages(json!([ahead]))).unwrap()[0].at, now());
    for rubbish in [
        json!([7, null, { "purpose": "customer" }, { "id": 7, "purpose": "customer" }]),
        json!([
            customer(json!({ "purpose": "fax" })),
            customer(json!({ "startTime": 7, "connectedTime": "soon" }))
        ]),
        json!("participants"),
    ] {
        assert_eq!(events(&messages(rubbish.clone())), Some(vec![]), "{rubbish}");
    }
    let topic = Key::new("v2.routing.queues.q.conversations.messages").unwrap();
    let read = |text: &str| Conversations::of(&topic).unwrap().frames(text, now());
    for text in
        ["", "[]", "{\"eventBody\":7}", "{\"eventBody\":{}}", "{\"eventBody\":{\"id\":\"a b\"}}"]
    {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn topics_of_queues_are_told_from_others() {
    let of = |name: &str| Conversations::of(&Key::new(name).unwrap()).map(|of| of.media);
    assert_eq!(of("v2.routing.queues.q.conversations"), Some(Media::Any));
    assert_eq!(of("v2.routing.queues.q.conversations.messages"), Some(Media::One("message")));
    assert_eq!(of("v2.routing.queues.q.conversations.calls"), Some(Media::One("voice")));
    assert_eq!(of("v2.routing.queues.q.conversations.videos"), Some(Media::Aside));
    for other in [
        "v2.routing.queues.q.users",
        "v2.routing.queues.q",
        "v2.analytics.queues.q.observations",
        "v2.routing.queues.q.conversationsx",
    ] {
        assert_eq!(of(other), None, "{other}");
    }
}

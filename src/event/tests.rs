//! Every shape, and what is made of it.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::fault::Fault;
use super::key::EventId;
use super::parse::{CloudEvent, Headers, Parsed, parse};
use super::word::{AcdOutcome, Direction, Disconnect, FlowExit, Kind, Media, MessageType};

const CONVERSATION: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const OTHER: &str = "0ce0c1b2-1111-4222-8333-0123456789ab";

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn of(headers: &Headers<'_>, body: &Value) -> Result<Parsed, Fault> {
    parse(headers, body.to_string().as_bytes(), now())
}

fn event(body: &Value) -> super::AnalyticsEvent {
    of(&Headers::default(), body).unwrap().event
}

/// A customer's end, as the contact centre writes it; a person in every field that can hold one.
fn customer_end() -> Value {
    json!({
        "eventTime": now().as_millisecond() - 1000,
        "conversationId": CONVERSATION,
        "participantId": "p-1",
        "sessionId": "s-1",
        "mediaType": "MESSAGE",
        "messageType": "WEBMESSAGING",
        "direction": "INBOUND",
        "addressTo": "d-1",
        "addressFrom": "Jane",
        "ani": "+4930123456",
        "dnis": "+4930123457",
        "subject": "Jane's order",
        "callbackUserName": "Jane Doe",
        "externalContactId": "Jane",
        "wrapupNotes": "Jane was angry",
        "disconnectType": "TRANSPORT_FAILURE",
        "interactingDurationMs": 12,
    })
}

fn frame(body: &Value) -> Value {
    let topic = format!("v2.detail.events.conversation.{CONVERSATION}.customer.end");
    json!({
        "topicName": topic, "version": "2", "eventBody": body,
        "metadata": { "CorrelationId": OTHER }, "timestamp": "2026-11-21T11:59:58.000Z",
    })
}

fn eventbridge(detail: &Value) -> Value {
    json!({
        "version": "0", "id": OTHER, "account": "1", "region": "eu-west-1", "resources": [],
        "detail-type": "v2.detail.events.conversation.{id}.customer.end",
        "source": "aws.partner/genesys.com/cloud/o/x", "time": "2026-11-21T11:59:57Z",
        "detail": detail,
    })
}

fn cloud_event(data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": "e-1", "source": "/relay",
        "type": "com.example.v2.detail.events.conversation.{id}.customer.end",
        "time": "2026-11-21T11:59:56Z", "datacontenttype": "application/json", "data": data,
    })
}

#[test]
fn every_shape_tells_the_same() {
    let bare = customer_end();
    let data = Value::String(frame(&bare).to_string());
    let mut encoded = cloud_event(&Value::Null);
    let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, frame(&bare).to_string());
    encoded["data_base64"] = Value::String(text);
    for body in [
        bare.clone(),
        frame(&bare),
        eventbridge(&frame(&bare)),
        eventbridge(&bare),
        cloud_event(&bare),
        cloud_event(&frame(&bare)),
        cloud_event(&eventbridge(&frame(&bare))),
        cloud_event(&data),
        encoded,
        json!({ "type": "customer.end", "timestamp": "2026-11-21T11:59:00Z", "data": bare }),
    ] {
        let parsed = of(&Headers::default(), &body).unwrap();
        let event = parsed.event;
        assert!(!parsed.time_corrected, "{body}");
        assert_eq!(event.kind, Kind::CustomerEnd, "{body}");
        assert_eq!(event.at.as_millisecond(), now().as_millisecond() - 1000, "{body}");
        assert_eq!(event.conversation.as_ref().unwrap().as_str(), CONVERSATION);
        assert_eq!(event.participant.as_ref().unwrap().as_str(), "p-1");
        assert_eq!(event.session.as_ref().unwrap().as_str(), "s-1");
        assert_eq!(event.address_to.as_ref().unwrap().as_str(), "d-1");
        assert_eq!(event.media, Some(Media::Message));
        assert_eq!(event.message, Some(MessageType::WebMessaging));
        assert_eq!(event.direction, Some(Direction::Inbound));
        assert_eq!(event.disconnect, Some(Disconnect::TransportFailure));
        let kept = serde_json::to_string(&event).unwrap();
        assert!(!kept.contains("Jane") && !kept.contains("4930"), "{kept}");
    }
}

#[test]
fn an_event_is_known_again_by_its_senders_id() {
    let bare = customer_end();
    let eventbridge_id = EventId::of([b"eventbridge".as_slice(), OTHER.as_bytes()]);
    let cloud_id = EventId::of([b"cloudevents".as_slice(), b"/relay", b"e-1"]);
    let webhook_id = EventId::of([b"standard-webhooks".as_slice(), b"msg_1"]);
    assert_eq!(event(&eventbridge(&frame(&bare))).id, eventbridge_id);
    assert_eq!(event(&cloud_event(&eventbridge(&bare))).id, cloud_id);
    let headers = Headers { webhook_id: Some("msg_1"), ..Headers::default() };
    assert_eq!(of(&headers, &bare).unwrap().event.id, webhook_id);
    assert_eq!(of(&headers, &eventbridge(&bare)).unwrap().event.id, eventbridge_id);
    let binary = CloudEvent { id: "e-1", source: "/relay", kind: "x", time: None };
    let headers = Headers { cloud_event: Some(binary), ..headers };
    assert_eq!(of(&headers, &eventbridge(&bare)).unwrap().event.id, cloud_id);
}

#[test]
fn without_an_id_the_facts_make_it() {
    let bare = customer_end();
    let id = event(&frame(&bare)).id;
    let mut again = frame(&bare);
    again["metadata"] = json!({ "CorrelationId": "another" });
    again["eventBody"]["subject"] = json!("another");
    assert_eq!(event(&again).id, id, "the same event, written otherwise");
    for (field, value) in [
        ("conversationId", json!("another")),
        ("participantId", json!("another")),
        ("sessionId", json!("another")),
        ("eventTime", json!(now().as_millisecond())),
    ] {
        let mut other = frame(&bare);
        other["eventBody"][field] = value;
        assert_ne!(event(&other).id, id, "{field}");
    }
    let changed = |version: &str| {
        let topic = "v2.webdeployments.configurations.k";
        event(&json!({ "topicName": topic, "eventBody": { "id": "k", "version": version } })).id
    };
    assert_ne!(changed("1"), changed("2"), "nothing but the body tells these apart");
}

#[test]
fn a_binary_cloud_event_tells_in_its_headers() {
    let mut body = customer_end();
    body["eventTime"] = Value::Null;
    let kind = "v2.detail.events.conversation.{id}.customer.end";
    let time = "2026-11-21T11:59:55Z";
    let headers = CloudEvent { id: "e", source: "s", kind, time: Some(time) };
    let headers = Headers { cloud_event: Some(headers), ..Headers::default() };
    let event = of(&headers, &body).unwrap().event;
    assert_eq!((event.kind, event.at), (Kind::CustomerEnd, time.parse().unwrap()));
}

#[test]
fn the_seed_documents_event_is_read() {
    let body = json!({
        "event": "routing:conversation:analytic", "conversationId": CONVERSATION,
        "channelType": "webchat", "timestamp": "2026-11-21T11:59:55.000Z",
        "disconnectType": "error",
    });
    let read = event(&body);
    assert_eq!((read.kind, read.media), (Kind::Analytic, Some(Media::Chat)));
    assert_eq!(read.disconnect, Some(Disconnect::Error));
    assert_eq!(read.at, "2026-11-21T11:59:55Z".parse().unwrap());
    let health = Headers { webchat_health: true, ..Headers::default() };
    let unnamed = json!({ "data": { "conversationId": CONVERSATION } });
    assert_eq!(of(&health, &unnamed).unwrap().event.kind, Kind::Analytic);
}

#[test]
fn a_field_of_a_wrong_kind_counts_as_absent() {
    let wrong = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!("two words"),
        json!(""),
        json!("x".repeat(129)),
        json!([1, { "a": [] }]),
        json!({ "a": { "b": 1 } }),
    ];
    let whole = customer_end();
    let mut fields: Vec<String> = whole.as_object().unwrap().keys().cloned().collect();
    fields.extend(["attributes", "queueId", "propertyChanges", "messages"].map(str::to_owned));
    for field in fields {
        for value in &wrong {
            let mut body = frame(&whole);
            body["eventBody"][field.as_str()] = value.clone();
            let parsed = of(&Headers::default(), &body);
            let event = parsed.unwrap_or_else(|fault| panic!("{field} {value}: {fault}")).event;
            assert_eq!(event.kind, Kind::CustomerEnd);
            let conversation = event.conversation.unwrap();
            assert_eq!(conversation.as_str(), CONVERSATION, "the topic's, where there is no other");
        }
    }
}

#[test]
fn what_is_no_event_is_told_apart() {
    for (body, fault) in [
        ("", Fault::NotJson),
        ("hello", Fault::NotJson),
        ("{\"topicName\":\"v2.x\"", Fault::NotJson),
        ("{\"id\":\"a\",\"id\":\"b\"}", Fault::NotJson),
        ("{\"conversationId\":\"c\"} x", Fault::NotJson),
        ("[]", Fault::NotObject),
        ("[{\"conversationId\":\"c\"}]", Fault::NotObject),
        ("17", Fault::NotObject),
        ("{}", Fault::Unknown),
        ("{\"hello\":\"world\"}", Fault::Unknown),
        ("{\"detail-type\":\"x\"}", Fault::Empty),
        ("{\"topicName\":\"v2.x\",\"eventBody\":3}", Fault::Empty),
        ("{\"specversion\":\"1.0\",\"id\":\"a\",\"type\":\"b\"}", Fault::Empty),
        ("{\"specversion\":\"1.0\",\"data\":\"hello\"}", Fault::NotJson),
        ("{\"specversion\":\"1.0\",\"data_base64\":\"*\"}", Fault::Empty),
    ] {
        assert_eq!(parse(&Headers::default(), body.as_bytes(), now()), Err(fault), "{body}");
    }
    let deep = format!("{{\"conversationId\":\"c\",\"x\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    assert_eq!(parse(&Headers::default(), deep.as_bytes(), now()), Err(Fault::Deep));
}

#[test]
fn an_unknown_topic_is_kept_as_other() {
    let body = json!({ "topicName": "v2.brand.new.topic", "eventBody": { "x": 1 } });
    assert_eq!(event(&body).kind, Kind::Other);
    let body = json!({ "topicName": "channel.metadata", "eventBody": { "message": "pong" } });
    assert_eq!(event(&body).kind, Kind::Other);
}

#[test]
fn a_time_that_cannot_be_is_that_of_arrival() {
    let mut body = frame(&customer_end());
    body["eventBody"]["eventTime"] = json!(1);
    let parsed = of(&Headers::default(), &body).unwrap();
    assert_eq!((parsed.event.at, parsed.time_corrected), (now(), true));
}

#[test]
fn a_bare_body_tells_its_kind_by_its_fields() {
    let of = |fields: Value| {
        let mut body = json!({ "conversationId": CONVERSATION, "mediaType": "message" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event(&body)
    };
    for (fields, kind) in [
        (json!({}), Kind::CustomerStart),
        (json!({ "disconnectType": "PEER" }), Kind::CustomerEnd),
        (json!({ "queueId": "q", "routingPriority": 0 }), Kind::AcdStart),
        (json!({ "queueId": "q", "acdOutcome": "ABANDON" }), Kind::AcdEnd),
        (json!({ "queueId": "q", "disconnectType": "PEER" }), Kind::AcdEnd),
        (json!({ "flowId": "f" }), Kind::FlowStart),
        (json!({ "flowId": "f", "exitReason": "TRANSFER" }), Kind::FlowEnd),
        (json!({ "flowId": "f", "flowOutcomeId": "o" }), Kind::FlowOutcome),
        (json!({ "userId": "u", "queueId": "q" }), Kind::UserStart),
        (json!({ "userId": "u", "disconnectType": "CLIENT" }), Kind::UserEnd),
        (json!({ "userId": "u", "wrapupCode": "w" }), Kind::Acw),
        (json!({ "wrapupCode": "w" }), Kind::Wrapup),
        (json!({ "attributes": { "watchpost": "eu" } }), Kind::Attributes),
        (json!({ "outboundCampaignId": "o" }), Kind::Other),
        (json!({ "userId": "u", "voicemailDurationMs": 1 }), Kind::Other),
        (json!({ "deploymentId": "d", "messages": [] }), Kind::Undelivered),
    ] {
        assert_eq!(of(fields.clone()).kind, kind, "{fields}");
    }
    let ended = of(
        json!({ "queueId": "q", "acdOutcome": "abandon", "flowId": "f", "exitReason": "flow_error_exit" }),
    );
    assert_eq!(ended.acd_outcome, Some(AcdOutcome::Abandon));
    assert_eq!(ended.flow_exit, Some(FlowExit::FlowErrorExit));
    let named = of(json!({ "topicName": "v2.detail.events.conversation.{id}.acd.start" }));
    assert_eq!(named.kind, Kind::AcdStart, "its own word goes first");
}

#[test]
fn a_probe_is_known_by_its_mark() {
    let body = json!({ "conversationId": CONVERSATION, "participantId": "p",
        "attributes": { "name": "Jane", "watchpost": "messenger-eu" } });
    let event = event(&body);
    assert_eq!(event.probe.unwrap().as_str(), "messenger-eu");
}

#[test]
fn what_the_contact_centre_wrote_to_is_not_kept() {
    let address = |direction: &str, address: &str| {
        let mut body = customer_end();
        body["direction"] = json!(direction);
        body["addressTo"] = json!(address);
        event(&body).address_to.map(|address| address.as_str().to_owned())
    };
    assert_eq!(address("INBOUND", "support").as_deref(), Some("support"));
    assert_eq!(address("OUTBOUND", OTHER), None);
    assert_eq!(address("UNKNOWN", "+4930123"), None);
    assert_eq!(address("", OTHER).as_deref(), Some(OTHER));
}

#[test]
fn changes_are_read_without_names() {
    let deployment = event(&json!({
        "topicName": "v2.webdeployments.deployments.d-1",
        "eventBody": { "id": "d-1", "status": "Active", "configuration": { "id": "k", "version": "7" } },
    }));
    assert_eq!(
        (deployment.kind, deployment.deployment.unwrap().as_str()),
        (Kind::Deployment, "d-1")
    );
    let change = deployment.change.unwrap();
    assert_eq!(change.state.unwrap().as_str(), "Active");
    let configuration = event(&json!({
        "topicName": "v2.webdeployments.configurations.k-1",
        "eventBody": { "version": 7, "status": "Active" },
    }));
    let change = configuration.change.unwrap();
    assert_eq!((change.entity.unwrap().as_str(), change.state.unwrap().as_str()), ("k-1", "7"));
    assert_eq!(configuration.conversation, None);
    let audit = event(&json!({
        "topicName": "v2.audits.entitytype.WebDeployments.entityid.d-1",
        "eventBody": {
            "id": "a-1", "userId": OTHER, "username": "jane@example.com", "userDisplay": "Jane Doe",
            "remoteIp": ["192.0.2.1"], "serviceName": "WebDeployments", "level": "USER",
            "eventTime": "2026-11-21T11:00:00Z", "action": "UPDATE", "entityType": "DEPLOYMENT",
            "entity": { "id": "d-1", "name": "Jane's page" },
            "propertyChanges": [{ "property": "allowedDomains", "newValues": ["jane.example"] }, 3],
        },
    }));
    let kept = serde_json::to_string(&audit).unwrap();
    assert!(!kept.to_lowercase().contains("jane") && !kept.contains("192.0.2"), "{kept}");
    let change = audit.change.unwrap();
    assert_eq!(change.entity.unwrap().as_str(), "d-1");
    assert_eq!(change.entity_type.unwrap().as_str(), "DEPLOYMENT");
    assert_eq!(change.action.unwrap().as_str(), "UPDATE");
    assert_eq!(change.by.unwrap().as_str(), OTHER);
    assert_eq!(change.properties.len(), 1);
    let by_client = event(&json!({
        "topicName": "v2.audits.entitytype.{id}.entityid.{id}",
        "eventBody": { "clientId": { "id": OTHER, "name": "Jane" } },
    }));
    assert_eq!(by_client.change.unwrap().by.unwrap().as_str(), OTHER);
    let named = event(&json!({
        "topicName": "v2.audits.entitytype.Queue.entityid.q-1",
        "eventBody": { "userId": "jane.doe", "action": "DELETE" },
    }));
    let change = named.change.unwrap();
    assert_eq!((change.by, change.entity.unwrap().as_str()), (None, "q-1"));
    assert_eq!(change.entity_type.unwrap().as_str(), "Queue");
}

#[test]
fn undelivered_messages_name_their_deployment() {
    let topic = "v2.webmessaging.deployments.d-1.undelivered.messages";
    let body = json!({ "conversationId": CONVERSATION, "eventTimeMs": now().as_millisecond(),
        "messages": [{ "id": "m", "text": "hello Jane" }] });
    let event = event(&json!({ "topicName": topic, "eventBody": body }));
    assert_eq!(
        (event.kind, event.deployment.as_ref().unwrap().as_str()),
        (Kind::Undelivered, "d-1")
    );
    assert_eq!(event.conversation.unwrap().as_str(), CONVERSATION);
}

proptest! {
    /// A bad character anywhere is refused or read: nothing ends the process.
    #[test]
    fn a_document_with_a_changed_byte_is_read_or_refused(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = cloud_event(&eventbridge(&frame(&customer_end()))).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = parse(&Headers::default(), &bytes, now());
        let _ = super::project::project(&bytes);
    }
}

//! Conversations that were: what is asked for where events were missed.

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Course, FLOW, Talk};
use crate::simulator::answer::{Answer, without_nulls};
use crate::simulator::org::Org;
use crate::simulator::request::Request;

/// `/api/v2/analytics/…` and `/api/v2/conversations/…`.
pub fn answer(org: &Org, request: &Request) -> Answer {
    let segments = request.segments();
    match (segments.get(2..).unwrap_or_default(), &request.method) {
        (["analytics", "conversations", "details", "query"], &Method::POST) => {
            match request.json() {
                Some(body) => query(org, &body),
                None => Answer::bad("The request body is not JSON."),
            }
        }
        (["analytics", "conversations", id, "details"], &Method::GET) => {
            match org.talks.all().find(|talk| talk.id == *id) {
                Some(talk) => Answer::ok(&to_json(talk)),
                None => Answer::not_found("The requested conversation"),
            }
        }
        (["conversations", "messages", message, "details"], &Method::GET) => {
            match org.messaging.conversation_of(message) {
                Some(id) => Answer::ok(&json!({ "id": message, "conversationId": id })),
                None => Answer::not_found("The requested message"),
            }
        }
        (["conversations"], &Method::GET) => {
            Answer::ok(&json!({ "entities": [], "total": 0, "pageSize": 25, "pageNumber": 1 }))
        }
        _ => Answer::not_found("The requested resource"),
    }
}

fn query(org: &Org, body: &Value) -> Answer {
    let interval = body.get("interval").and_then(Value::as_str).and_then(|interval| {
        let (from, to) = interval.split_once('/')?;
        Some((from.parse::<Timestamp>().ok()?, to.parse::<Timestamp>().ok()?))
    });
    let Some((from, to)) = interval else {
        return Answer::bad("The interval is missing or invalid.");
    };
    let number = |name: &str, otherwise: usize| {
        let number = body.pointer(&format!("/paging/{name}")).and_then(Value::as_u64);
        number.and_then(|number| usize::try_from(number).ok()).unwrap_or(otherwise).max(1)
    };
    let (size, page) = (number("pageSize", 25), number("pageNumber", 1));
    if size > 100 {
        return Answer::bad("The page size may be 100 at the most.");
    }
    let wanted: Vec<_> = org
        .talks
        .all()
        .filter(|talk| talk.begun < to && talk.ended.is_none_or(|ended| ended >= from))
        .collect();
    let list: Vec<_> =
        wanted.iter().skip((page - 1) * size).take(size).map(|talk| to_json(talk)).collect();
    let mut answer = json!({ "totalHits": wanted.len() });
    if let (Value::Object(answer), false) = (&mut answer, list.is_empty()) {
        answer.insert("conversations".to_owned(), list.into());
    }
    Answer::ok(&answer)
}

fn to_json(talk: &Talk) -> Value {
    let iso = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let (participant, session, token) = &talk.guest;
    let disconnect = talk.ended.map(|_| match talk.course {
        Course::Broken => "transportFailure",
        _ => "peer",
    });
    let mut body = json!({
        "conversationId": talk.id,
        "conversationStart": iso(talk.begun),
        "originatingDirection": "inbound",
        "divisionIds": [super::DIVISION],
        "participants": [{
            "participantId": participant, "purpose": "customer",
            "sessions": [{
                "sessionId": session, "mediaType": "message", "messageType": "webmessaging",
                "provider": "PureCloud Webchat V2", "direction": "inbound",
                "addressTo": talk.deployment, "addressFrom": token,
                "flow": { "flowId": FLOW, "flowType": "inboundshortmessage", "flowVersion": "4.0" },
                "segments": [{
                    "segmentType": "interact", "segmentStart": iso(talk.begun),
                    "segmentEnd": talk.ended.map(iso), "disconnectType": disconnect,
                    "conference": false,
                }],
            }],
        }],
    });
    if let (Value::Object(body), Some(ended)) = (&mut body, talk.ended) {
        body.insert("conversationEnd".to_owned(), iso(ended).into());
    }
    without_nulls(body)
}

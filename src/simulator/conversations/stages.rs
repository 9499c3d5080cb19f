//! What happens in a conversation, and the events of it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{AGENT, Course, DIVISION, FLOW, QUEUE, Talk};

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    CustomerStart,
    CustomerEnd,
    FlowStart,
    FlowEnd,
    AcdStart,
    AcdEnd,
    UserStart,
    UserEnd,
}

use Kind::{AcdEnd, AcdStart, CustomerEnd, CustomerStart, FlowEnd, FlowStart, UserEnd, UserStart};

/// What happens in a conversation, step by step.
pub fn of(course: Course) -> &'static [&'static [Kind]] {
    match course {
        Course::Answered => &[
            &[CustomerStart, FlowStart],
            &[FlowEnd, AcdStart],
            &[AcdEnd, UserStart],
            &[UserEnd, CustomerEnd],
        ],
        Course::Abandoned => {
            &[&[CustomerStart, FlowStart], &[FlowEnd, AcdStart], &[AcdEnd, CustomerEnd]]
        }
        Course::FlowError => &[&[CustomerStart, FlowStart], &[FlowEnd, CustomerEnd]],
        Course::Broken => &[&[CustomerStart, FlowStart], &[CustomerEnd]],
    }
}

impl Kind {
    /// The end of its topic.
    pub fn word(self) -> &'static str {
        match self {
            CustomerStart => "customer.start",
            CustomerEnd => "customer.end",
            FlowStart => "flow.start",
            FlowEnd => "flow.end",
            AcdStart => "acd.start",
            AcdEnd => "acd.end",
            UserStart => "user.start",
            UserEnd => "user.end",
        }
    }

    /// Its event.
    pub fn body(self, talk: &Talk, now: Timestamp) -> Value {
        let (participant, session, token) = &talk.guest;
        let mut body = json!({
            "eventTime": now.as_millisecond(),
            "conversationId": talk.id,
            "participantId": participant,
            "sessionId": session,
            "mediaType": "MESSAGE",
            "messageType": "WEBMESSAGING",
            "provider": "PureCloud Webchat V2",
            "direction": "INBOUND",
            "addressTo": talk.deployment,
            "addressFrom": token,
            "divisionId": DIVISION,
        });
        let since = now.duration_since(talk.begun).as_millis();
        let since = i64::try_from(since).unwrap_or(0).max(0);
        if let (Value::Object(body), Value::Object(more)) =
            (&mut body, self.more(talk.course, since))
        {
            body.extend(more);
        }
        body
    }

    fn more(self, course: Course, millis: i64) -> Value {
        let broken = course == Course::Broken;
        match self {
            CustomerEnd => {
                let kind = if broken { "TRANSPORT_FAILURE" } else { "PEER" };
                json!({ "disconnectType": kind, "interactingDurationMs": millis })
            }
            FlowStart => json!({
                "flowType": "INBOUNDSHORTMESSAGE", "flowId": FLOW, "flowVersion": "4.0",
            }),
            FlowEnd if course == Course::FlowError => json!({
                "flowType": "INBOUNDSHORTMESSAGE", "flowId": FLOW, "disconnectType": "ERROR",
                "exitReason": "FLOW_ERROR_DISCONNECT", "connectedDurationMs": millis,
            }),
            FlowEnd => json!({
                "flowType": "INBOUNDSHORTMESSAGE", "flowId": FLOW, "disconnectType": "TRANSFER",
                "exitReason": "TRANSFER", "connectedDurationMs": millis,
            }),
            AcdStart => json!({ "queueId": QUEUE, "routingPriority": 0 }),
            AcdEnd => json!({
                "queueId": QUEUE, "connectedDurationMs": millis, "disconnectType":
                if course == Course::Abandoned { "PEER" } else { "TRANSFER" },
                "acdOutcome": if course == Course::Abandoned { "ABANDON" } else { "ANSWERED" },
            }),
            UserStart => json!({ "userId": AGENT, "queueId": QUEUE }),
            UserEnd => json!({
                "userId": AGENT, "queueId": QUEUE, "disconnectType": "PEER",
                "interactingDurationMs": millis,
            }),
            CustomerStart => Value::Object(Map::new()),
        }
    }
}

//! What a channel is subscribed to.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::topics;
use crate::simulator::answer::Answer;
use crate::simulator::org::Org;
use crate::simulator::request::Request;

/// Topics of a channel.
const MAX_TOPICS: usize = 1000;

/// `/api/v2/notifications/channels/{id}/subscriptions`.
pub fn answer(org: &mut Org, request: &Request, now: Timestamp) -> Answer {
    org.notifications.expire(now);
    let id = request.segments().get(4).copied().unwrap_or_default().to_owned();
    let refused = org.notifications.refused_topics.clone();
    let end = org.notifications.end(now);
    let Some(channel) = org.notifications.find(&id) else {
        return Answer::not_found("The requested channel");
    };
    match request.method {
        Method::GET => Answer::ok(&list(&channel.topics)),
        Method::DELETE => {
            channel.topics.clear();
            Answer::empty(StatusCode::NO_CONTENT)
        }
        Method::POST | Method::PUT => {
            let Some(asked) = request.json().as_ref().and_then(asked) else {
                return Answer::bad("The request body is not a list of topics.");
            };
            let ignores_errors = request.is_set("ignoreErrors");
            let results: Vec<_> = asked.iter().map(|topic| judge(topic, &refused)).collect();
            if let Some(answer) =
                results.iter().filter(|_| !ignores_errors).find_map(|result| result.as_ref().err())
            {
                return answer.to_answer();
            }
            let good = asked.iter().zip(&results).filter(|(_, result)| result.is_ok());
            let good: BTreeSet<String> = good.map(|(topic, _)| topic.clone()).collect();
            let replaces = request.method == Method::PUT;
            let topics = match replaces {
                true => good,
                false => channel.topics.union(&good).cloned().collect(),
            };
            if topics.len() > MAX_TOPICS {
                return Answer::bad("A channel may be subscribed to 1000 topics at the most.");
            }
            channel.topics = topics;
            if replaces {
                channel.expires = end;
            }
            match ignores_errors {
                true => Answer::ok(&verdicts(&asked, &results)),
                false => Answer::ok(&list(&channel.topics)),
            }
        }
        _ => Answer::no_method(),
    }
}

/// Why a channel is not told of a topic.
enum Refusal {
    Unknown(String),
    Forbidden(String),
}

impl Refusal {
    fn to_answer(&self) -> Answer {
        match self {
            Self::Unknown(topic) => Answer::bad(&format!("Invalid topic: {topic}")),
            Self::Forbidden(topic) => Answer::error(
                StatusCode::FORBIDDEN,
                "notification.subscription.forbidden",
                &format!("You are missing a permission for the topic {topic}."),
            ),
        }
    }
}

fn judge(topic: &str, refused: &BTreeSet<String>) -> Result<(), Refusal> {
    match topics::is_available(topic) {
        false => Err(Refusal::Unknown(topic.to_owned())),
        true if refused.iter().any(|start| topic.starts_with(start)) => {
            Err(Refusal::Forbidden(topic.to_owned()))
        }
        true => Ok(()),
    }
}

/// The topics of a body.
fn asked(body: &Value) -> Option<Vec<String>> {
    let id = |one: &Value| one.get("id")?.as_str().map(str::to_owned);
    body.as_array()?.iter().map(id).collect()
}

fn list(topics: &BTreeSet<String>) -> Value {
    let one = |topic: &String| json!({ "id": topic });
    json!({ "entities": topics.iter().map(one).collect::<Vec<_>>() })
}

fn verdicts(asked: &[String], results: &[Result<(), Refusal>]) -> Value {
    let one = |(topic, result): (&String, &Result<(), Refusal>)| match result {
        Ok(()) => json!({ "id": topic, "state": "Permitted" }),
        Err(Refusal::Unknown(_)) => json!({
            "id": topic, "state": "Rejected", "rejectionReason": "Invalid topic",
        }),
        Err(Refusal::Forbidden(_)) => json!({
            "id": topic, "state": "Rejected", "rejectionReason": "Missing permissions",
            "missingPermissions": ["conversation:webmessaging:view"],
        }),
    };
    json!({ "entities": asked.iter().zip(results).map(one).collect::<Vec<_>>() })
}

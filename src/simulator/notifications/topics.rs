//! What one may be told of.

use serde_json::{Value, json};

/// A topic, what it takes, and how it comes.
struct Topic {
    id: &'static str,
    permission: &'static str,
    websocket: bool,
}

const fn topic(id: &'static str, permission: &'static str, websocket: bool) -> Topic {
    Topic { id, permission, websocket }
}

const DETAIL: &str = "analytics:conversationDetail:view";

const TOPICS: &[Topic] = &[
    topic("v2.detail.events.conversation.{id}.customer.start", DETAIL, true),
    topic("v2.detail.events.conversation.{id}.customer.end", DETAIL, true),
    topic("v2.detail.events.conversation.{id}.flow.start", DETAIL, true),
    topic("v2.detail.events.conversation.{id}.flow.end", DETAIL, true),
    topic("v2.detail.events.conversation.{id}.acd.start", DETAIL, true),
    topic("v2.detail.events.conversation.{id}.acd.end", DETAIL, true),
    topic("v2.detail.events.conversation.{id}.user.start", DETAIL, true),
    topic("v2.detail.events.conversation.{id}.user.end", DETAIL, true),
    topic("v2.detail.events.conversation.{id}.attributes", DETAIL, true),
    topic("v2.detail.events.conversation.{id}.wrapup", DETAIL, false),
    topic("v2.routing.queues.{id}.conversations", "routing:queue:view", true),
    topic("v2.routing.queues.{id}.conversations.messages", "routing:queue:view", true),
    topic("v2.analytics.queues.{id}.observations", "analytics:queueObservation:view", true),
    topic("v2.webdeployments.deployments.{id}", "webDeployments:deployment:view", true),
    topic("v2.webdeployments.configurations.{id}", "webDeployments:configuration:view", true),
    topic(
        "v2.webmessaging.deployments.{id}.undelivered.messages",
        "conversation:webmessaging:view",
        true,
    ),
    topic("v2.audits.entitytype.{id}.entityid.{id}", "audits:audit:view", true),
    topic("v2.operations.events.{id}", "", true),
];

/// `GET /api/v2/notifications/availabletopics`.
pub fn list() -> Value {
    let entities: Vec<_> = TOPICS
        .iter()
        .map(|topic| {
            let permissions: Vec<_> =
                Some(topic.permission).filter(|word| !word.is_empty()).into_iter().collect();
            let transports: &[_] =
                if topic.websocket { &["Websocket", "EventBridge"] } else { &["EventBridge"] };
            let parameters = topic.id.matches("{id}").count();
            json!({
                "id": topic.id,
                "description": format!("Tells of {}", topic.id),
                "visibility": "Public",
                "transports": transports,
                "enforced": !permissions.is_empty(),
                "requiresPermissions": permissions,
                "topicParameters": vec!["id"; parameters],
            })
        })
        .collect();
    json!({ "entities": entities })
}

/// Whether a socket may be told of this: a known topic, with ids in the place of its parameters.
pub fn is_available(asked: &str) -> bool {
    TOPICS.iter().filter(|topic| topic.websocket).any(|topic| is_of(asked, topic.id))
}

fn is_of(asked: &str, topic: &str) -> bool {
    let (mut asked, mut topic) = (asked.split('.'), topic.split('.'));
    loop {
        match (asked.next(), topic.next()) {
            (None, None) => return true,
            (Some(word), Some("{id}")) if !word.is_empty() && word != "{id}" => {}
            (Some(word), Some(other)) if word == other && other != "{id}" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_wants_an_id_where_it_has_a_parameter() {
        for (asked, available) in [
            ("v2.webdeployments.deployments.5409c0de", true),
            ("v2.detail.events.conversation.1-2.customer.start", true),
            ("v2.webdeployments.deployments.{id}", false),
            ("v2.webdeployments.deployments.", false),
            ("v2.webdeployments.deployments", false),
            ("v2.webdeployments.deployments.1.more", false),
            ("v2.detail.events.conversation.1.wrapup", false),
            ("v3.unknown", false),
        ] {
            assert_eq!(is_available(asked), available, "{asked}");
        }
    }
}

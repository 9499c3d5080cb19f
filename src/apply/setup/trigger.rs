//! Triggers of process automation: each starts a workflow, which calls a data action.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{ANSWER_WITHIN_SECONDS, Setup, Shows};
use crate::apply::raw;
use crate::config::fault::Faults;
use crate::config::field::Field;

/// Where triggers are made.
const PATH: &str = "/api/v2/processautomation/triggers";

/// How criteria compare.
const OPERATORS: [&str; 12] = [
    "Equal",
    "NotEqual",
    "In",
    "NotIn",
    "Contains",
    "All",
    "Exists",
    "Size",
    "LessThan",
    "LessThanOrEqual",
    "GreaterThan",
    "GreaterThanOrEqual",
];

/// Shortest time for which a trigger keeps an event that it cannot hand over.
const EVENT_TTL_SECONDS: u32 = 60;

/// Fields of an event with one plain value, which a workflow can hand on; the second is whether it
/// is a number.
const FIELDS: [(&str, bool); 16] = [
    ("eventTime", true),
    ("conversationId", false),
    ("participantId", false),
    ("sessionId", false),
    ("mediaType", false),
    ("messageType", false),
    ("direction", false),
    ("addressTo", false),
    ("queueId", false),
    ("flowId", false),
    ("flowType", false),
    ("acdOutcome", false),
    ("exitReason", false),
    ("disconnectType", false),
    ("deploymentId", false),
    ("status", false),
];

/// Reads `match-criteria`.
pub(super) fn criteria(
    table: raw::Tables<raw::Criterion>,
    faults: &mut Faults,
) -> Option<Vec<Value>> {
    let place = "webhook.match-criteria";
    let fix = "write a list: match-criteria = [{ json-path = \"messageType\", operator = \
               \"Equal\", value = \"WEBMESSAGING\" }]";
    let (_, rows) = table.take(place, fix, faults)?;
    let mut criteria = Vec::with_capacity(rows.len().min(32));
    for (n, row) in rows.into_iter().take(32).enumerate() {
        let place = format!("{place}[{n}]");
        let Some((span, row)) = row.take(&place, fix, faults) else { continue };
        let key = |name: &str| format!("{place}.{name}");
        for (name, absent) in [
            ("json-path", matches!(row.json_path, Field::Absent)),
            ("operator", matches!(row.operator, Field::Absent)),
            ("value", matches!(row.value, Field::Absent)),
        ] {
            if absent {
                faults.add(&span, key(name), "missing", fix);
            }
        }
        let path = row.json_path.take(key("json-path"), faults).map(|path| path.0);
        let operator = row.operator.take_spanned(key("operator"), faults);
        let value = row.value.take_spanned(key("value"), faults);
        let (Some(path), Some((at, operator)), Some((value_at, value))) = (path, operator, value)
        else {
            continue;
        };
        let (operator, value) = (operator.0, value.0);
        if !OPERATORS.contains(&operator.as_str()) {
            let fix = format!("write one of {}", OPERATORS.join(", "));
            faults.add(&at, key("operator"), "no such operator", fix);
        }
        let of_list = matches!(operator.as_str(), "In" | "NotIn" | "All");
        if of_list != value.is_array() {
            let problem =
                format!("{operator} takes {}", if of_list { "a list" } else { "one value" });
            faults.add(&value_at, key("value"), problem, "write it so");
        }
        let name = if of_list { "values" } else { "value" };
        let mut criterion = Map::new();
        criterion.insert("jsonPath".to_owned(), path.into());
        criterion.insert("operator".to_owned(), operator.into());
        criterion.insert(name.to_owned(), value);
        criteria.push(Value::Object(criterion));
    }
    Some(criteria)
}

pub(super) fn json(setup: &Setup) -> Value {
    let (names, template) = body();
    json!({
        "via": "trigger",
        "receiver": &*setup.receiver,
        "topics": setup.topics,
        "triggers": setup.topics.iter().map(|topic| trigger(setup, topic)).collect::<Vec<_>>(),
        "data_action": {
            "url": setup.address.to_string(),
            "method": "POST",
            "headers": headers(setup),
            "inputs": names,
            "body": template,
        },
        "answer_within_seconds": ANSWER_WITHIN_SECONDS,
    })
}

pub(super) fn words(setup: &Setup, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Setup { receiver, address, .. } = setup;
    writeln!(f, "Events come to {receiver} by triggers. Nothing of this is made here:\n")?;
    writeln!(
        f,
        "1. Genesys Cloud, Admin > Integrations: a Web Services Data Actions integration, with"
    )?;
    writeln!(f, "   user-defined credentials: {}.", told(&setup.shows))?;
    writeln!(f, "2. A data action of it: POST {address}")?;
    for (name, value) in headers(setup) {
        writeln!(f, "     {name}: {}", value.as_str().unwrap_or_default())?;
    }
    let (names, template) = body();
    writeln!(f, "   with the inputs topicName, {}, and this body:", names.join(", "))?;
    writeln!(f, "     {template}")?;
    writeln!(
        f,
        "3. The workflow of the triggers, with the same inputs, calls it. Only fields with one"
    )?;
    writeln!(f, "   plain value reach it (dataFormat TopLevelPrimitives).")?;
    writeln!(f, "4. A trigger for each topic, {{id}} and all: POST {PATH}")?;
    for topic in &setup.topics {
        writeln!(f, "     {}", trigger(setup, topic))?;
    }
    writeln!(f, "   A change of one is a PUT that bears the version which was read in its body.")?;
    writeln!(
        f,
        "\nThe receiver answers within {ANSWER_WITHIN_SECONDS} seconds. Triggers are best effort: what is lost is not sent \
         again."
    )
}

fn trigger(setup: &Setup, topic: &str) -> Value {
    let event = topic.rsplit('}').next().unwrap_or(topic).trim_matches('.');
    let criteria = match (&setup.criteria, topic.contains(".detail.events.conversation.")) {
        (Some(criteria), _) => json!(criteria),
        // Every detail event bears it.
        (None, true) => {
            json!([{ "jsonPath": "messageType", "operator": "Equal", "value": "WEBMESSAGING" }])
        }
        (None, false) => json!([]),
    };
    json!({
        "name": format!("Watchpost {event}").trim(),
        "topicName": topic,
        "target": {
            "type": "Workflow",
            "id": setup.workflow.as_ref().map(|id| id.as_str()),
            "workflowTargetSettings": { "dataFormat": "TopLevelPrimitives" },
        },
        "matchCriteria": criteria,
        "eventTTLSeconds": EVENT_TTL_SECONDS,
        "enabled": true,
    })
}

/// The names of the inputs, and the body that is made of them: a frame as the notification service
/// has it.
fn body() -> (Vec<&'static str>, String) {
    let field = |(name, is_number): &(&str, bool)| match is_number {
        true => format!("\"{name}\":${{input.{name}}}"),
        false => format!("\"{name}\":\"${{input.{name}}}\""),
    };
    let fields: Vec<_> = FIELDS.iter().map(field).collect();
    let event = format!("{{{}}}", fields.join(","));
    let frame = format!("{{\"topicName\":\"${{input.topicName}}\",\"eventBody\":{event}}}");
    (FIELDS.iter().map(|(name, _)| *name).collect(), frame)
}

fn headers(setup: &Setup) -> Map<String, Value> {
    let credential = match &setup.shows {
        Shows::ApiKey { header } => (header.clone(), "${credentials.key}".to_owned()),
        Shows::Bearer => ("Authorization".to_owned(), "Bearer ${credentials.token}".to_owned()),
        Shows::Basic => ("Authorization".to_owned(), "Basic ${credentials.basic}".to_owned()),
    };
    let kind = ("Content-Type".to_owned(), "application/json".to_owned());
    [kind, credential].into_iter().map(|(name, value)| (name, value.into())).collect()
}

fn told(shows: &Shows) -> &'static str {
    match shows {
        Shows::ApiKey { .. } => "key, the receiver's key",
        Shows::Bearer => "token, the receiver's token",
        Shows::Basic => "basic, user:password of the receiver in base64",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse::{Headers, parse};
    use crate::event::word::Kind;

    #[test]
    fn what_the_data_action_sends_is_read_as_the_event() {
        let (names, template) = body();
        let topic = "v2.detail.events.conversation.{id}.customer.end";
        let mut body = template.replace("${input.topicName}", topic);
        for name in names {
            let value = match name {
                "eventTime" => "1763740800000",
                "messageType" => "WEBMESSAGING",
                "disconnectType" => "CLIENT",
                // What an event does not have comes as an empty text.
                "acdOutcome" | "exitReason" | "deploymentId" | "status" => "",
                _ => "3fa85f64-5717-4562-b3fc-2c963f66afa6",
            };
            body = body.replace(&format!("${{input.{name}}}"), value);
        }
        assert!(!body.contains("${"), "{body}");
        let now = "2025-11-21T16:01:00Z".parse().unwrap();
        let event = parse(&Headers::default(), body.as_bytes(), now).unwrap().event;
        assert_eq!(event.kind, Kind::CustomerEnd);
        assert!(event.conversation.is_some());
    }
}

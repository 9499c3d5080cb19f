//! A run as JSON. A contract: fields are added, and never change their meaning.

use serde_json::{Map, Value, json};

use super::alias::alias;
use super::doors::Seen;
use super::plan::Change;
use super::report::{Cdn, Hook, Object, Refusal, Report};
use super::summary::millis;
use crate::outcome::quoted::Quoted;
use crate::outcome::verdict::Verdict;

/// Entries of a list that are shown.
const MAX_ENTRIES: usize = 1000;

/// All of it.
pub fn report(report: &Report) -> Value {
    json!({
        "ending": report.ending().as_str(),
        "dry_run": report.dry_run,
        "objects": report.objects.iter().map(object).collect::<Vec<_>>(),
        "webhook": report.webhook.as_ref().map(webhook),
        "error": report.unread.as_ref().map(refusal),
        "summary": report.summary(),
    })
}

fn object(object: &Object) -> Value {
    json!({
        "place": object.place,
        "kind": object.noun,
        "id": object.id,
        "name": object.name,
        "stage": object.stage.as_str(),
        "plan": object.plan.iter().map(change).collect::<Vec<_>>(),
        "changed": object.changed.iter().map(|change| change.declared.key.as_str()).collect::<Vec<_>>(),
        "conflicts": object.conflicts,
        "latency": object.took.map(millis),
        "error": object.refusal.as_ref().map(refusal),
        "handshakes": object.doors.iter().map(handshake).collect::<Vec<_>>(),
        "cdn": object.cdn.as_ref().map(cdn),
        "left_to_others": object.left,
        "handshakes_after_rollback": object.doors_after.iter().map(handshake).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    let Change { declared, was } = change;
    let shown = |value: Option<&Value>| match value {
        Some(_) if declared.secret => Value::from("…"),
        Some(value) => harmless(value),
        None => Value::Null,
    };
    json!({
        "key": declared.key,
        "from": shown(was.as_ref()),
        "to": shown(declared.value.as_ref()),
    })
}

/// What a stranger wrote, as it may be shown.
fn harmless(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(Quoted::text(text)),
        Value::Array(list) => list.iter().take(MAX_ENTRIES).map(harmless).collect(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                (Quoted::text(name).to_string(), harmless(value))
            };
            Value::Object(fields.iter().take(MAX_ENTRIES).map(field).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn handshake(seen: &Seen) -> Value {
    let Seen { door, outcome, verdict, looks } = seen;
    let failure = outcome.failure.as_ref().filter(|_| *verdict != Verdict::Pass);
    let reason = failure.map(|failure| failure.reason());
    let observed = &outcome.observation;
    let latency = observed.upgraded.then(|| millis(observed.phases.to_open()));
    json!({
        "url": door.check.endpoint.target.to_string(),
        "origin": door.check.origin.as_ref().map(|rule| rule.origin.to_string()),
        "expect": door.check.expect(),
        "verdict": verdict,
        "success": *verdict == Verdict::Pass,
        "latency": latency,
        "reason": reason,
        "error": reason.map(|reason| alias(reason).unwrap_or_else(|| reason.code())),
        "message": reason.map(|reason| reason.sentence()),
        "fix": reason.map(|reason| reason.fix()),
        "evidence": failure.map(|f| f.evidence()).filter(|evidence| !evidence.is_empty()),
        "http_status": observed.http_status,
        "probe": door.check.probe.kind(),
        "level": observed.messaging.as_ref().and_then(|seen| seen.reached),
        "warnings": outcome.remarks.iter().map(|it| it.warning.code()).collect::<Vec<_>>(),
        "looks": looks,
    })
}

fn cdn(cdn: &Cdn) -> Value {
    match cdn {
        Cdn::Same => json!({ "state": "same" }),
        Cdn::Stale => json!({ "state": "stale" }),
        Cdn::Unread(why) => json!({ "state": "unknown", "error": refusal(why) }),
    }
}

fn webhook(hook: &Hook) -> Value {
    json!({
        "name": hook.name,
        "id": hook.id,
        "stage": hook.stage.as_str(),
        "plan": hook.plan.iter().map(change).collect::<Vec<_>>(),
        "error": hook.refusal.as_ref().map(refusal),
    })
}

fn refusal(refusal: &Refusal) -> Value {
    json!({ "code": refusal.code, "message": refusal.message, "fix": refusal.fix })
}

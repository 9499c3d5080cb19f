//! Incidents as alerts of Alertmanager's API v2.
//!
//! An alert without `endsAt` is one that goes on: whoever sends it says until when it is to be
//! believed.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::notice::{Event, Notice, link};
use super::record::{Incident, Trouble};
use super::severity::Severity;
use super::timeline::What;
use super::words;

/// The name of every alert.
const NAME: &str = "WatchpostIncident";

/// Longest annotation.
const MAX_CHARS: usize = 4000;

/// Changes that are told of.
const MAX_CHANGES: usize = 10;

/// The alerts of a notice: what is over, then what goes on.
pub fn of_notice(notice: &Notice, external_url: Option<&str>) -> Value {
    let incident = &notice.incident;
    let now_is = (incident.trouble, incident.severity);
    let mut alerts = Vec::new();
    if let Some(before) = notice.before.filter(|before| *before != now_is) {
        // Labels are the identity of an alert: with other ones it is another.
        alerts.push(alert(incident, before, Some(notice.at), external_url));
    }
    let ends = match notice.event {
        Event::Closed => Some(incident.closed.map_or(notice.at, |closed| closed.at)),
        Event::Opened | Event::Changed => None,
    };
    alerts.push(alert(incident, now_is, ends, external_url));
    Value::Array(alerts)
}

/// The alert of an incident that goes on, under the labels that it was last told of with.
pub fn standing(incident: &Incident, external_url: Option<&str>) -> Value {
    let told = (incident.last_word.trouble, incident.last_word.severity);
    alert(incident, told, None, external_url)
}

/// The same alerts, those that go on to be believed until then.
pub fn believed_until(alerts: &str, until: Timestamp) -> Option<String> {
    let mut alerts: Vec<Map<String, Value>> = serde_json::from_str(alerts).ok()?;
    for alert in &mut alerts {
        alert.entry("endsAt").or_insert_with(|| json!(until));
    }
    serde_json::to_string(&alerts).ok()
}

/// What was changed before and during an incident, one line each, the newest last.
pub fn changes(incident: &Incident) -> Vec<String> {
    let story = incident.story();
    let changes = story.iter().filter_map(|entry| match &entry.what {
        What::Change { what, .. } => Some(format!("{:.0} {what}", entry.at)),
        _ => None,
    });
    let changes: Vec<_> = changes.collect();
    let skipped = changes.len().saturating_sub(MAX_CHANGES);
    changes.into_iter().skip(skipped).collect()
}

fn alert(
    incident: &Incident,
    (trouble, severity): (Trouble, Severity),
    ends: Option<Timestamp>,
    external_url: Option<&str>,
) -> Value {
    let mut labels = json!({
        "alertname": NAME,
        "endpoint": incident.endpoint,
        "severity": severity,
        "kind": trouble,
        "incident": incident.id,
    });
    let mut annotations = json!({
        "summary": incident.title(),
        "description": description(incident),
    });
    // Alertmanager takes an empty label for none.
    let owner = &incident.owner;
    for (name, value) in [("team", &owner.team), ("tier", &owner.tier)] {
        set(&mut labels, name, value);
    }
    set(&mut annotations, "runbook_url", &owner.runbook);
    set(&mut annotations, "changes", &cut(&changes(incident).join("\n")));
    let mut alert = json!({
        "labels": labels,
        "annotations": annotations,
        "startsAt": incident.began_at,
    });
    if let (Some(ends), Some(alert)) = (ends, alert.as_object_mut()) {
        // Where the clock went back, it would be refused.
        let ends = ends.max(incident.began_at);
        alert.insert("endsAt".to_owned(), json!(ends));
    }
    set(&mut alert, "generatorURL", &link(incident, external_url).unwrap_or_default());
    alert
}

fn set(object: &mut Value, name: &str, value: &str) {
    if let Some(object) = object.as_object_mut().filter(|_| !value.is_empty()) {
        object.insert(name.to_owned(), json!(value));
    }
}

fn description(incident: &Incident) -> String {
    let mut text = format!("Whose trouble: {}.\n", words::whose(incident));
    if let Some(waits) = incident.waits() {
        // Writing to a `String` cannot fail.
        writeln!(text, "{waits}").ok();
    }
    for (id, check) in incident.held_by() {
        let standing = serde_json::to_value(check.standing).ok();
        let standing = standing.as_ref().and_then(Value::as_str).unwrap_or_default();
        write!(text, "{id} {}", standing.replace('_', " ")).ok();
        if let Some(cause) = &check.cause {
            write!(text, ": {cause}.").ok();
            if let Some(reason) = cause.reason {
                write!(text, " {} {}", reason.sentence(), reason.fix()).ok();
            }
        }
        text.push('\n');
    }
    let over: Vec<_> = incident.over().map(|(id, _)| id.as_str()).collect();
    if !over.is_empty() {
        writeln!(text, "Not down any more: {}.", over.join(", ")).ok();
    }
    writeln!(text, "{}", words::affected(incident)).ok();
    cut(&text)
}

fn cut(text: &str) -> String {
    text.trim_end().chars().take(MAX_CHARS).collect()
}

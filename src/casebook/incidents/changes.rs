//! Changes that the contact centre tells of.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::Check;
use crate::check::endpoint::EndpointName;
use crate::event::key::Key;
use crate::event::word::Kind;
use crate::event::{AnalyticsEvent, Change};
use crate::incident::{ChangeEvent, ChangeSource};

/// Which endpoint is the door of which deployment; none where several are.
#[derive(Debug, Default)]
pub struct Doors(BTreeMap<String, Option<EndpointName>>);

impl Doors {
    /// By what endpoints list, and what is in their URLs.
    pub fn of(checks: &[Arc<Check>]) -> Self {
        let mut doors: BTreeMap<String, Option<EndpointName>> = BTreeMap::new();
        for endpoint in checks.iter().map(|check| &check.endpoint) {
            for id in endpoint
                .users
                .iter()
                .flat_map(|users| users.deployments.iter().chain(&users.of_url))
            {
                let own = Some(endpoint.name.clone());
                let door =
                    doors.entry(id.as_str().to_ascii_lowercase()).or_insert_with(|| own.clone());
                if *door != own {
                    *door = None;
                }
            }
        }
        Self(doors)
    }

    /// The only endpoint that a change is about.
    fn find(&self, event: &AnalyticsEvent, change: &Change) -> Option<EndpointName> {
        let ids = [&event.deployment, &change.entity].into_iter().flatten();
        ids.filter_map(|id| self.0.get(&id.as_str().to_ascii_lowercase())).flatten().next().cloned()
    }
}

/// The change that an event tells of. The same event gives the same change.
pub fn of_event(event: &AnalyticsEvent, doors: &Doors) -> Option<ChangeEvent> {
    let change = event.change.as_ref()?;
    let source = match event.kind {
        Kind::Deployment | Kind::Configuration => ChangeSource::Deployment,
        _ => ChangeSource::Audit,
    };
    let who = change.by.as_ref().map(Key::to_string);
    let what = words(event, change);
    let endpoint = doors.find(event, change);
    Some(ChangeEvent { at: event.at, source, endpoint, what, who })
}

/// `Deployment 1b2c Update: name, status; now Active`
fn words(event: &AnalyticsEvent, change: &Change) -> String {
    let kind = change.entity_type.as_ref().map_or(event.kind.as_str(), Key::as_str);
    let parts = [&change.entity, &change.action];
    let mut words = kind.to_owned();
    for part in parts.into_iter().flatten() {
        words.push(' ');
        words.push_str(part.as_str());
    }
    if !change.properties.is_empty() {
        let names: Vec<_> = change.properties.iter().map(Key::as_str).collect();
        words.push_str(": ");
        words.push_str(&names.join(", "));
    }
    if let Some(state) = &change.state {
        words.push_str("; now ");
        words.push_str(state.as_str());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_words_and_twice_the_same() {
        let text = r#"{"id":"0123456789abcdef0123456789abcdef","kind":"deployment",
            "at":"2026-11-21T12:00:00Z","change":{"entity":"1b2c","entity_type":"Deployment",
            "action":"Update","state":"Active","properties":["name","status"],"by":"u-1"}}"#;
        let event: AnalyticsEvent = serde_json::from_str(text).unwrap();
        let doors = Doors::default();
        let of_event = |event: &AnalyticsEvent| super::of_event(event, &doors);
        let change = of_event(&event).unwrap();
        assert_eq!(change.what, "Deployment 1b2c Update: name, status; now Active");
        assert_eq!((change.source, change.who.as_deref()), (ChangeSource::Deployment, Some("u-1")));
        assert_eq!(of_event(&event), Some(change));
        assert_eq!(of_event(&AnalyticsEvent { change: None, ..event }), None);
    }

    #[test]
    fn an_event_is_of_the_only_endpoint_whose_deployment_it_names() {
        let config = |more: &str| {
            let text = format!(
                "[[endpoints]]\nname = \"a\"\nurl = \"ws://a.test/?deploymentId=D-1\"\n\
                 [[endpoints]]\nname = \"b\"\nurl = \"ws://b.test/\"\nusers = {{ deployments = [\"d-2\"] }}\n{more}"
            );
            let path = std::path::Path::new("/tmp/config.toml");
            crate::config::Config::parse(path, &text).unwrap().checks
        };
        let event = |kind: &str, entity: &str| -> AnalyticsEvent {
            let text = format!(
                r#"{{"id":"0123456789abcdef0123456789abcdef","kind":"{kind}",
                "at":"2026-11-21T12:00:00Z","change":{{"entity":"{entity}"}}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let one = Doors::of(&config(""));
        let endpoint = |doors: &Doors, event: &AnalyticsEvent| {
            of_event(event, doors).unwrap().endpoint.map(|name| name.to_string())
        };
        assert_eq!(endpoint(&one, &event("deployment", "d-1")).as_deref(), Some("a"));
        assert_eq!(endpoint(&one, &event("audit", "d-2")).as_deref(), Some("b"));
        assert_eq!(endpoint(&one, &event("deployment", "d-3")), None);
        let c = "[[endpoints]]\nname = \"c\"\nurl = \"ws://c.test/?deploymentId=d-1\"\n";
        assert_eq!(
            endpoint(&Doors::of(&config(c)), &event("deployment", "d-1")),
            None,
            "or which?"
        );
    }
}

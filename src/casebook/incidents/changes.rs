//! Changes that the contact centre tells of.

use crate::event::key::Key;
use crate::event::word::Kind;
use crate::event::{AnalyticsEvent, Change};
use crate::incident::{ChangeEvent, ChangeSource};

/// The change that an event tells of. The same event gives the same change.
pub fn of_event(event: &AnalyticsEvent) -> Option<ChangeEvent> {
    let change = event.change.as_ref()?;
    let source = match event.kind {
        Kind::Deployment | Kind::Configuration => ChangeSource::Deployment,
        _ => ChangeSource::Audit,
    };
    let who = change.by.as_ref().map(Key::to_string);
    let what = words(event, change);
    Some(ChangeEvent { at: event.at, source, endpoint: None, what, who })
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
        let change = of_event(&event).unwrap();
        assert_eq!(change.what, "Deployment 1b2c Update: name, status; now Active");
        assert_eq!((change.source, change.who.as_deref()), (ChangeSource::Deployment, Some("u-1")));
        assert_eq!(of_event(&event), Some(change));
        assert_eq!(of_event(&AnalyticsEvent { change: None, ..event }), None);
    }
}

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

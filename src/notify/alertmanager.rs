//! Alerts are repeated for as long as their incidents are open: Alertmanager forgets them else.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde_json::Value;

use crate::casebook::archive::{self, Filter};
use crate::incident::alert;
use crate::incident::notice::Subscription;

/// How long an alert is believed behind its last repetition.
const BELIEVED: SignedDuration = SignedDuration::from_mins(4);

/// Alerts that are repeated in one message.
const MAX_ALERTS: usize = 1000;

/// Until when an alert that is sent now is believed.
pub fn until(now: Timestamp) -> Timestamp {
    now.saturating_add(BELIEVED).unwrap_or(now)
}

/// The alerts of every open incident; nothing where there is none.
pub fn standing(
    connection: &Connection,
    subscription: &Subscription,
    now: Timestamp,
) -> rusqlite::Result<Option<String>> {
    let open = Filter { open: Some(true), limit: MAX_ALERTS, ..Filter::default() };
    let incidents = archive::list(connection, &open)?;
    let wanted = incidents.iter().filter(|incident| subscription.wants(incident));
    let link = subscription.external_url.as_deref();
    let alerts: Vec<_> = wanted.map(|incident| alert::standing(incident, link)).collect();
    if alerts.is_empty() {
        return Ok(None);
    }
    Ok(alert::believed_until(&Value::Array(alerts).to_string(), until(now)))
}

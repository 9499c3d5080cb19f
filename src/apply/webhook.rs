//! `[webhook]`: how the contact centre's events are to come to a receiver.
//!
//! The seeds register a webhook at the platform. The real platform has none: events come by Amazon
//! EventBridge or by a trigger, whose set-up is printed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::manifest::Setting;
use super::plan::{Declared, put};
use super::raw;
use super::reading::is_secure;
use super::setup::{self, Setup};
use crate::check::header::Header;
use crate::check::origin::Origin;
use crate::check::target::Target;
use crate::config::fault::{Faults, Span};
use crate::config::field::{Field, Table};
use crate::config::secret::SecretSource;
use crate::config::whereabouts::{Purpose, Whereabouts};
use crate::genesys::Compat;
use crate::receiver::Receiver;

/// The name of a webhook that the file gives none: the same with every run, so that it is found
/// again.
const NAME: &str = "Watchpost webchat events";

/// What the seeds subscribe to.
const EVENT: &str = "routing:conversation:analytic";

/// Of which conversations.
const FILTER: &str = "channelType:webchat";

/// How events are to come.
#[derive(Debug)]
pub enum Webhook {
    /// A webhook that the platform is told of.
    Registered(Registration),
    /// A set-up that somebody else makes.
    Printed(Box<Setup>),
}

/// A webhook of the seeds.
#[derive(Debug)]
pub struct Registration {
    /// By which it is found again.
    pub name: String,
    /// What it must be.
    pub fields: Vec<Declared>,
}

impl Registration {
    /// What makes it where it is not there.
    pub fn body(&self) -> Value {
        let mut body = json!({});
        for field in &self.fields {
            put(&mut body, field).ok();
        }
        body
    }
}

/// Reads the table, where there is one.
pub fn read(
    table: Table<raw::Webhook>,
    file: &Path,
    setting: Setting<'_>,
    faults: &mut Faults,
    notices: &mut Faults,
) -> Option<Webhook> {
    let (span, raw) = table.take("webhook", "write it as a table: [webhook]", faults)?;
    match setting.compat {
        Compat::Seed => registration(raw, &span, file, faults).map(Webhook::Registered),
        Compat::Genesys => {
            let setup = setup::read(raw, &span, setting.receivers, faults, notices)?;
            Some(Webhook::Printed(Box::new(setup)))
        }
    }
}

/// Keys that stand in the file and mean nothing in this mode.
pub fn idle(keys: &[(&str, Option<Span>)], why: &str, faults: &mut Faults) {
    for (key, span) in keys {
        if let Some(span) = span {
            faults.add(span, format!("webhook.{key}"), why, "remove it");
        }
    }
}

/// The address that is posted to: encrypted, whatever the way.
pub fn address(field: Field<Target>, span: &Span, faults: &mut Faults) -> Option<(Span, Target)> {
    let key = "webhook.address";
    if field.span().is_none() {
        let fix = "add address = \"https://…\", as the contact centre reaches the receiver";
        faults.add(span, key, "missing", fix);
    }
    field.take_spanned(key, faults)
}

fn registration(
    mut raw: raw::Webhook,
    span: &Span,
    file: &Path,
    faults: &mut Faults,
) -> Option<Registration> {
    let why = "a webhook of the seeds knows no such thing";
    let others = [
        ("receiver", raw.receiver.span()),
        ("via", raw.via.span()),
        ("topics", raw.topics.span()),
        ("workflow", raw.workflow.span()),
        ("match-criteria", raw.match_criteria.span()),
    ];
    idle(&others, why, faults);
    let name = raw.name.take("webhook.name", faults).map_or(NAME.to_owned(), |name| name.0);
    let event = raw.event.take("webhook.event", faults).map_or(EVENT.to_owned(), |text| text.0);
    let filter = raw.filter.take("webhook.filter", faults).map_or(FILTER.to_owned(), |text| text.0);
    let enabled = raw.enabled.take("webhook.enabled", faults).unwrap_or(true);
    let (at, address) = address(raw.address, span, faults)?;
    let page = Origin::Page(address.origin());
    if !is_secure(&page) {
        let fix = "write https://; only localhost may be http://";
        faults.add(&at, "webhook.address", "not encrypted", fix);
    }
    let mut fields = vec![
        Declared::new("name", "name", name.as_str()),
        Declared::new("enabled", "enabled", enabled),
        Declared::new("event", "event", event),
        Declared::new("address", "address", address.to_string()),
        Declared::new("method", "method", "POST"),
        Declared::new("filter", "filter", filter),
    ];
    fields.extend(headers(std::mem::take(&mut raw.headers), file, faults));
    Some(Registration { name, fields })
}

/// What goes along with each event: what the seeds send, and what the file adds.
fn headers(
    table: Table<BTreeMap<String, Field<SecretSource>>>,
    file: &Path,
    faults: &mut Faults,
) -> Vec<Declared> {
    let header = |name: &str, value: &str, secret| Declared {
        path: vec!["headers".to_owned(), name.to_owned()],
        secret,
        ..Declared::new(&format!("headers.{name}"), "", value)
    };
    let mut found = vec![
        header("Content-Type", "application/json", false),
        header("X-Webchat-Health", "true", false),
    ];
    let fix = "write it as a table: headers = { X-Api-Key = { file = \"key\" } }";
    let Some((_, rows)) = table.take("webhook.headers", fix, faults) else { return found };
    let folder = file.parent().unwrap_or(Path::new("."));
    for (name, field) in rows {
        let key = format!("webhook.headers.{name}");
        let Some((span, source)) = field.take_spanned(&key, faults) else { continue };
        let value = match source.read(&Whereabouts::new(folder, Purpose::Ask)) {
            Ok(value) => value,
            Err(error) => {
                faults.add(&span, &key, &error, error.fix());
                continue;
            }
        };
        if let Err(error) = Header::new(&name, &value) {
            faults.add(&span, &key, error, "write a header's name and a value on one line");
            continue;
        }
        found.retain(|other| !other.path.last().is_some_and(|n| n.eq_ignore_ascii_case(&name)));
        found.push(header(&name, &value, !source.is_plain()));
    }
    found
}

/// The receiver of that name, or the only one.
pub fn receiver<'a>(
    name: Option<(Span, String)>,
    span: &Span,
    receivers: &'a [Arc<Receiver>],
    faults: &mut Faults,
) -> Option<&'a Arc<Receiver>> {
    let key = "webhook.receiver";
    let names: Vec<&str> = receivers.iter().map(|receiver| &*receiver.name).collect();
    match (name, receivers) {
        (_, []) => {
            let problem = "the config has no receiver that events could come to";
            faults.add(span, key, problem, "add [[receivers]] to it");
            None
        }
        (None, [only]) => Some(only),
        (None, _) => {
            let fix = format!("name one of {}", names.join(", "));
            faults.add(span, key, "missing", fix);
            None
        }
        (Some((span, name)), _) => {
            let found = receivers.iter().find(|receiver| *receiver.name == *name);
            if found.is_none() {
                let fix = format!("name one of {}", names.join(", "));
                faults.add(&span, key, "the config has no receiver of that name", fix);
            }
            found
        }
    }
}

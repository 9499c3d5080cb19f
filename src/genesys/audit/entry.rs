//! An entry of the audit log, with nobody's name in it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::event::key::Key;
use crate::genesys::moment;
use crate::outcome::quoted::Quoted;

/// Changed properties that are kept of one entry.
const MAX_PROPERTIES: usize = 16;

/// Values that are kept of one property, before and after.
const MAX_VALUES: usize = 8;

/// Longest value.
const MAX_CHARS: usize = 64;

/// Longest text of an entry.
const MAX_WORDS: usize = 600;

/// Properties that decide who may reach a messenger: they are told of first.
const FIRST: [&str; 4] = ["domain", "origin", "status", "config"];

/// Things whose properties are settings. Those of all others may be people's: of them, the names
/// of the properties are kept and no value.
const SETTINGS: [&str; 8] = [
    "deployment",
    "configuration",
    "configurationversion",
    "webhook",
    "integration",
    "trigger",
    "channel",
    "webchatchannel",
];

/// Properties of settings whose values are not shown all the same.
const HIDDEN: [&str; 8] =
    ["secret", "token", "password", "credential", "key", "user", "by", "authorization"];

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// By what it is known.
    pub id: Option<Key>,
    /// When.
    pub at: Timestamp,
    /// In which service.
    pub service: Option<Key>,
    /// The id of what was changed.
    pub entity: Option<Key>,
    /// What kind of thing that is.
    pub entity_type: Option<Key>,
    /// What was done to it.
    pub action: Option<Key>,
    /// How that ended.
    pub status: Option<Key>,
    /// The id of who did it: a user's or a client's.
    pub by: Option<Key>,
    /// What was changed of it.
    pub properties: Vec<Property>,
    /// How many more there were.
    pub more: usize,
}

/// A property that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Property {
    /// Which.
    pub name: Key,
    /// What it was; nothing where values are not shown.
    pub old: Vec<Quoted>,
    /// What it is now; nothing where values are not shown.
    pub new: Vec<Quoted>,
    /// Whether the values are shown.
    pub shown: bool,
}

impl Entry {
    /// Reads one, whichever of its forms it has: that of the API, of a topic, of the seeds. None
    /// where it does not say when, or nothing of what.
    pub fn read(entry: &Value) -> Option<Self> {
        let at = ["eventDate", "eventTime", "timestamp"]
            .into_iter()
            .find_map(|field| moment::read(entry.get(field)?))?;
        let key = |field: &str| key(entry.get(field));
        let inner = |field: &str| self::key(entry.get(field).and_then(|inner| inner.get("id")));
        let entity_type = key("entityType");
        let (entity, action) = (inner("entity").or_else(|| key("entityId")), key("action"));
        if entity.is_none() && entity_type.is_none() && action.is_none() {
            return None;
        }
        let by =
            [inner("user"), key("userId"), inner("client"), inner("clientId"), key("clientId")];
        // Whatever else may stand here may be a name.
        let by = by.into_iter().flatten().find(|by| super::super::is_uuid(by.as_str()));
        let is_setting = entity_type.as_ref().is_some_and(|kind| {
            SETTINGS.iter().any(|known| known.eq_ignore_ascii_case(kind.as_str()))
        });
        let changes = entry.get("propertyChanges").and_then(Value::as_array);
        let changes = changes.map(Vec::as_slice).unwrap_or_default();
        let property = |change| Property::read(change, is_setting);
        let mut properties: Vec<_> = changes.iter().filter_map(property).collect();
        properties.sort_by_key(|property| !property.goes_first());
        let more = properties.len().saturating_sub(MAX_PROPERTIES);
        properties.truncate(MAX_PROPERTIES);
        Some(Self {
            id: key("id"),
            at,
            service: key("serviceName"),
            entity,
            entity_type,
            action,
            status: key("status"),
            by,
            properties,
            more,
        })
    }

    /// `Deployment 1b2c Update: allowedDomains a.example -> a.example, b.example`
    ///
    /// It begins as a change does that an event tells of: by that both are known to be one.
    pub fn words(&self) -> String {
        let kind = self.entity_type.as_ref().map_or("audit", Key::as_str);
        let mut words = kind.to_owned();
        for part in [&self.entity, &self.action].into_iter().flatten() {
            words.push(' ');
            words.push_str(part.as_str());
        }
        let mut between = ": ";
        for property in &self.properties {
            words.push_str(between);
            words.push_str(&property.words());
            between = "; ";
        }
        if self.more > 0 {
            words.push_str(&format!("; {} more", self.more));
        }
        let status = self.status.as_ref().map_or("", Key::as_str);
        if !status.is_empty() && !status.eq_ignore_ascii_case("success") {
            words.push_str("; ended as ");
            words.push_str(status);
        }
        if let Some((cut, _)) = words.char_indices().nth(MAX_WORDS) {
            words.truncate(cut);
            words.push('…');
        }
        words
    }
}

impl Property {
    fn read(change: &Value, is_setting: bool) -> Option<Self> {
        let name = key(change.get("property"))?;
        let lower = name.as_str().to_ascii_lowercase();
        let shown = is_setting && !HIDDEN.iter().any(|hidden| lower.contains(hidden));
        let values = |field: &str| -> Vec<Quoted> {
            let values = change.get(field).filter(|_| shown).and_then(Value::as_array);
            values.into_iter().flatten().take(MAX_VALUES + 1).map(value).collect()
        };
        Some(Self { old: values("oldValues"), new: values("newValues"), name, shown })
    }

    fn goes_first(&self) -> bool {
        let name = self.name.as_str().to_ascii_lowercase();
        FIRST.iter().any(|first| name.contains(first))
    }

    fn words(&self) -> String {
        let listed = |values: &[Quoted]| match values {
            [] => "nothing".to_owned(),
            values => {
                let some: Vec<_> = values.iter().take(MAX_VALUES).map(Quoted::as_str).collect();
                let more = if values.len() > MAX_VALUES { ", …" } else { "" };
                format!("{}{more}", some.join(", "))
            }
        };
        match self.shown && !(self.old.is_empty() && self.new.is_empty()) {
            true => format!("{} {} -> {}", self.name, listed(&self.old), listed(&self.new)),
            false => self.name.to_string(),
        }
    }
}

/// One value: a text, or what JSON writes. An address of a person is none that is kept.
fn value(value: &Value) -> Quoted {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.contains('@') {
        return Quoted::text("…");
    }
    match text.char_indices().nth(MAX_CHARS) {
        Some((cut, _)) => Quoted::text(&format!("{}…", text.get(..cut).unwrap_or_default())),
        None => Quoted::text(&text),
    }
}

fn key(value: Option<&Value>) -> Option<Key> {
    Key::new(value?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

    fn entry() -> Value {
        json!({
            "id": "a-1", "eventDate": "2026-11-21T12:00:00.250Z", "serviceName": "WebDeployments",
            "user": { "id": ID, "name": "Ada Lovelace" }, "client": { "id": "c-1", "name": "CLI" },
            "remoteIp": ["192.0.2.1"], "message": { "message": "Ada did it" },
            "action": "Update", "entityType": "Deployment", "status": "SUCCESS",
            "entity": { "id": "d-1", "name": "Shop" },
            "propertyChanges": [
                { "property": "name", "oldValues": ["a"], "newValues": ["b"] },
                { "property": "allowedDomains", "oldValues": [], "newValues": ["x.example"] },
            ],
        })
    }

    #[test]
    fn who_and_what_are_told_and_nobody_by_name() {
        let read = Entry::read(&entry()).unwrap();
        let words = "Deployment d-1 Update: allowedDomains nothing -> x.example; name a -> b";
        assert_eq!(read.words(), words);
        assert_eq!(read.by.as_ref().map(Key::as_str), Some(ID));
        let kept = serde_json::to_string(&read).unwrap();
        for person in ["Ada", "192.0.2", "Shop", "CLI"] {
            assert!(!kept.contains(person), "{person} in {kept}");
        }
    }

    #[test]
    fn the_form_of_a_topic_says_the_same() {
        let mut topic = entry();
        let fields = topic.as_object_mut().unwrap();
        fields.remove("user");
        fields.remove("eventDate");
        fields.insert("eventTime".to_owned(), json!(1_795_262_400_250_i64));
        fields.insert("userId".to_owned(), json!(ID));
        fields.insert("userDisplay".to_owned(), json!("Ada Lovelace"));
        let (topic, api) = (Entry::read(&topic).unwrap(), Entry::read(&entry()).unwrap());
        assert_eq!((topic.words(), topic.at, &topic.by), (api.words(), api.at, &api.by));
    }

    #[test]
    fn values_of_people_and_secrets_are_not_kept() {
        let mut of_person = entry();
        of_person["entityType"] = json!("User");
        assert_eq!(
            Entry::read(&of_person).unwrap().words(),
            "User d-1 Update: allowedDomains; name"
        );
        let mut secret = entry();
        secret["propertyChanges"] = json!([
            { "property": "clientSecret", "oldValues": ["hunter2"], "newValues": ["hunter3"] },
            { "property": "contact", "oldValues": ["ada@example.org"], "newValues": [7] },
            { "property": "lastModifiedUser", "newValues": ["Ada"] },
        ]);
        let read = Entry::read(&secret).unwrap();
        assert_eq!(
            read.words(),
            "Deployment d-1 Update: clientSecret; contact … -> 7; lastModifiedUser"
        );
        assert!(!serde_json::to_string(&read).unwrap().contains("hunter"));
    }

    #[test]
    fn what_is_long_or_hostile_is_cut_and_shown() {
        let mut hostile = entry();
        let values: Vec<_> =
            (0..100).map(|n| json!(format!("\u{1b}[2J{n}{}", "x".repeat(500)))).collect();
        hostile["propertyChanges"] = (0..40)
            .map(|n| json!({ "property": format!("p{n}"), "oldValues": values, "newValues": values }))
            .collect();
        hostile["status"] = json!("FAILURE");
        let read = Entry::read(&hostile).unwrap();
        assert_eq!((read.properties.len(), read.more), (16, 24));
        let words = read.words();
        assert!(words.chars().count() <= MAX_WORDS + 1 && words.ends_with('…'), "{words}");
        assert!(!words.contains('\u{1b}'));
        let mut failed = entry();
        failed["status"] = json!("FAILURE");
        assert!(Entry::read(&failed).unwrap().words().ends_with("; ended as FAILURE"));
    }

    #[test]
    fn rubbish_is_no_entry() {
        for rubbish in [
            json!(null),
            json!([]),
            json!({}),
            json!({ "eventDate": "2026-11-21T12:00:00Z" }),
            json!({ "eventDate": "soon", "action": "Update" }),
            json!({ "eventDate": 7, "action": "Update" }),
            json!({ "eventDate": "2026-11-21T12:00:00Z", "action": { "a": 1 }, "entity": [] }),
        ] {
            assert_eq!(Entry::read(&rubbish), None, "{rubbish}");
        }
    }
}

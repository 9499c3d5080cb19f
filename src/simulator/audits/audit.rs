//! A change, and who made it.

use jiff::Timestamp;
use serde_json::{Value, json};

/// A change.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Its id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who: id and name.
    pub user: (String, String),
    /// The service, such as `WebDeployments`.
    pub service: String,
    /// The kind of thing that was changed, such as `Deployment`.
    pub entity_type: String,
    /// The thing: id and name.
    pub entity: (String, String),
    /// `Update` and the like.
    pub action: String,
    /// Properties, with what they were before and after.
    pub changes: Vec<Change>,
}

/// A property, with what it was before and after.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its name.
    pub property: String,
    /// Before.
    pub old: Vec<String>,
    /// After.
    pub new: Vec<String>,
}

impl Audit {
    /// As the API shows it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "userHomeOrgId": "0a9c0de0-0000-4000-8000-000000000001",
            "user": { "id": self.user.0, "name": self.user.1 },
            "remoteIp": ["192.0.2.10"],
            "serviceName": self.service,
            "level": "USER",
            "eventDate": self.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "message": { "message": format!("{} {}", self.entity_type, self.action) },
            "action": self.action,
            "entity": { "id": self.entity.0, "name": self.entity.1 },
            "entityType": self.entity_type,
            "status": "SUCCESS",
            "application": "Admin UI",
            "initiatingAction": { "transactionId": self.id, "actionContext": "USER" },
            "transactionInitiator": true,
            "propertyChanges": self.property_changes(),
            "context": {},
        })
    }

    /// As its topic tells it, whose fields have other names.
    pub fn to_event(&self) -> Value {
        json!({
            "id": self.id,
            "userId": self.user.0,
            "userDisplay": self.user.1,
            "serviceName": self.service,
            "eventTime": self.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "action": self.action,
            "entityType": self.entity_type,
            "entity": { "id": self.entity.0, "name": self.entity.1 },
            "propertyChanges": self.property_changes(),
        })
    }

    fn property_changes(&self) -> Vec<Value> {
        let change = |change: &Change| {
            json!({
                "property": change.property, "oldValues": change.old, "newValues": change.new,
            })
        };
        self.changes.iter().map(change).collect()
    }
}

/// What is wanted of the changes.
#[derive(Debug)]
pub struct Filter {
    /// Not before.
    pub from: Timestamp,
    /// Before.
    pub to: Timestamp,
    /// The service; empty: of all.
    pub service: String,
    /// Properties, and what they must be.
    pub properties: Vec<(String, String)>,
}

impl Filter {
    /// What the body of a query says.
    pub fn of(body: &Value) -> Option<Self> {
        let (from, to) = body.get("interval")?.as_str()?.split_once('/')?;
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let filters = body.get("filters").and_then(Value::as_array);
        let properties = filters.into_iter().flatten();
        Some(Self {
            from: from.parse().ok()?,
            to: to.parse().ok()?,
            service: text(body, "serviceName"),
            properties: properties.map(|one| (text(one, "property"), text(one, "value"))).collect(),
        })
    }

    /// Whether a change is.
    pub fn wants(&self, audit: &Audit) -> bool {
        let is = |(property, value): &(String, String)| match property.as_str() {
            "EntityId" => audit.entity.0 == *value,
            "EntityType" => audit.entity_type == *value,
            "Action" => audit.action == *value,
            "UserId" => audit.user.0 == *value,
            _ => false,
        };
        (self.service.is_empty() || self.service == audit.service)
            && (self.from..self.to).contains(&audit.at)
            && self.properties.iter().all(is)
    }
}

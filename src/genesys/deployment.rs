//! A Messenger deployment: as the platform API has it, and as the public CDN publishes it.
//!
//! What is not as it should be is passed over and named: see [`super::reading`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::domains::{Domains, MAX_ENTRIES};
use super::reading::{Read, Reading, Unreadable};
use super::{Compat, DeploymentId};
use crate::event::key::Key;
use crate::outcome::quoted::Quoted;

/// Whether a deployment is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Being made.
    Pending,
    /// In use.
    Active,
    /// Switched off.
    Inactive,
    /// It could not be made.
    Error,
    /// Being deleted.
    Deleting,
    /// A word that is not known here.
    Other,
}

impl Status {
    /// Every one, in the order of output.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Active, Self::Inactive, Self::Error, Self::Deleting, Self::Other];

    /// The word in labels and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Error => "error",
            Self::Deleting => "deleting",
            Self::Other => "other",
        }
    }

    fn from_text(text: &str) -> Self {
        let same = |status: &Self| status.as_str().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(same).unwrap_or(Self::Other)
    }

    /// Whether pages can get in; none where the word is not known.
    pub fn is_on(self) -> Option<bool> {
        match self {
            Self::Active => Some(true),
            Self::Pending | Self::Inactive | Self::Error | Self::Deleting => Some(false),
            Self::Other => None,
        }
    }
}

/// Which configuration a deployment uses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Configuration {
    /// Its id.
    pub id: Option<Key>,
    /// The version of it.
    pub version: Option<Key>,
}

/// A deployment as the platform API has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// What people call it.
    pub name: Quoted,
    /// Whether it is in use.
    pub status: Option<Status>,
    /// Whom it lets in.
    pub domains: Option<Domains>,
    /// What it uses.
    pub configuration: Configuration,
    /// When somebody changed it last, as it says itself.
    pub modified_at: Option<Timestamp>,
}

impl Deployment {
    /// Reads one.
    pub fn read(value: &Value, compat: Compat) -> Result<Read<Self>, Unreadable> {
        let mut reading = Reading::of(value)?;
        let id = reading.parsed("id", "deployment id", |text| DeploymentId::new(text, compat).ok());
        let id = id.ok_or(Unreadable::Missing("id"))?;
        let deployment = Self {
            id,
            name: reading.quoted("name").unwrap_or_default(),
            status: status(&mut reading),
            domains: domains(&mut reading),
            configuration: reading.inside("configuration", |inner| Configuration {
                id: inner.key("id"),
                version: inner.key("version"),
            }),
            modified_at: reading.parsed("dateModified", "time", |text| text.parse().ok()),
        };
        Ok(reading.done(deployment))
    }

    /// Reads a channel of the seeds: it has whole origins in its list, and is on or off.
    pub fn of_channel(value: &Value) -> Result<Read<Self>, Unreadable> {
        let mut reading = Reading::of(value)?;
        let read = |text: &str| DeploymentId::new(text, Compat::Seed).ok();
        let id = reading.parsed("id", "channel id", read).ok_or(Unreadable::Missing("id"))?;
        let status = |on| if on { Status::Active } else { Status::Inactive };
        let list = reading
            .inside("webchatSettings", |inner| inner.list("corsAllowedOrigins", MAX_ENTRIES));
        let channel = Self {
            id,
            name: reading.quoted("name").unwrap_or_default(),
            status: reading.flag("enabled").map(status),
            domains: list.map(|(entries, cut)| Domains { allow_all: false, entries, cut }),
            configuration: Configuration::default(),
            modified_at: None,
        };
        Ok(reading.done(channel))
    }
}

/// A page of the list of deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Those that could be read.
    pub deployments: Vec<Read<Deployment>>,
    /// How many could not.
    pub unreadable: usize,
    /// Where the next page is, as the API says.
    pub next: Option<String>,
}

impl Page {
    /// Reads one with so many deployments at the most.
    pub fn read(value: &Value, most: usize, compat: Compat) -> Result<Self, Unreadable> {
        let object = value.as_object().ok_or(Unreadable::NotAnObject)?;
        let entities = object.get("entities").and_then(Value::as_array);
        let entities = entities.ok_or(Unreadable::Missing("entities"))?;
        let read: Vec<_> =
            entities.iter().take(most).map(|one| Deployment::read(one, compat)).collect();
        let unreadable = read.iter().filter(|read| read.is_err()).count();
        Ok(Self {
            deployments: read.into_iter().flatten().collect(),
            unreadable: unreadable + entities.len().saturating_sub(most),
            next: object.get("nextUri").filter(|next| !next.is_null()).map(|next| {
                // What is no text leads nowhere, and yet there is more.
                next.as_str().unwrap_or_default().to_owned()
            }),
        })
    }
}

/// Reads `domains.json` of the CDN.
pub fn published_domains(value: &Value) -> Result<Read<Domains>, Unreadable> {
    let mut reading = Reading::of(value)?;
    let domains = domains(&mut reading).ok_or(Unreadable::Missing("allowedDomains"))?;
    Ok(reading.done(domains))
}

/// What `config.json` of the CDN says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Published {
    /// Whether the deployment is in use.
    pub status: Option<Status>,
    /// What it uses.
    pub configuration: Configuration,
    /// Whether there is a Messenger at all.
    pub messenger: Option<bool>,
    /// Where conversations are held, as written.
    pub messaging_endpoint: Option<Quoted>,
    /// Whether visitors must sign in.
    pub auth: Option<bool>,
    /// Whether a conversation begins by itself.
    pub auto_start: Option<bool>,
}

impl Published {
    /// Reads it.
    pub fn read(value: &Value) -> Result<Read<Self>, Unreadable> {
        let mut reading = Reading::of(value)?;
        let status = status(&mut reading);
        let configuration =
            Configuration { id: reading.key("id"), version: reading.key("version") };
        let auth = reading.inside("auth", |auth| auth.flag("enabled"));
        let (messenger, messaging_endpoint, auto_start) =
            reading.inside("messenger", |messenger| {
                let enabled = messenger.flag("enabled");
                let (endpoint, auto) = messenger.inside("apps", |apps| {
                    apps.inside("conversations", |conversations| {
                        let endpoint = conversations.quoted("messagingEndpoint");
                        let auto = conversations.inside("autoStart", |auto| auto.flag("enabled"));
                        (endpoint, auto)
                    })
                });
                (enabled, endpoint, auto)
            });
        let published =
            Self { status, configuration, messenger, messaging_endpoint, auth, auto_start };
        if published == Self::default() {
            return Err(Unreadable::Missing("version"));
        }
        Ok(reading.done(published))
    }
}

fn status(reading: &mut Reading<'_>) -> Option<Status> {
    reading.parsed("status", "text", |text| Some(Status::from_text(text)))
}

/// None where neither key is there, or the list is none: nobody can say then whom it lets in.
fn domains(reading: &mut Reading<'_>) -> Option<Domains> {
    let unknown = reading.is_no_flag("allowAllDomains");
    let allow_all = reading.flag("allowAllDomains");
    let listed = reading.list("allowedDomains", MAX_ENTRIES);
    match (allow_all, listed) {
        (None | Some(false), None) => None,
        (allow_all, listed) => {
            let (entries, cut) = listed.unwrap_or_default();
            // Where it is no answer whether all get in, whom it lets in beside these is not known.
            Some(Domains { allow_all: allow_all.unwrap_or(false), entries, cut: cut || unknown })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_channel_of_the_seeds_is_a_deployment_of_origins() {
        let channel = json!({
            "id": "channel-1", "name": "Shop", "enabled": false, "version": 3,
            "webchatSettings": { "corsAllowedOrigins": ["https://www.shop.example"] },
        });
        let read = Deployment::of_channel(&channel).unwrap();
        assert_eq!((read.value.status, read.misfits.len()), (Some(Status::Inactive), 0));
        let list = read.value.domains.unwrap();
        assert_eq!(list.entries, [Quoted::text("https://www.shop.example")]);
        let without = Deployment::of_channel(&json!({ "id": "channel-1" })).unwrap();
        assert_eq!((without.value.status, without.value.domains), (None, None), "nobody knows");
        let wrong = json!({ "id": "c", "enabled": "yes", "webchatSettings": [] });
        assert_eq!(Deployment::of_channel(&wrong).unwrap().misfits.len(), 2);
        assert!(Deployment::of_channel(&json!({ "name": "Shop" })).is_err());
    }

    const ID: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

    fn one(value: &Value) -> Result<Read<Deployment>, Unreadable> {
        Deployment::read(value, Compat::Genesys)
    }

    fn named(misfits: &[super::super::reading::Misfit]) -> Vec<String> {
        misfits.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_deployment_of_the_api_is_read() {
        let read = one(&json!({
            "id": ID, "name": "Shop", "allowAllDomains": false,
            "allowedDomains": ["shop.example", "b.example"], "status": "Active",
            "dateModified": "2026-11-20T10:00:00.000Z", "configuration": {"id": "c-1", "version": "6"},
            "snippet": "<script>", "lastModifiedUser": {"id": "u"}, "selfUri": "/api/v2/x"
        }))
        .unwrap();
        assert_eq!(read.misfits, []);
        let deployment = read.value;
        assert_eq!((deployment.id.as_str(), deployment.name.as_str()), (ID, "Shop"));
        assert_eq!(deployment.status, Some(Status::Active));
        assert_eq!(deployment.domains.as_ref().unwrap().entries.len(), 2);
        assert_eq!(deployment.configuration.version.as_ref().unwrap().as_str(), "6");
        assert!(deployment.modified_at.is_some());
        let again: Deployment =
            serde_json::from_str(&serde_json::to_string(&deployment).unwrap()).unwrap();
        assert_eq!(again, deployment, "it survives a restart");
    }

    #[test]
    fn a_wrong_field_is_named_and_costs_nothing_else() {
        let read = one(&json!({
            "id": ID, "name": 7, "allowAllDomains": "no", "allowedDomains": ["a.example", 1],
            "status": "Dreaming", "dateModified": "yesterday", "configuration": {"id": "c", "version": 6}
        }))
        .unwrap();
        let expected = [
            "name is no text",
            "allowAllDomains is no boolean",
            "allowedDomains[] is no text",
            "dateModified is no time",
        ];
        assert_eq!(named(&read.misfits), expected);
        let deployment = read.value;
        assert_eq!(deployment.status, Some(Status::Other));
        assert_eq!(deployment.configuration.version.unwrap().as_str(), "6", "a number will do");
        let domains = deployment.domains.unwrap();
        assert_eq!((domains.entries.len(), domains.cut), (1, true), "others may get in too");
        let read = one(&json!({"id": ID, "configuration": [], "allowedDomains": {}}));
        let read = read.unwrap();
        assert_eq!(
            named(&read.misfits),
            ["allowedDomains is no list", "configuration is no object"]
        );
        assert_eq!(read.value.domains, None, "an unknown list is not an empty one");
    }

    #[test]
    fn what_is_no_deployment_is_none() {
        for value in [json!([]), json!("x"), json!(null)] {
            assert_eq!(one(&value), Err(Unreadable::NotAnObject), "{value}");
        }
        for id in [json!(null), json!(1), json!("../../oauth"), json!("")] {
            let read = one(&json!({ "id": id, "name": "x" }));
            assert_eq!(read, Err(Unreadable::Missing("id")), "{id}");
        }
    }

    #[test]
    fn a_page_keeps_what_can_be_read() {
        let page = json!({"entities": [{"id": ID}, {"name": "no id"}, 7, {"id": ID}],
            "nextUri": "/api/v2/webdeployments/deployments?after=x"});
        let page = Page::read(&page, 3, Compat::Genesys).unwrap();
        assert_eq!((page.deployments.len(), page.unreadable), (1, 3));
        assert!(page.next.unwrap().contains("after=x"));
        for (next, read) in [(json!(null), None), (json!(7), Some("")), (json!({}), Some(""))] {
            let page = Page::read(&json!({"entities": [], "nextUri": next}), 3, Compat::Genesys);
            assert_eq!(page.unwrap().next.as_deref(), read);
        }
        assert_eq!(
            Page::read(&json!({}), 3, Compat::Genesys),
            Err(Unreadable::Missing("entities"))
        );
    }

    #[test]
    fn the_files_of_the_cdn_are_read() {
        let domains = published_domains(&json!({"allowAllDomains": true, "allowedDomains": []}));
        assert!(domains.unwrap().value.allow_all);
        assert!(published_domains(&json!({"allowAllDomains": false})).is_err());
        let many: Vec<_> = (0..MAX_ENTRIES + 1).map(|n| format!("h{n}.example")).collect();
        let many = published_domains(&json!({ "allowedDomains": many })).unwrap().value;
        assert_eq!((many.entries.len(), many.cut), (MAX_ENTRIES, true));

        let capture = json!({
            "id": "c-1", "version": "6", "status": "Active", "headlessMode": {"enabled": false},
            "messenger": {"enabled": true, "apps": {"conversations": {
                "messagingEndpoint": "wss://webmessaging.mypurecloud.ie",
                "autoStart": {"enabled": false}, "sessionDurationSeconds": 259200}}},
            "auth": {"enabled": false, "allowSessionUpgrade": false}
        });
        let read = Published::read(&capture).unwrap();
        assert_eq!(read.misfits, []);
        let published = read.value;
        assert_eq!(published.status, Some(Status::Active));
        assert_eq!(
            published.messaging_endpoint.unwrap().as_str(),
            "wss://webmessaging.mypurecloud.ie"
        );
        assert_eq!(
            (published.messenger, published.auth, published.auto_start),
            (Some(true), Some(false), Some(false))
        );
        assert!(Published::read(&json!({"Code": "AccessDenied"})).is_err());
        let odd = Published::read(
            &json!({"version": "7", "messenger": {"apps": 1}, "auth": {"enabled": 0}}),
        );
        assert_eq!(
            named(&odd.unwrap().misfits),
            ["auth.enabled is no boolean", "messenger.apps is no object"]
        );
    }
}

//! A web deployment.

use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::configuration::Configuration;

/// Who may connect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowList {
    /// Everybody.
    pub all: bool,
    /// Pages of these domains, as they were typed.
    pub domains: Vec<String>,
}

impl AllowList {
    /// Pages of these domains.
    pub fn of(domains: &[&str]) -> Self {
        Self { all: false, domains: domains.iter().map(|domain| (*domain).to_owned()).collect() }
    }

    /// Everybody.
    pub fn everybody() -> Self {
        Self { all: true, domains: Vec::new() }
    }

    /// As the CDN shows it.
    pub fn to_json(&self) -> Value {
        json!({ "allowAllDomains": self.all, "allowedDomains": self.domains })
    }
}

/// What the socket makes of its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforcement {
    /// The messenger's rule: the host of the origin is an entry, or below one.
    Suffix,
    /// The host of the origin is an entry.
    Exact,
    /// The socket opens to everybody; the messenger's rule counts once something is said.
    AtFirstFrame,
    /// Everybody gets in.
    Open,
    /// Nobody does.
    Deny,
}

/// The state of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are those of the API")]
pub enum Status {
    Pending,
    Active,
    Inactive,
    Error,
    Deleting,
}

impl Status {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Error => "Error",
            Self::Deleting => "Deleting",
        }
    }

    /// The state of a word.
    pub fn from_text(word: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Active, Self::Inactive, Self::Error, Self::Deleting];
        all.into_iter().find(|status| status.word() == word)
    }
}

/// A web deployment.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its state.
    pub status: Status,
    /// The list that the API shows.
    pub api: AllowList,
    /// The list on the CDN.
    pub cdn: AllowList,
    /// The list that the socket goes by.
    pub socket: AllowList,
    /// What the socket makes of it.
    pub enforcement: Enforcement,
    /// Whether a request without an origin gets in where not everybody does.
    pub without_origin: bool,
    /// Whether an edit reaches the CDN and the socket at once.
    pub propagates: bool,
    /// Whether the CDN has its files.
    pub published: bool,
    /// Its configuration.
    pub configuration: Configuration,
    /// Whether the session says that it began a conversation by itself.
    pub auto_started: bool,
    /// Whether the conversation of every session is over.
    pub read_only: bool,
    /// Whether what the contact centre says comes before the answer that it follows.
    pub out_of_order: bool,
    /// Connections in a minute, of whomever.
    pub connections_per_minute: usize,
    /// When it was edited last.
    pub modified: Timestamp,
    /// The id of who did.
    pub modified_by: String,
}

impl Deployment {
    /// An active deployment for pages of these domains.
    pub fn new(id: &str, name: &str, domains: &[&str], now: Timestamp) -> Self {
        let list = AllowList::of(domains);
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            status: Status::Active,
            api: list.clone(),
            cdn: list.clone(),
            socket: list,
            enforcement: Enforcement::Suffix,
            without_origin: false,
            propagates: true,
            published: true,
            configuration: Configuration::new(&id.replace("-8000-", "-9000-"), name),
            auto_started: false,
            read_only: false,
            out_of_order: false,
            connections_per_minute: 1000,
            modified: now,
            modified_by: "5e709000-0000-4000-8000-000000000001".to_owned(),
        }
    }

    /// The same, for everybody.
    pub fn for_everybody(mut self) -> Self {
        self.api = AllowList::everybody();
        self.propagate();
        self
    }

    /// The same, inactive.
    pub fn inactive(mut self) -> Self {
        self.status = Status::Inactive;
        self
    }

    /// Sets the list everywhere.
    pub fn allow(&mut self, list: AllowList) {
        self.api = list;
        self.propagate();
    }

    /// The CDN and the socket go by the list of the API.
    pub fn propagate(&mut self) {
        self.cdn = self.api.clone();
        self.socket = self.api.clone();
    }

    /// Whether the socket opens to a page of this origin.
    pub fn opens_to(&self, origin: Option<&str>) -> bool {
        self.enforcement == Enforcement::AtFirstFrame || self.admits(origin)
    }

    /// Whether the messenger behind the socket takes a page of this origin.
    pub fn admits(&self, origin: Option<&str>) -> bool {
        match (self.enforcement, origin) {
            (Enforcement::Open, _) => true,
            (Enforcement::Deny, _) => false,
            _ if self.socket.all => true,
            (_, None) => self.without_origin,
            (rule, Some(origin)) => {
                let host = host(origin);
                self.socket.domains.iter().any(|entry| {
                    let entry = entry.to_ascii_lowercase();
                    let below =
                        || rule != Enforcement::Exact && host.ends_with(&format!(".{entry}"));
                    host == entry || below()
                })
            }
        }
    }

    /// As the API shows it.
    pub fn to_json(&self) -> Value {
        let uri = format!("/api/v2/webdeployments/deployments/{}", self.id);
        json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "allowAllDomains": self.api.all,
            "allowedDomains": self.api.domains,
            "status": self.status.word(),
            "dateCreated": "2026-01-15T09:00:00.000Z",
            "dateModified": self.modified.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "lastModifiedUser": { "id": self.modified_by },
            "configuration": {
                "id": self.configuration.id,
                "version": self.configuration.version.to_string(),
            },
            "selfUri": uri,
        })
    }
}

/// The host of an origin, with or without a scheme.
fn host(origin: &str) -> String {
    let url = match origin.contains("://") {
        true => Url::parse(origin),
        false => Url::parse(&format!("https://{origin}")),
    };
    url.ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_looks_at_hosts_alone() {
        let mut shop = Deployment::new(
            "id",
            "Shop",
            &["Shop.example", "https://b.example"],
            Timestamp::UNIX_EPOCH,
        );
        for (origin, admitted) in [
            ("https://shop.example", true),
            ("http://shop.example:8080", true),
            ("https://WWW.shop.example", true),
            ("shop.example", true),
            ("https://myshop.example", false),
            ("https://shop.example.evil.example", false),
            ("https://b.example", false),
            ("null", false),
        ] {
            assert_eq!(shop.admits(Some(origin)), admitted, "{origin}");
        }
        assert!(!shop.admits(None));
        shop.without_origin = true;
        assert!(shop.admits(None));
        shop.enforcement = Enforcement::Exact;
        assert!(shop.admits(Some("https://shop.example")));
        assert!(!shop.admits(Some("https://www.shop.example")));
        shop.enforcement = Enforcement::AtFirstFrame;
        assert!(shop.admits(Some("https://www.shop.example")));
        let evil = Some("https://evil.example");
        assert!(shop.opens_to(evil) && !shop.admits(evil));
        shop.enforcement = Enforcement::Deny;
        assert!(!shop.admits(Some("https://shop.example")));
        shop.enforcement = Enforcement::Open;
        assert!(shop.admits(Some("https://evil.example")));
    }

    #[test]
    fn an_empty_list_blocks_all_and_everybody_is_everybody() {
        let mut shop = Deployment::new("id", "Shop", &[], Timestamp::UNIX_EPOCH);
        assert!(!shop.admits(Some("https://shop.example")));
        shop.allow(AllowList::everybody());
        assert!(shop.admits(Some("https://evil.example")));
        assert!(shop.admits(None));
    }
}

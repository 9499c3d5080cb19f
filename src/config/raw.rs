//! The shape of `config.toml`, key by key, before anything is made of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::field::{Field, Table};
use super::secret::{OneOrMore, SecretSource};
use super::values::{
    HostName, HumanDuration, JsonValue, Line, LogFormat, NonEmpty, PatternText, Ratio,
};
use crate::check::endpoint::{AddressFamily, EndpointName};
use crate::check::fetch::Method;
use crate::check::messaging::Level;
use crate::check::origin::{Expect, Origin};
use crate::check::probe::ProbeKind;
use crate::check::target::{ConnectTo, Target};
use crate::correlate::Silence;
use crate::event::key::Key;
use crate::genesys::Compat;
use crate::genesys::domains::OriginMatch;
use crate::genesys::region::Region;
use crate::incident::severity::Severity;

/// A list of tables.
pub type Tables<T> = Table<Vec<Table<T>>>;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct File {
    pub daemon: Table<Daemon>,
    pub store: Table<Store>,
    pub events: Table<Events>,
    pub correlation: Table<Correlation>,
    pub selfcheck: Table<Selfcheck>,
    pub defaults: Table<Endpoint>,
    pub endpoints: Tables<Endpoint>,
    pub receivers: Tables<Receiver>,
    pub notify: Tables<Notify>,
    pub genesys: Table<Genesys>,
}

/// `[daemon]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Daemon {
    pub listen: Field<SocketAddr>,
    pub contact: Field<Line>,
    pub nameservers: Field<Vec<SocketAddr>>,
    pub log_format: Field<LogFormat>,
    pub max_inflight: Field<u32>,
    pub max_series: Field<u32>,
    pub prime_failures: Field<bool>,
    pub admin: Field<bool>,
    pub watch_config: Field<bool>,
}

/// `[store]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Store {
    pub path: Field<PathBuf>,
    pub retention: Field<HumanDuration>,
    pub max_size_mib: Field<u32>,
}

/// `[events]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Events {
    pub path: Field<PathBuf>,
    pub retention: Field<HumanDuration>,
    pub max_size_mib: Field<u32>,
    pub capacity: Field<u32>,
}

/// `[correlation]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Correlation {
    pub settle: Field<HumanDuration>,
    pub silence: Field<Silence>,
}

/// `[selfcheck]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Selfcheck {
    pub enabled: Field<bool>,
    pub interval: Field<HumanDuration>,
    pub egress: Field<Vec<SocketAddr>>,
    pub dns_name: Field<HostName>,
}

/// `[[endpoints]]`, and `[defaults]` for all that has no name of its own.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Endpoint {
    pub name: Field<EndpointName>,
    pub url: Field<Target>,
    pub deployment: Field<Line>,
    pub probes: Field<Vec<ProbeKind>>,
    pub origins: Tables<Origins>,
    pub interval: Field<HumanDuration>,
    pub timeout: Field<HumanDuration>,
    pub connect_to: Field<ConnectTo>,
    pub address_family: Field<AddressFamily>,
    pub ca_file: Field<PathBuf>,
    pub client_cert: Field<PathBuf>,
    pub client_key: Field<PathBuf>,
    pub headers: Table<BTreeMap<String, Field<SecretSource>>>,
    pub subprotocols: Field<Vec<String>>,
    pub messages: Tables<Message>,
    pub refusal_statuses: Field<Vec<u16>>,
    pub messaging: Table<Messaging>,
    pub cors: Table<Cors>,
    pub http: Table<Http>,
    pub users: Table<Users>,
    pub max_inflight: Field<u32>,
    pub slo: Field<Ratio>,
    pub team: Field<Line>,
    pub tier: Field<Line>,
    pub runbook: Field<Line>,
    pub health: Table<Health>,
}

/// `messaging`
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Messaging {
    pub level: Field<Level>,
    pub starts_conversations: Field<bool>,
    pub attributes: Table<BTreeMap<String, Field<NonEmpty>>>,
}

/// `cors`
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Cors {
    pub method: Field<Method>,
    pub headers: Table<BTreeMap<String, Field<SecretSource>>>,
    pub credentials: Field<bool>,
    pub body: Field<NonEmpty>,
    pub preflight_only: Field<bool>,
    pub expect_statuses: Field<Vec<u16>>,
    pub forgeries: Field<bool>,
}

/// `http`
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Http {
    pub method: Field<Method>,
    pub headers: Table<BTreeMap<String, Field<SecretSource>>>,
    pub body: Field<NonEmpty>,
    pub expect_statuses: Field<Vec<u16>>,
    pub expect_json: Tables<ExpectJson>,
    pub forbid_headers: Field<Vec<String>>,
}

/// `users`
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Users {
    pub deployments: Field<Vec<Key>>,
    pub addresses: Field<Vec<Key>>,
    pub queues: Field<Vec<Key>>,
    pub flows: Field<Vec<Key>>,
}

/// One row of `origins`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Origins {
    pub origin: Field<Origin>,
    pub expect: Field<Expect>,
    pub name: Field<EndpointName>,
}

/// One row of `messages`: exactly one of its keys.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Message {
    pub send: Field<NonEmpty>,
    pub expect_regex: Field<PatternText>,
    pub expect_json: Table<ExpectJson>,
}

impl Message {
    /// How many of its keys are there, right or wrong.
    pub fn given(&self) -> usize {
        let given = [
            !matches!(self.send, Field::Absent),
            !matches!(self.expect_regex, Field::Absent),
            !matches!(self.expect_json, Table::Absent),
        ];
        given.into_iter().filter(|given| *given).count()
    }
}

/// `expect-json`
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct ExpectJson {
    pub pointer: Field<NonEmpty>,
    pub equals: Field<JsonValue>,
}

/// `health`
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Health {
    pub down_after: Field<u8>,
    pub down_window: Field<u8>,
    pub up_after: Field<u8>,
    pub confirm_runs: Field<u8>,
    pub confirm_delay: Field<HumanDuration>,
}

/// `[[receivers]]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Receiver {
    pub name: Field<EndpointName>,
    pub path: Field<Line>,
    pub auth: Tables<Auth>,
    pub open: Field<Line>,
    pub max_rate: Field<u32>,
}

/// One row of `auth`: exactly one of its keys.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Auth {
    pub api_key: Table<ApiKey>,
    pub basic: Table<Basic>,
    pub bearer: Table<Secrets>,
    pub hub_signature: Table<Secrets>,
    pub standard_webhooks: Table<Secrets>,
}

/// `api-key`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ApiKey {
    pub header: Field<Line>,
    pub values: Field<Vec<SecretSource>>,
}

/// `basic`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Basic {
    pub user: Field<Line>,
    pub values: Field<Vec<SecretSource>>,
}

/// The other methods.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Secrets {
    pub values: Field<Vec<SecretSource>>,
}

/// `[[notify]]`
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Notify {
    pub name: Field<EndpointName>,
    pub webhook: Field<Target>,
    pub alertmanager: Field<Target>,
    pub secret: Field<OneOrMore>,
    pub endpoints: Field<Vec<EndpointName>>,
    pub min_severity: Field<Severity>,
    pub external_url: Field<Target>,
    pub ca_file: Field<PathBuf>,
}

/// `[genesys]`
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Genesys {
    pub region: Field<Region>,
    pub compat: Field<Compat>,
    pub client_id: Field<SecretSource>,
    pub client_secret: Field<SecretSource>,
    pub scope: Field<Line>,
    pub requests_per_minute: Field<u32>,
    pub connections_per_minute: Field<u32>,
    pub login_url: Field<Target>,
    pub api_url: Field<Target>,
    pub cdn_url: Field<Target>,
    pub apps_url: Field<Target>,
    pub messaging_url: Field<Target>,
    pub streaming_url: Field<Target>,
    pub status_url: Field<Target>,
    pub channels_path: Field<Line>,
    pub webhooks_path: Field<Line>,
    pub ca_file: Field<PathBuf>,
    pub origin_match: Field<OriginMatch>,
    pub discover: Field<bool>,
    pub refresh: Field<HumanDuration>,
    pub topics: Field<Vec<Key>>,
    pub audits: Field<bool>,
    pub audit_services: Field<Vec<Key>>,
    pub audit_path: Field<Line>,
    pub status_page: Field<bool>,
    pub status_component: Field<Line>,
}

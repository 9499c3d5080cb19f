//! The shape of a file of deployments, key by key, before anything is made of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::values::{Id, Status, Text, Via};
use crate::check::origin::{Expect, Origin};
use crate::check::target::Target;
use crate::config::field::{Field, Table};
use crate::config::secret::SecretSource;
use crate::config::unknown::keys;
use crate::config::values::{JsonValue, Line};

/// A list of tables.
pub type Tables<T> = Table<Vec<Table<T>>>;

/// A list of values, each with its place.
pub type Fields<T> = Table<Vec<Field<T>>>;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct File {
    pub deployments: Tables<Deployment>,
    pub channels: Tables<Channel>,
    pub webhook: Table<Webhook>,
}

/// `[[deployments]]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Deployment {
    pub id: Field<Id>,
    pub name: Field<Line>,
    pub description: Field<Text>,
    pub status: Field<Status>,
    pub allow_all_domains: Field<bool>,
    pub allowed_domains: Fields<Line>,
    pub origins: Tables<Page>,
}

/// `[[channels]]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Channel {
    pub id: Field<Id>,
    pub name: Field<Line>,
    pub description: Field<Text>,
    pub enabled: Field<bool>,
    pub webchat_url: Field<Target>,
    pub webchat_id: Field<Line>,
    pub auth_provider_id: Field<Line>,
    pub cors_allowed_origins: Fields<Line>,
    pub websocket_path: Field<Line>,
    pub origins: Tables<Page>,
}

/// A row of `origins`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Page {
    pub origin: Field<Origin>,
    pub expect: Field<Expect>,
}

/// `[webhook]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Webhook {
    pub address: Field<Target>,
    pub name: Field<Line>,
    pub enabled: Field<bool>,
    pub event: Field<Line>,
    pub filter: Field<Line>,
    pub headers: Table<BTreeMap<String, Field<SecretSource>>>,
    pub receiver: Field<Line>,
    pub via: Field<Via>,
    pub topics: Fields<Line>,
    pub workflow: Field<Id>,
    pub match_criteria: Tables<Criterion>,
}

/// A row of `match-criteria`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Criterion {
    pub json_path: Field<Line>,
    pub operator: Field<Line>,
    pub value: Field<JsonValue>,
}

/// The keys of each table.
pub fn known_keys(parents: &[&str]) -> &'static [&'static str] {
    match parents {
        [] => keys::<File>(),
        ["deployments", _] => keys::<Deployment>(),
        ["channels", _] => keys::<Channel>(),
        ["webhook"] => keys::<Webhook>(),
        ["webhook", "match-criteria", _] => keys::<Criterion>(),
        [.., "origins", _] => keys::<Page>(),
        _ => &[],
    }
}

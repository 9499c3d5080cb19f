//! The read model: what the page, the metrics and the API show of the organisation.

pub mod news;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::discovery::Skip;
use super::known::Known;
use super::refresh::Cut;
use crate::config::genesys::Genesys;
use crate::genesys::DeploymentId;
use crate::genesys::domains::OriginMatch;
use news::{Channel, Feed, StatusPage};

/// Rounds after which what was said last is no evidence any more.
const STALE_ROUNDS: u32 = 3;

/// What is known of an organisation.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Which; none where the config has no `[genesys]`.
    pub organisation: Option<Organisation>,
    /// Its deployments, and those that endpoints name.
    pub deployments: BTreeMap<DeploymentId, Arc<Known>>,
    /// How the last round went.
    pub round: Round,
    /// Deployments that become no endpoint, and why.
    pub skipped: Vec<(DeploymentId, Skip)>,
    /// The audit log.
    pub audits: Feed,
    /// The public status page.
    pub status_page: StatusPage,
    /// The notification channel; none where no topic is wanted.
    pub channel: Option<Channel>,
    /// Why nothing is found out any more.
    pub broken: Option<String>,
}

/// An organisation, as the config has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// The AWS name of its region.
    pub region: &'static str,
    /// Whether it is asked as a client, or the CDN alone is.
    pub has_credentials: bool,
    /// By which rule its lists are read.
    pub origin_match: OriginMatch,
    /// Whether its deployments become endpoints.
    pub discover: bool,
    /// Time between rounds.
    pub refresh: Duration,
}

/// How a round went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// When the last one ended.
    pub ended_at: Option<Timestamp>,
    /// When the last one ended in which every question was answered.
    pub succeeded_at: Option<Timestamp>,
    /// Why the last one was none of these: a word and a sentence.
    pub trouble: Option<(&'static str, String)>,
    /// Why it was told of some deployments alone.
    pub cut: Option<Cut>,
}

impl View {
    /// Of an organisation of which nothing is known yet.
    pub fn of(genesys: Option<&Genesys>) -> Self {
        let organisation = genesys.map(|genesys| Organisation {
            region: genesys.account.region.aws,
            has_credentials: genesys.account.credentials.is_some(),
            origin_match: genesys.origin_match,
            discover: genesys.discover,
            refresh: genesys.refresh,
        });
        let listens = genesys.is_some_and(|genesys| !genesys.news.topics.is_empty());
        Self { organisation, channel: listens.then(Channel::default), ..Self::default() }
    }

    /// Changes what is known of the notification channel.
    pub fn channel(&mut self, change: impl FnOnce(&mut Channel)) {
        change(self.channel.get_or_insert_default());
    }

    /// How old an answer may be that counts as evidence.
    pub fn patience(&self) -> Duration {
        let refresh = self.organisation.as_ref().map(|organisation| organisation.refresh);
        refresh.unwrap_or_default() * STALE_ROUNDS
    }
}

//! What is known of deployments, and found of their pages, as JSON. Its fields are a contract.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::binding::{Bound, findings, findings_of};
use super::discovery::Skip;
use super::known::{Answer, Known, Source};
use super::refresh::Cut;
use super::view::View;
use crate::check::endpoint::EndpointName;
use crate::check::origin::Expect;
use crate::genesys::DeploymentId;
use crate::genesys::deployment::Status;
use crate::genesys::domains::OriginMatch;
use crate::genesys::finding::{Doubt, Evidence, Finding};
use crate::genesys::lint::{Oddity, lint};
use crate::outcome::quoted::Quoted;
use crate::record::snapshot::Snapshot;

/// `GET /api/v1/deployments`
#[derive(Debug, Serialize)]
pub struct Deployments {
    /// When this was put together.
    pub taken_at: Timestamp,
    /// The AWS name of the region; null where no organisation is configured.
    pub region: Option<&'static str>,
    /// How the last round went.
    pub round: Round,
    /// By their ids.
    pub deployments: Vec<Deployment>,
}

/// How the last round went.
#[derive(Debug, Serialize)]
pub struct Round {
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When the last one ended in which every question was answered.
    pub succeeded_at: Option<Timestamp>,
    /// Why this one was none, or why there are none any more.
    pub trouble: Option<Trouble>,
    /// Why not every deployment was told of.
    pub cut: Option<Trouble>,
}

/// Why something is not known.
#[derive(Debug, Serialize)]
pub struct Trouble {
    /// A word for it.
    pub code: &'static str,
    /// A sentence.
    pub sentence: String,
}

impl From<Cut> for Trouble {
    fn from(cut: Cut) -> Self {
        Self { code: cut.code(), sentence: cut.sentence().to_owned() }
    }
}

/// One deployment.
#[derive(Debug, Serialize)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// What people call it.
    pub name: Option<String>,
    /// Whether it is in use, as was said last.
    pub status: Option<Status>,
    /// Which version of its configuration it has.
    pub configuration_version: Option<String>,
    /// Whether every page gets in; null where the list is not known, here and below.
    pub allow_all_domains: Option<bool>,
    /// The list.
    pub allowed_domains: Option<Vec<Quoted>>,
    /// When the list was seen to change last.
    pub list_changed_at: Option<Timestamp>,
    /// What is odd about it.
    pub oddities: Vec<Remark>,
    /// In what the CDN differs from the platform API.
    pub contradictions: Vec<String>,
    /// Who says so.
    pub sources: Sources,
    /// Why it becomes no endpoint, where it might.
    pub skipped: Option<Skip>,
    /// What is so with its pages.
    pub findings: Vec<Found>,
}

/// One oddity.
#[derive(Debug, Serialize)]
pub struct Remark {
    /// Which.
    pub oddity: Oddity,
    /// The entry, where it is one's.
    pub entry: Option<Quoted>,
    /// What to write instead, or which other entry it is about.
    pub instead: Option<Quoted>,
    /// What that means.
    pub sentence: &'static str,
    /// What to do about it.
    pub fix: &'static str,
}

/// Who was asked.
#[derive(Debug, Serialize)]
pub struct Sources {
    /// The platform API.
    pub api: SourceView,
    /// `domains.json` on the CDN.
    pub domains: SourceView,
    /// `config.json` on the CDN.
    pub config: SourceView,
}

/// What one of them says.
#[derive(Debug, Serialize)]
pub struct SourceView {
    /// `not_asked`, `said`, `absent` or `trouble`.
    pub answer: &'static str,
    /// When what is shown was true last.
    pub said_at: Option<Timestamp>,
    /// Whether that is longer ago than it should be.
    pub stale: bool,
    /// Why there was no answer.
    pub trouble: Option<String>,
    /// Fields that were not as they should be.
    pub warnings: Vec<String>,
}

/// What is so with one page.
#[derive(Debug, Serialize)]
pub struct Found {
    /// The endpoint.
    pub endpoint: String,
    /// The label of the page.
    pub origin: String,
    /// Whether it must get in.
    pub expect: Expect,
    /// What is so.
    pub finding: Finding,
    /// Why it cannot be told.
    pub doubt: Option<Doubt>,
    /// Whether the list was changed so lately that servers may not know it.
    pub propagating: bool,
    /// What it rests on.
    pub evidence: Evidence,
    /// What is so, in plain words.
    pub sentence: String,
    /// What to do about it.
    pub fix: &'static str,
}

impl Deployments {
    /// Everything.
    pub fn new(snapshot: &Snapshot, view: &View) -> Self {
        let now = snapshot.taken_at;
        let mut found: BTreeMap<DeploymentId, Vec<Found>> = BTreeMap::new();
        for bound in findings(snapshot, view) {
            found.entry(bound.deployment.clone()).or_default().push(Found::new(&bound));
        }
        let deployments = view.deployments.values().map(|known| {
            let skipped = view.skipped.iter().find(|(id, _)| *id == known.id);
            Deployment {
                skipped: skipped.map(|(_, skip)| *skip),
                findings: found.remove(&known.id).unwrap_or_default(),
                ..Deployment::new(known, view, now)
            }
        });
        Self {
            taken_at: now,
            region: view.organisation.as_ref().map(|organisation| organisation.region),
            round: Round::new(view),
            deployments: deployments.collect(),
        }
    }
}

impl Round {
    fn new(view: &View) -> Self {
        let broken = view.broken.as_ref();
        let broken = broken.map(|why| Trouble { code: "broken", sentence: why.clone() });
        let trouble = view.round.trouble.as_ref();
        let trouble = trouble.map(|(code, sentence)| Trouble { code, sentence: sentence.clone() });
        Self {
            ended_at: view.round.ended_at,
            succeeded_at: view.round.succeeded_at,
            trouble: broken.or(trouble),
            cut: view.round.cut.map(Trouble::from),
        }
    }
}

impl Deployment {
    /// One, without what was found of its pages.
    pub fn new(known: &Known, view: &View, now: Timestamp) -> Self {
        let rule = view.organisation.as_ref().map(|organisation| organisation.origin_match);
        let patience = view.patience();
        let list = known.list();
        let source = |source: SourceView, stale| SourceView { stale, ..source };
        Self {
            id: known.id.clone(),
            name: known.name().map(str::to_owned),
            status: known.status(),
            configuration_version: known
                .configuration()
                .and_then(|configuration| configuration.version.as_ref())
                .map(ToString::to_string),
            allow_all_domains: list.map(|list| list.allow_all),
            allowed_domains: list.map(|list| list.entries.clone()),
            list_changed_at: known.list_changed_at,
            oddities: remarks(known, rule.unwrap_or_default()),
            contradictions: known.contradictions(patience, now),
            sources: Sources {
                api: source(SourceView::new(&known.api), known.api.is_stale(patience, now)),
                domains: source(
                    SourceView::new(&known.domains),
                    known.domains.is_stale(patience, now),
                ),
                config: source(
                    SourceView::new(&known.config),
                    known.config.is_stale(patience, now),
                ),
            },
            skipped: None,
            findings: Vec::new(),
        }
    }
}

/// What is odd about the list of a deployment.
pub fn remarks(known: &Known, rule: OriginMatch) -> Vec<Remark> {
    let found = known.list().map(|list| lint(list, rule)).unwrap_or_default();
    let remark = |found: crate::genesys::lint::Remark| Remark {
        oddity: found.oddity,
        entry: found.entry,
        instead: found.instead,
        sentence: found.oddity.sentence(),
        fix: found.oddity.fix(),
    };
    found.into_iter().map(remark).collect()
}

impl SourceView {
    fn new<T>(source: &Source<T>) -> Self {
        let (answer, trouble) = match &source.answer {
            Answer::NotAsked => ("not_asked", None),
            Answer::Said => ("said", None),
            Answer::Absent => ("absent", None),
            Answer::Trouble(why) => ("trouble", Some(why.clone())),
        };
        Self {
            answer,
            said_at: source.said_at,
            stale: false,
            trouble,
            warnings: source.misfits.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Found {
    /// Those of an endpoint that are not what the config wants.
    pub fn wrong_at(endpoint: &EndpointName, snapshot: &Snapshot, view: &View) -> Vec<Self> {
        let checks = snapshot.checks.iter();
        let mine = checks.filter(|record| record.check.endpoint.name == *endpoint);
        let bound = findings_of(mine, snapshot.taken_at, view);
        bound.iter().map(Self::new).filter(Self::is_wrong).collect()
    }

    /// Whether it is not what the config wants.
    pub fn is_wrong(&self) -> bool {
        match self.finding {
            Finding::Ok => self.expect == Expect::Deny,
            Finding::OriginNotAllowed => self.expect == Expect::Allow,
            _ => true,
        }
    }

    fn new(bound: &Bound) -> Self {
        let Bound { record, diagnosis, .. } = bound;
        let check = &record.check;
        Self {
            endpoint: check.endpoint.name.to_string(),
            origin: check.origin.as_ref().map_or(String::new(), |rule| rule.name.clone()),
            expect: check.expect(),
            finding: diagnosis.finding,
            doubt: diagnosis.doubt,
            propagating: diagnosis.propagating,
            evidence: bound.evidence,
            sentence: diagnosis.sentence(),
            fix: diagnosis.fix(),
        }
    }
}

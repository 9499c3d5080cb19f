//! What is known of one deployment, from each who was asked. Pure: `now` is passed in.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::check::origin::{Expect, Origin};
use crate::genesys::DeploymentId;
use crate::genesys::deployment::{Configuration, Deployment, Published, Status};
use crate::genesys::domains::{Domains, OriginMatch};
use crate::genesys::finding::{PROPAGATION, Standing};
use crate::genesys::lint::{Oddity, shuts_out};
use crate::genesys::reading::Misfit;

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its id.
    pub id: DeploymentId,
    /// What the platform API says.
    pub api: Source<Deployment>,
    /// What `domains.json` says.
    pub domains: Source<Domains>,
    /// What `config.json` says.
    pub config: Source<Published>,
    /// When its list was seen to change last.
    pub list_changed_at: Option<Timestamp>,
}

/// What one of them says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source<T> {
    /// What was said last.
    pub said: Option<T>,
    /// When that was true last.
    pub said_at: Option<Timestamp>,
    /// What came of the last question.
    pub answer: Answer,
    /// What could not be read of it.
    #[serde(default = "Vec::new")]
    pub misfits: Vec<Misfit>,
    /// By what it is known not to have changed.
    pub etag: Option<String>,
}

impl<T> Default for Source<T> {
    fn default() -> Self {
        Self {
            said: None,
            said_at: None,
            answer: Answer::NotAsked,
            misfits: Vec::new(),
            etag: None,
        }
    }
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was not asked.
    NotAsked,
    /// It was answered.
    Said,
    /// There is none of this id; the CDN says so with 403, too.
    Absent,
    /// There was no answer that can be used.
    Trouble(String),
}

/// What one question gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard<T> {
    /// This.
    Said {
        /// As far as it could be read.
        value: T,
        /// What could not.
        misfits: Vec<Misfit>,
        /// By what it is known not to have changed.
        etag: Option<String>,
    },
    /// The same as before.
    Unchanged,
    /// There is none.
    Absent,
    /// Nothing that can be used.
    Trouble(String),
}

impl<T> Source<T> {
    /// Takes in what a question gave: trouble leaves what was said as it is.
    pub fn hear(&mut self, heard: Heard<T>, now: Timestamp) {
        match heard {
            Heard::Said { value, misfits, etag } => {
                *self = Self {
                    said: Some(value),
                    said_at: Some(now),
                    answer: Answer::Said,
                    misfits,
                    etag,
                };
            }
            Heard::Unchanged => {
                self.said_at = Some(now);
                self.answer = Answer::Said;
            }
            Heard::Absent => {
                self.said_at = Some(now);
                self.answer = Answer::Absent;
                self.etag = None;
            }
            Heard::Trouble(why) => self.answer = Answer::Trouble(why),
        }
    }

    /// What counts as evidence: what was said, not too long ago, of something that is there.
    pub fn evidence(&self, patience: Duration, now: Timestamp) -> Option<&T> {
        let said = self.said.as_ref().filter(|_| self.answer != Answer::Absent);
        said.filter(|_| self.is_recent(patience, now))
    }

    /// Whether the last question was answered with "there is none", and that not too long ago.
    pub fn is_absent(&self, patience: Duration, now: Timestamp) -> bool {
        self.answer == Answer::Absent && self.is_recent(patience, now)
    }

    /// Whether what is shown is older than it should be.
    pub fn is_stale(&self, patience: Duration, now: Timestamp) -> bool {
        self.answer != Answer::NotAsked
            && (matches!(self.answer, Answer::Trouble(_)) || !self.is_recent(patience, now))
    }

    fn is_recent(&self, patience: Duration, now: Timestamp) -> bool {
        let age = self.said_at.map(|at| Duration::try_from(now.duration_since(at)));
        match age {
            // From before a clock went back: not known to be old.
            Some(Err(_)) => true,
            Some(Ok(age)) => age <= patience,
            None => false,
        }
    }
}

impl Known {
    /// One of which nothing is known.
    pub fn new(id: DeploymentId) -> Self {
        Self {
            id,
            api: Source::default(),
            domains: Source::default(),
            config: Source::default(),
            list_changed_at: None,
        }
    }

    /// Whom it lets in, by the platform API and by the CDN.
    pub fn predictions(
        &self,
        origin: &Origin,
        rule: OriginMatch,
        patience: Duration,
        now: Timestamp,
    ) -> [Option<Expect>; 2] {
        self.lists(patience, now).map(|domains| domains?.predict(origin, rule))
    }

    /// What keeps everybody out, where the lists of both do that.
    pub fn shut_out_by(
        &self,
        rule: OriginMatch,
        patience: Duration,
        now: Timestamp,
    ) -> Option<Oddity> {
        let [api, cdn] = self.lists(patience, now).map(|domains| shuts_out(domains?, rule));
        api.filter(|_| cdn.is_some())
    }

    fn lists(&self, patience: Duration, now: Timestamp) -> [Option<&Domains>; 2] {
        let api = self.api.evidence(patience, now).and_then(|api| api.domains.as_ref());
        [api, self.domains.evidence(patience, now)]
    }

    /// What the platform API says of it as a whole.
    pub fn by_api(&self, patience: Duration, now: Timestamp) -> Option<Standing> {
        if self.api.is_absent(patience, now) {
            return Some(Standing::Absent);
        }
        standing(self.api.evidence(patience, now)?.status)
    }

    /// What the CDN says of it as a whole.
    pub fn by_config(&self, patience: Duration, now: Timestamp) -> Option<Standing> {
        if self.config.is_absent(patience, now) {
            return Some(Standing::Absent);
        }
        let config = self.config.evidence(patience, now)?;
        // A configuration that says nothing of it is that of one in use: others have none.
        match config.status {
            None => Some(Standing::On),
            status => standing(status),
        }
    }

    /// The list that counts, as it was said last by whomever.
    pub fn list(&self) -> Option<&Domains> {
        let api = self.api.said.as_ref().and_then(|api| api.domains.as_ref());
        api.or(self.domains.said.as_ref())
    }

    /// What people call it.
    pub fn name(&self) -> Option<&str> {
        let name = self.api.said.as_ref().map(|api| api.name.as_str());
        name.filter(|name| !name.is_empty())
    }

    /// Its status, as it was said last.
    pub fn status(&self) -> Option<Status> {
        let api = self.api.said.as_ref().and_then(|api| api.status);
        api.or(self.config.said.as_ref().and_then(|config| config.status))
    }

    /// Its configuration, as it was said last.
    pub fn configuration(&self) -> Option<&Configuration> {
        let api = self.api.said.as_ref().map(|api| &api.configuration);
        let given = |configuration: &&Configuration| configuration.version.is_some();
        api.filter(given).or(self.config.said.as_ref().map(|config| &config.configuration))
    }

    /// In what the CDN differs from the platform API, in words.
    pub fn contradictions(&self, patience: Duration, now: Timestamp) -> Vec<String> {
        let mut found = Vec::new();
        let api = self.api.evidence(patience, now);
        let (domains, config) =
            (self.domains.evidence(patience, now), self.config.evidence(patience, now));
        if let (Some(ours), Some(theirs)) = (api.and_then(|api| api.domains.as_ref()), domains)
            && theirs.differs(ours)
        {
            found.push(format!(
                "allowed domains not yet published: {}",
                theirs.changes_to(ours).join(", ")
            ));
        }
        if let (Some(api), Some(config)) =
            (self.by_api(patience, now), self.by_config(patience, now))
            && (api == Standing::On) != (config == Standing::On)
        {
            let (api, config) = (api.as_str(), config.as_str());
            found.push(format!("the API says that it is {api}, the CDN that it is {config}"));
        }
        let versions = (
            api.and_then(|api| api.configuration.version.as_ref()),
            config.and_then(|config| config.configuration.version.as_ref()),
        );
        if let (Some(api), Some(cdn)) = versions
            && api != cdn
        {
            found.push(format!("configuration version {api} by the API, {cdn} on the CDN"));
        }
        found
    }

    /// Notes when its list changed, out of what was known before.
    pub fn follow(&mut self, before: Option<&Self>, now: Timestamp) {
        let modified = self.api.said.as_ref().and_then(|api| api.modified_at);
        let modified = modified.filter(|at| *at <= now);
        let Some(before) = before else {
            // Nobody knows what was changed; lately enough, it may have been the list.
            self.list_changed_at = modified.filter(|at| now.duration_since(*at) < PROPAGATION);
            return;
        };
        self.list_changed_at = before.list_changed_at;
        let api = |known: &Self| known.api.said.as_ref().and_then(|api| api.domains.clone());
        let changed = |before: Option<&Domains>, after: Option<&Domains>| matches!((before, after), (Some(before), Some(after)) if before.differs(after));
        if changed(api(before).as_ref(), api(self).as_ref()) {
            self.list_changed_at = Some(changed_at(before.api.said_at, modified, now));
        } else if changed(before.domains.said.as_ref(), self.domains.said.as_ref()) {
            self.list_changed_at = Some(now);
        }
    }
}

/// When something changed that was seen to have changed: as it says itself, where that can be.
pub fn changed_at(
    seen_before: Option<Timestamp>,
    modified: Option<Timestamp>,
    now: Timestamp,
) -> Timestamp {
    let possible = |at: &Timestamp| {
        // Their clock is not ours.
        let from = seen_before.map(|seen| seen - SignedDuration::from_mins(1));
        *at <= now && from.is_none_or(|from| *at >= from)
    };
    modified.filter(possible).unwrap_or(now)
}

fn standing(status: Option<Status>) -> Option<Standing> {
    status?.is_on().map(|on| if on { Standing::On } else { Standing::Off })
}

//! One incident: all that is kept of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::cause::{Cause, Whose};
use super::id::IncidentId;
use super::minutes::{Affected, Minutes};
use super::now::Reach;
use super::severity::{Severity, Weight};
use super::timeline::{Entry, Timeline, What};
use crate::check::endpoint::{EndpointName, Owner};
use crate::check::origin::Expect;
use crate::correlate::Minute;

/// Failed runs of which evidence is kept from the beginning on: the first of each check and reason.
const FIRST_EVIDENCE: usize = 16;

/// Failed runs of which evidence is kept besides: the last ones.
const LAST_EVIDENCE: usize = 8;

/// Time between two of those at the least: an outage of many checks must not fill the disk.
const LAST_EVIDENCE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// What kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A page that must get in does not.
    Outage,
    /// A page that must be kept out gets in.
    SecurityFinding,
    /// Users fail, and no probe sees why.
    BlindSpot,
}

impl Trouble {
    /// The word in labels, in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::SecurityFinding => "security_finding",
            Self::BlindSpot => "blind_spot",
        }
    }

    /// For titles.
    pub fn title(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::SecurityFinding => "a page gets in that must be kept out",
            Self::BlindSpot => "users fail where the probes see nothing",
        }
    }
}

/// Why an incident was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// No check is down, and the last minutes were good for users.
    Recovered,
    /// The endpoint was taken out of the config.
    EndpointRemoved,
}

/// The end of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: Ended,
}

/// What is known of a check in an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is down.
    Down,
    /// It was down, and has said nothing since.
    NotSeen,
    /// It is up again.
    Up,
    /// It was taken out of the config.
    Removed,
}

/// A check that was down in an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stricken {
    /// Whether it wants to get in.
    pub expect: Expect,
    /// How it is now.
    pub standing: Standing,
    /// When it got that way; for one that is not seen, when it was last seen.
    pub since: Timestamp,
    /// Why it failed last.
    pub cause: Option<Cause>,
}

/// Whose an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ownership {
    /// Who is paged.
    pub team: String,
    /// How much it matters.
    pub tier: String,
    /// Where to read on.
    pub runbook: String,
}

impl From<&Owner> for Ownership {
    fn from(Owner { team, tier, runbook }: &Owner) -> Self {
        Self { team: team.clone(), tier: tier.clone(), runbook: runbook.clone() }
    }
}

/// A failed run of which evidence is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exhibit {
    /// Its number in the incident.
    pub n: u32,
    /// When the run began.
    pub at: Timestamp,
    /// Of which check.
    pub check: String,
    /// Why it failed.
    pub cause: Option<Cause>,
}

/// What those who want to be told were told last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LastWord {
    /// How many times.
    pub notices: u32,
    /// When.
    pub at: Timestamp,
    /// As what.
    pub trouble: Trouble,
    /// How bad.
    pub severity: Severity,
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// By what it is known.
    pub id: IncidentId,
    /// Whose trouble it shows.
    pub endpoint: EndpointName,
    /// Who looks after that.
    pub owner: Ownership,
    /// What kind of trouble it is, or was before it recovered.
    pub trouble: Trouble,
    /// How bad it is, or was before it recovered.
    pub severity: Severity,
    /// The worst that it was.
    pub worst: Severity,
    /// The sum behind `severity`.
    pub weights: Vec<Weight>,
    /// Whose trouble it is.
    pub whose: Whose,
    /// When the first run failed, or the first minute began that users failed in.
    pub began_at: Timestamp,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When and why it was closed; none while it is open.
    pub closed: Option<Closed>,
    /// How often it went on after its end.
    pub reopened: u32,
    /// The checks that were down in it.
    pub checks: BTreeMap<String, Stricken>,
    /// Whom the endpoint serves.
    #[serde(default)]
    pub reach: Reach,
    /// Whether a check that was down has been taken out of the config, and none has passed since.
    pub unproven: bool,
    /// How the users fared.
    pub minutes: Minutes,
    /// What happened.
    pub timeline: Timeline,
    /// Of which failed runs there is evidence.
    pub evidence: Vec<Exhibit>,
    /// The number of the next one.
    pub next_exhibit: u32,
    /// What was told last.
    pub last_word: LastWord,
}

impl Incident {
    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Checks that are down or may be.
    pub fn held_by(&self) -> impl Iterator<Item = (&String, &Stricken)> {
        self.checks.iter().filter(|(_, check)| check.is_held())
    }

    /// Counts over the minutes since it began.
    pub fn affected(&self) -> Affected {
        self.minutes.affected(Minute::of(self.began_at))
    }

    /// Everything that happened, in order of time: what was noted, and the minutes of the users
    /// that were bad or say something else than the one before.
    pub fn story(&self) -> Vec<Entry> {
        let mut story = self.timeline.entries().to_vec();
        let mut before = None;
        for minute in self.minutes.iter() {
            let told = (minute.users, minute.correlation);
            if minute.bad() || (minute.judged() && before.is_some_and(|before| before != told)) {
                let what = What::Users {
                    users: minute.users,
                    correlation: minute.correlation,
                    ended: minute.ended,
                    failed: minute.failed,
                };
                story.push(Entry { at: minute.at, what });
            }
            before = Some(told);
        }
        // Stable: what became known first stands first.
        story.sort_by_key(|entry| entry.at);
        story
    }

    /// Takes a failed run on file, where it is the first of its check and reason or the last for a
    /// minute: gives its number, and that of one to be thrown away for it.
    pub fn exhibit(
        &mut self,
        at: Timestamp,
        check: &str,
        cause: Option<Cause>,
    ) -> Option<(u32, Option<u32>)> {
        let mut seen: Vec<(&str, Option<Cause>)> = Vec::new();
        let mut rest = Vec::new();
        for exhibit in &self.evidence {
            let key = (exhibit.check.as_str(), exhibit.cause);
            if seen.len() < FIRST_EVIDENCE && !seen.contains(&key) {
                seen.push(key);
            } else {
                rest.push((exhibit.n, exhibit.at));
            }
        }
        let is_first = seen.len() < FIRST_EVIDENCE && !seen.contains(&(check, cause));
        let soon = |(_, last): &(u32, Timestamp)| at.duration_since(*last) < LAST_EVIDENCE_EVERY;
        if !is_first && rest.last().is_some_and(soon) {
            return None;
        }
        let n = self.next_exhibit;
        self.next_exhibit += 1;
        let full = !is_first && rest.len() >= LAST_EVIDENCE;
        let oldest = rest.first().filter(|_| full).map(|(n, _)| *n);
        self.evidence.retain(|exhibit| Some(exhibit.n) != oldest);
        self.evidence.push(Exhibit { n, at, check: check.to_owned(), cause });
        Some((n, oldest))
    }
}

//! An interval of bad health, or of users who fail unseen: what happened, whom it hurt. Pure.
//!
//! [`cases::Cases`] takes in runs, windows and changes, with the time of day as an argument, and
//! keeps one open incident per endpoint at the most. What it makes is data: [`record::Incident`] for
//! the store and the API, [`notice::Notice`] for those who want to be told, [`markdown`] for people.

pub mod alert;
mod case;
pub mod cases;
pub mod cause;
pub mod evidence;
pub mod id;
pub mod markdown;
pub mod minutes;
pub mod notice;
pub mod now;
pub mod plain;
pub mod record;
pub mod redact;
pub mod run;
pub mod severity;
pub mod timeline;
pub mod view;
pub mod words;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::check::endpoint::EndpointName;

/// What is told of one thing within this time is one change, where one of both does not say what.
pub const ABOUT: SignedDuration = SignedDuration::from_mins(10);

/// The same, where neither does: one event that came by two ways.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Something that was changed, by somebody or by a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeEvent {
    /// When.
    pub at: Timestamp,
    /// Where that is known from.
    pub source: ChangeSource,
    /// The endpoint that it concerns; none where it may concern all.
    pub endpoint: Option<EndpointName>,
    /// What was changed, in words that are safe to show.
    pub what: String,
    /// Who did it: an id at the contact centre, the issuer of a certificate, how a reload was
    /// asked for.
    pub who: Option<String>,
}

impl ChangeEvent {
    /// Whether somebody who looks into an endpoint wants to know of it.
    pub fn concerns(&self, endpoint: &EndpointName) -> bool {
        self.endpoint.as_ref().is_none_or(|own| own == endpoint)
    }

    /// Whether both tell of one change.
    ///
    /// An entry of the audit log may come as an event and be asked for besides: its moment and
    /// what was done to which entity are the same then, though one may know more of the rest. An
    /// event that says no more than that a deployment changed is whatever else is known to have
    /// changed of it about then.
    pub fn is(&self, other: &Self) -> bool {
        let head = |what: &str| {
            let head = what.split(": ").next().and_then(|head| head.split("; ").next());
            // A topic shouts what the API says.
            head.map(str::to_ascii_lowercase)
        };
        let is_vague = self.is_vague() || other.is_vague();
        is_vague && self.is_about_then(other)
            || self.at == other.at
                && self.source == other.source
                && match self.source {
                    ChangeSource::Audit => head(&self.what) == head(&other.what),
                    _ => self.endpoint == other.endpoint && self.what == other.what,
                }
    }
}

impl ChangeEvent {
    /// Whether this says that something was changed, and not what: as the topics of deployments do,
    /// `Deployment 1b2c; now Active`.
    pub fn is_vague(&self) -> bool {
        self.source == ChangeSource::Deployment && !self.what.contains(": ")
    }

    /// Whether this is known to be the same as another, and tells more of it.
    pub fn tells_more_than(&self, known: &Self) -> bool {
        let values = |change: &Self| change.what.contains(" -> ");
        let audits = [self.source, known.source] == [ChangeSource::Audit; 2];
        known.is_vague() && !self.is_vague() || audits && values(self) && !values(known)
    }

    fn is_about_then(&self, other: &Self) -> bool {
        let tells = |source| matches!(source, ChangeSource::Deployment | ChangeSource::Audit);
        let (entity, theirs) = (self.entity(), other.entity());
        let one = entity.zip(theirs).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
        let apart = self.at.duration_since(other.at).abs();
        let both = self.is_vague() && other.is_vague();
        let within = if both { AGAIN } else { ABOUT };
        tells(self.source)
            && tells(other.source)
            && one
            && apart <= within
            && (!both || self.what == other.what)
    }

    /// The id behind the first word, where the contact centre tells of one.
    fn entity(&self) -> Option<&str> {
        let id = self.what.split(' ').nth(1)?.trim_end_matches([':', ';']);
        (!id.is_empty()).then_some(id)
    }
}

/// Where a change is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeSource {
    /// Our own config was read again.
    Config,
    /// Another certificate was presented.
    Certificate,
    /// The contact centre told of a deployment or configuration.
    Deployment,
    /// Its audit log.
    Audit,
    /// Its public status page.
    StatusPage,
    /// Somebody tried whether a pager rings.
    Drill,
}

impl ChangeSource {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Config,
        Self::Certificate,
        Self::Deployment,
        Self::Audit,
        Self::StatusPage,
        Self::Drill,
    ];

    /// The word in labels, in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Certificate => "certificate",
            Self::Deployment => "deployment",
            Self::Audit => "audit",
            Self::StatusPage => "status_page",
            Self::Drill => "drill",
        }
    }
}

#[cfg(test)]
mod tests;

//! Incidents as JSON: the same for the API and for `watchpost incidents --json`. A contract.

use jiff::Timestamp;
use serde::Serialize;

use super::cause::Whose;
use super::id::IncidentId;
use super::minutes::{Affected, UserMinute};
use super::record::{Ended, Exhibit, Incident, Ownership, Standing, Trouble};
use super::severity::{Severity, Weight};
use super::timeline::Entry;
use crate::check::endpoint::EndpointName;
use crate::check::origin::Expect;
use crate::outcome::phase::Phase;
use crate::outcome::reason::{Fault, Reason};

/// An incident in a list.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// By what it is known.
    pub id: &'a IncidentId,
    /// Whose trouble it shows.
    pub endpoint: &'a EndpointName,
    /// One line: what, where, how bad.
    pub title: String,
    /// What kind of trouble it is, or was before it recovered.
    pub trouble: Trouble,
    /// How bad it is, or was before it recovered.
    pub severity: Severity,
    /// The worst that it was.
    pub worst: Severity,
    /// Whose trouble it is.
    pub whose: Whose,
    /// When the first run failed.
    pub began_at: Timestamp,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was closed; `null` while it is open.
    pub closed_at: Option<Timestamp>,
    /// Why it was closed.
    pub closed_because: Option<Ended>,
    /// How often it went on after its end.
    pub reopened: u32,
    /// Whom it hurt: counts alone.
    pub affected: Affected,
}

/// An incident by itself.
#[derive(Debug, Serialize)]
pub struct Detail<'a> {
    /// As in a list.
    #[serde(flatten)]
    pub summary: Summary<'a>,
    /// Who looks after the endpoint.
    pub owner: &'a Ownership,
    /// The sum behind the severity.
    pub severity_points: i32,
    /// Its parts.
    pub severity_because: &'a [Weight],
    /// The checks that were down in it.
    pub checks: Vec<CheckView<'a>>,
    /// What happened, in order of time.
    pub timeline: Vec<Entry>,
    /// Entries that were left out.
    pub timeline_omitted: u64,
    /// How the users fared.
    pub minutes: Vec<&'a UserMinute>,
    /// Of which failed runs there is evidence, under `/evidence/{n}`.
    pub evidence: &'a [Exhibit],
}

/// A check that was down in an incident.
#[derive(Debug, Serialize)]
pub struct CheckView<'a> {
    /// Its id.
    pub id: &'a str,
    /// Whether it wants to get in.
    pub expect: Expect,
    /// How it is now.
    pub standing: Standing,
    /// Since when.
    pub since: Timestamp,
    /// Why it failed last.
    pub reason: Option<Reason>,
    /// Where.
    pub phase: Option<Phase>,
    /// Whose trouble that is.
    pub fault: Option<Fault>,
    /// What happened, in plain words.
    pub message: Option<&'static str>,
    /// What to do about it; nothing for one that is up again.
    pub fix: Option<&'static str>,
}

impl<'a> Summary<'a> {
    /// Of an incident.
    pub fn of(incident: &'a Incident) -> Self {
        Self {
            id: &incident.id,
            endpoint: &incident.endpoint,
            title: incident.title(),
            trouble: incident.trouble,
            severity: incident.severity,
            worst: incident.worst,
            whose: incident.whose,
            began_at: incident.began_at,
            opened_at: incident.opened_at,
            closed_at: incident.closed.map(|closed| closed.at),
            closed_because: incident.closed.map(|closed| closed.why),
            reopened: incident.reopened,
            affected: incident.affected(),
        }
    }
}

impl<'a> Detail<'a> {
    /// Of an incident.
    pub fn of(incident: &'a Incident) -> Self {
        let checks = incident.checks.iter().map(|(id, check)| {
            let cause = check.cause;
            let reason = cause.and_then(|cause| cause.reason);
            CheckView {
                id,
                expect: check.expect,
                standing: check.standing,
                since: check.since,
                reason,
                phase: cause.and_then(|cause| cause.phase),
                fault: cause.and_then(|cause| cause.fault),
                message: reason.map(Reason::sentence),
                fix: reason.filter(|_| check.is_held()).map(Reason::fix),
            }
        });
        Self {
            summary: Summary::of(incident),
            owner: &incident.owner,
            severity_points: incident.weights.iter().map(|weight| weight.points).sum(),
            severity_because: &incident.weights,
            checks: checks.collect(),
            timeline: incident.story(),
            timeline_omitted: incident.timeline.omitted,
            minutes: incident.minutes.iter().collect(),
            evidence: &incident.evidence,
        }
    }
}

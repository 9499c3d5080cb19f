//! Findings: what probes see, held against what is known of the deployments behind their doors.
//! Pure.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::known::Known;
use super::view::View;
use crate::check::endpoint::{Endpoint, EndpointName};
use crate::check::messaging::Level;
use crate::check::origin::{Expect, OriginRule};
use crate::check::probe::{Probe, RefusalStatuses};
use crate::genesys::domains::OriginMatch;
use crate::genesys::finding::{Diagnosis, Entry, Evidence, diagnose};
use crate::genesys::{Compat, DeploymentId};
use crate::outcome::Outcome;
use crate::outcome::failure::Failure;
use crate::outcome::messaging::Trouble;
use crate::outcome::phase::Phase;
use crate::outcome::reason::Fault;
use crate::record::snapshot::{CheckRecord, Snapshot};

/// Intervals after which a run is no evidence any more, as for a check's health.
const FORGET_AFTER: u32 = 3;

/// What is so with one page at one door.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The check that tries it.
    pub record: Arc<CheckRecord>,
    /// The deployment behind the door.
    pub deployment: DeploymentId,
    /// What the finding rests on.
    pub evidence: Evidence,
    /// What is so.
    pub diagnosis: Diagnosis,
}

/// The deployment whose door an endpoint is.
pub fn deployment(endpoint: &Endpoint, compat: Compat) -> Option<DeploymentId> {
    let users = endpoint.users.as_ref()?;
    let id = users.of_url.as_ref().or_else(|| users.deployments.first())?;
    DeploymentId::new(id.as_str(), compat).ok()
}

/// The finding of each check that tries a page at the door of a deployment; none where no
/// organisation is configured.
pub fn findings(snapshot: &Snapshot, view: &View) -> Vec<Bound> {
    findings_of(snapshot.checks.iter(), snapshot.taken_at, view)
}

/// The same of some endpoints, with all checks of each.
pub fn findings_of<'a>(
    records: impl Iterator<Item = &'a Arc<CheckRecord>>,
    now: Timestamp,
    view: &View,
) -> Vec<Bound> {
    let Some(organisation) = &view.organisation else { return Vec::new() };
    let (rule, patience) = (organisation.origin_match, view.patience());
    let mut doors: Vec<Door> = records.filter_map(|record| Door::of(record, now)).collect();
    let bound = |doors: &[Door], door: &Door| {
        let unknown = Known::new(door.deployment.clone());
        let known = view.deployments.get(&door.deployment).map_or(&unknown, AsRef::as_ref);
        let evidence = Evidence {
            control: door.control(doors, known, (rule, patience, now)),
            ..evidence(
                known,
                &door.rule,
                door.entry,
                is_legacy(&door.record),
                (rule, patience, now),
            )
        };
        Bound {
            record: door.record.clone(),
            deployment: door.deployment.clone(),
            evidence,
            diagnosis: diagnose(&evidence, now),
        }
    };
    // The checks of an endpoint stand beside each other; no door of another one is looked through.
    let one_endpoint = |a: &Door, b: &Door| a.endpoint() == b.endpoint();
    doors.chunk_by_mut(one_endpoint).for_each(hold_guests_against_each_other);
    let of_one = |doors: &[Door]| doors.iter().map(|door| bound(doors, door)).collect::<Vec<_>>();
    doors.chunk_by(one_endpoint).flat_map(of_one).collect()
}

/// Everything but the control.
pub fn evidence(
    known: &Known,
    page: &OriginRule,
    actual: Option<Entry>,
    legacy: bool,
    (rule, patience, now): (OriginMatch, Duration, Timestamp),
) -> Evidence {
    let [by_api, by_cdn] = known.predictions(&page.origin, rule, patience, now);
    Evidence {
        by_api,
        by_cdn,
        actual,
        control: None,
        config: known.by_config(patience, now),
        api: known.by_api(patience, now),
        shut_out_by: known.shut_out_by(rule, patience, now),
        legacy,
        list_changed_at: known.list_changed_at,
    }
}

/// A page at a door.
struct Door {
    record: Arc<CheckRecord>,
    rule: Arc<OriginRule>,
    deployment: DeploymentId,
    entry: Option<Entry>,
    guest: Option<Guest>,
}

impl Door {
    fn of(record: &Arc<CheckRecord>, now: Timestamp) -> Option<Self> {
        let check = &record.check;
        // Any id will do: it is looked up among those that are known.
        let deployment = deployment(&check.endpoint, Compat::Genesys)
            .or_else(|| deployment(&check.endpoint, Compat::Seed))?;
        let refusals = match &*check.probe {
            Probe::Websocket(websocket) => &websocket.refusal_statuses,
            Probe::Messaging(messaging) => &messaging.refusal_statuses,
            Probe::Cors(_) | Probe::Http(_) | Probe::Tls => return None,
        };
        let interval = check.cadence.interval();
        let recent = |outcome: &&Arc<Outcome>| {
            let age = Duration::try_from(now.duration_since(outcome.started_at));
            age.is_ok_and(|age| age <= interval * FORGET_AFTER)
        };
        let last = record.last.as_ref().filter(recent);
        let entry = last.and_then(|last| entry(last, refusals));
        let guest = last.filter(|last| last.observation.upgraded).and_then(|last| guest(last));
        Some(Self { record: record.clone(), rule: check.origin.clone()?, deployment, entry, guest })
    }

    fn endpoint(&self) -> &EndpointName {
        &self.record.check.endpoint.name
    }

    /// What became of the other pages at this door that the list lets in: the best of it.
    fn control(
        &self,
        doors: &[Self],
        known: &Known,
        (rule, patience, now): (OriginMatch, Duration, Timestamp),
    ) -> Option<Entry> {
        let listed = |other: &&Self| {
            let predictions = known.predictions(&other.rule.origin, rule, patience, now);
            match predictions.into_iter().flatten().next() {
                Some(predicted) => predicted == Expect::Allow,
                // Whom the list lets in is not known: the config says who ought to get in.
                None => other.rule.expect == Expect::Allow,
            }
        };
        let others = doors.iter().filter(|other| other.rule.origin != self.rule.origin);
        let entries = others.filter(listed).filter_map(|other| other.entry);
        // In the order of what they prove.
        entries.min_by_key(|entry| match entry {
            Entry::LetIn => 0,
            Entry::Refused => 1,
            Entry::Throttled => 2,
            Entry::Gone | Entry::Trouble => 3,
        })
    }
}

/// What became of a page; none where the run says nothing of it.
pub fn entry(outcome: &Outcome, refusals: &RefusalStatuses) -> Option<Entry> {
    let seen = &outcome.observation;
    if seen.upgraded {
        return behind_the_door(outcome);
    }
    match seen.http_status {
        Some(429) => Some(Entry::Throttled),
        Some(status) if refusals.contains(status) => Some(Entry::Refused),
        Some(404 | 410) => Some(Entry::Gone),
        Some(_) => Some(Entry::Trouble),
        None => outcome
            .failure
            .as_ref()
            .filter(|failure| is_of_the_door(failure))
            .map(|_| Entry::Trouble),
    }
}

/// What became of a page that the door was opened to. A guest who is told nothing is not in: the
/// messenger may send everybody away whom the socket took.
fn behind_the_door(outcome: &Outcome) -> Option<Entry> {
    match guest(outcome) {
        None | Some(Guest::Told) => return Some(Entry::LetIn),
        // A page that is refused is told the same as one whose guests must be known.
        Some(Guest::TurnedAway) => return None,
        Some(Guest::Silent) => {}
    }
    Some(match &outcome.failure {
        Some(Failure::Messaging(refused)) => match refused.trouble {
            Trouble::Throttled => Entry::Throttled,
            Trouble::Unavailable | Trouble::DeploymentUnknown => Entry::Refused,
            _ => Entry::Trouble,
        },
        Some(failure) if failure.phase() == Some(Phase::Transfer) && is_of_the_door(failure) => {
            Entry::Trouble
        }
        _ => Entry::LetIn,
    })
}

/// How far a guest came behind an open door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guest {
    /// It was told how the deployment is configured.
    Told,
    /// It was told that it must be known, or may not be there.
    TurnedAway,
    /// It was told nothing, or said nothing.
    Silent,
}

fn guest(outcome: &Outcome) -> Option<Guest> {
    let seen = outcome.observation.messaging.as_deref()?;
    Some(match seen.reached >= Some(Level::Configuration) {
        true => Guest::Told,
        false if seen.turned_away => Guest::TurnedAway,
        false => Guest::Silent,
    })
}

/// Where the guest of one page is told and that of another is turned away, the messenger looks at
/// pages: the other is refused, and of one whose guest said nothing it is not known.
fn hold_guests_against_each_other(doors: &mut [Door]) {
    let any = |doors: &[Door], wanted| doors.iter().any(|door| door.guest == Some(wanted));
    if !any(doors, Guest::Told) || !any(doors, Guest::TurnedAway) {
        return;
    }
    for door in doors {
        match door.guest {
            Some(Guest::TurnedAway) => door.entry = Some(Entry::Refused),
            Some(Guest::Silent) if door.entry == Some(Entry::LetIn) => door.entry = None,
            _ => {}
        }
    }
}

fn is_of_the_door(failure: &Failure) -> bool {
    failure.fault() != Fault::Monitor
}

/// Whether a door is one of ACD web chat.
fn is_legacy(record: &CheckRecord) -> bool {
    let path = record.check.endpoint.target.path.as_str();
    ["/webchat", "/api/v2/webchat", "/api/v2/widgets", "/api/v2/conversations/chats"]
        .iter()
        .any(|legacy| path.starts_with(legacy))
}

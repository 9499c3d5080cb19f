//! What is written into an incident of a run and of a change.

use jiff::Timestamp;

use super::{BEFORE, Dirt};
use crate::check::origin::Expect;
use crate::health::State;
use crate::incident::ChangeEvent;
use crate::incident::cause::Cause;
use crate::incident::record::{Incident, Standing, Stricken};
use crate::incident::run::Run;
use crate::incident::timeline::What;
use crate::outcome::verdict::Verdict;

/// Writes a run into an open incident.
pub(super) fn note(incident: &mut Incident, run: &Run) -> Dirt {
    let id = run.check.as_str();
    let fails = run.verdict == Some(Verdict::Fail);
    let known = incident.checks.get(id).cloned();
    let mut dirt = Dirt::None;
    let mut add = |at, what| {
        if incident.timeline.add(at, what) {
            dirt = Dirt::Story;
        }
    };
    if run.confirm && run.verdict.is_some() {
        add(run.at, failed(run));
    }
    let check = || id.to_owned();
    match (run.health, known.as_ref().map(|known| known.standing)) {
        (State::Down, Some(Standing::Down)) => {
            let cause = known.as_ref().and_then(|known| known.cause);
            if fails && cause != run.cause {
                add(run.at, What::Failed { check: check(), cause: run.cause });
                if let Some(stricken) = incident.checks.get_mut(id) {
                    stricken.cause = run.cause;
                }
            }
        }
        (State::Down, _) => {
            let cause = if fails { run.cause } else { None };
            strike(incident, id, run.expect, cause, run.at);
            dirt = Dirt::Story;
        }
        (State::Up, Some(Standing::Down | Standing::NotSeen)) => {
            add(run.at, What::Up { check: check() });
            stand(incident, id, Standing::Up, run.at);
            dirt = Dirt::Story;
        }
        (State::Unknown, Some(Standing::Down)) => {
            add(run.at, What::NotSeen { check: check() });
            stand(incident, id, Standing::NotSeen, run.at);
            dirt = Dirt::Story;
        }
        (State::Up | State::Unknown, _) => {}
    }
    if run.health == State::Up && run.verdict == Some(Verdict::Pass) && incident.unproven {
        incident.unproven = false;
        dirt = Dirt::Story;
    }
    dirt
}

pub(super) fn strike(
    incident: &mut Incident,
    id: &str,
    expect: Expect,
    cause: Option<Cause>,
    at: Timestamp,
) {
    let before = incident.checks.get(id).and_then(|known| known.cause);
    let cause = cause.or(before);
    incident.timeline.add(at, What::Down { check: id.to_owned(), cause });
    let stricken = Stricken { expect, standing: Standing::Down, since: at, cause };
    incident.checks.insert(id.to_owned(), stricken);
}

fn stand(incident: &mut Incident, id: &str, standing: Standing, since: Timestamp) {
    if let Some(check) = incident.checks.get_mut(id) {
        (check.standing, check.since) = (standing, since);
    }
}

/// A run that did not pass, or was to confirm another.
pub(super) fn failed(run: &Run) -> What {
    let (check, cause) = (run.check.to_string(), run.cause);
    let passed = run.verdict == Some(Verdict::Pass);
    if run.confirm {
        What::Confirmed { check, passed, cause }
    } else {
        What::Failed { check, cause }
    }
}

/// Takes a change out of an incident; gives whether it was there.
pub(super) fn unnote_change(incident: &mut Incident, change: &ChangeEvent) -> bool {
    let ChangeEvent { at, source, what, who, .. } = change.clone();
    incident.timeline.remove(at, What::Change { source, what, who })
}

/// Writes a change into an incident where it belongs there; gives whether that is new.
pub(super) fn note_change(incident: &mut Incident, change: &ChangeEvent) -> bool {
    let from = incident.began_at.saturating_sub(BEFORE).unwrap_or(incident.began_at);
    let ChangeEvent { at, source, what, who, .. } = change.clone();
    at >= from && incident.timeline.add(at, What::Change { source, what, who })
}

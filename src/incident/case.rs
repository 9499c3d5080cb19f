//! One endpoint: what its checks and its users say, and the incident that follows from that.

mod note;
mod turn;
mod weighing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::ChangeEvent;
use super::minutes::{Minutes, UserMinute};
use super::notice::Notice;
use super::record::{Ended, Incident, Ownership, Standing, Trouble};
use super::run::Run;
use super::timeline::What;
use crate::check::endpoint::EndpointName;
use crate::check::origin::Expect;
use crate::check::{Check, CheckId};
use crate::correlate::{Correlation, Minute};
use crate::health::State;
use crate::outcome::verdict::Verdict;
use note::{failed, note, note_change, unnote_change};

/// An incident that begins so soon after another of its endpoint is the same one.
pub const FLAPPING: SignedDuration = SignedDuration::from_mins(5);

/// Changes that are so much older than the first failure are still told of.
pub const BEFORE: SignedDuration = SignedDuration::from_mins(30);

/// Minutes of users that are so old say nothing about the present.
pub const PRESENT: SignedDuration = SignedDuration::from_mins(30);

/// Judged minutes that must be good for users before an incident ends.
const GOOD_MINUTES: usize = 3;

/// Two minutes that only users notice open an incident within so many.
const BLIND_SPOT_WITHIN: i64 = 5;

/// Minutes whose worst counts for the severity.
const WORST_OF: usize = 5;

/// Time between two notices of a change at the least.
const CHANGED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Failed runs of a check that are remembered until it is down or has passed.
const REMEMBERED: usize = 8;

/// Incidents that are over and wait to be written, while nothing can be.
const MAX_UNWRITTEN: usize = 100;

/// How an incident must be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Dirt {
    /// Not at all.
    #[default]
    None,
    /// A count has changed: with the next important change, or by and by.
    Counts,
    /// At once.
    Story,
}

/// What is known of a check.
#[derive(Debug)]
struct Watched {
    expect: Expect,
    health: State,
    /// Failed runs and confirmations since the last scheduled pass.
    failing: VecDeque<Run>,
}

/// One endpoint.
#[derive(Debug)]
pub struct Case {
    endpoint: EndpointName,
    owner: Ownership,
    checks: BTreeMap<CheckId, Watched>,
    minutes: Minutes,
    /// Whether it takes users.
    users: bool,
    /// What the contact centre says of itself, while that is not "all is well".
    pub hint: Option<Arc<str>>,
    /// The open incident, or else the last one.
    pub incident: Option<Incident>,
    /// Whether that must be written.
    pub dirt: Dirt,
    /// Incidents before that one, which could not be written yet.
    pub unwritten: Vec<Incident>,
}

impl Case {
    /// Of an endpoint of which nothing is known.
    pub fn new(endpoint: EndpointName) -> Self {
        Self {
            endpoint,
            owner: Ownership::default(),
            checks: BTreeMap::new(),
            minutes: Minutes::default(),
            users: false,
            hint: None,
            incident: None,
            dirt: Dirt::None,
            unwritten: Vec::new(),
        }
    }

    /// Takes up an incident as it was written.
    pub fn restore(&mut self, incident: Incident) {
        for minute in incident.minutes.iter() {
            self.minutes.put(*minute);
        }
        self.incident = Some(incident);
    }

    /// Whether there is nothing to keep of it.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let may_go_on = self.incident.as_ref().is_some_and(|incident| {
            incident.closed.is_none_or(|closed| now.duration_since(closed.at) < FLAPPING)
        });
        self.checks.is_empty() && !may_go_on && self.dirt == Dirt::None
    }

    /// Takes up the checks that the config has of it now.
    pub fn change(&mut self, checks: &[&Arc<Check>], now: Timestamp) -> Option<Notice> {
        if let Some(check) = checks.first() {
            self.owner = Ownership::from(&check.endpoint.owner);
            self.users = check.endpoint.users.is_some();
        }
        let mut before = std::mem::take(&mut self.checks);
        for check in checks {
            let mut watched = before.remove(&check.id).unwrap_or_else(|| Watched {
                expect: check.expect(),
                health: State::Unknown,
                failing: VecDeque::new(),
            });
            watched.expect = check.expect();
            self.checks.insert(check.id.clone(), watched);
        }
        let incident = self.incident.as_mut().filter(|incident| incident.is_open())?;
        for (id, check) in &mut incident.checks {
            let gone = !self.checks.contains_key(&CheckId::from_text(id));
            if gone && check.standing != Standing::Removed {
                incident.unproven |= check.standing != Standing::Up;
                (check.standing, check.since) = (Standing::Removed, now);
                incident.timeline.add(now, What::Removed { check: id.clone() });
                self.dirt = Dirt::Story;
            }
        }
        if checks.is_empty() { self.close(Ended::EndpointRemoved, now) } else { None }
    }

    /// Takes in a run. Runs of checks that the config does not have say nothing.
    pub fn run(
        &mut self,
        run: Run,
        changes: &VecDeque<ChangeEvent>,
        now: Timestamp,
    ) -> Option<Notice> {
        let watched = self.checks.get_mut(&run.check)?;
        watched.health = run.health;
        if run.verdict == Some(Verdict::Pass) && !run.confirm && run.health != State::Down {
            watched.failing.clear();
        } else if run.verdict == Some(Verdict::Fail) || (run.confirm && run.verdict.is_some()) {
            watched.failing.push_back(run.clone());
            if watched.failing.len() > REMEMBERED {
                // The first stays: with it began what follows.
                watched.failing.remove(1);
            }
        }
        if let Some(incident) = self.incident.as_mut().filter(|incident| incident.is_open()) {
            let known = incident.checks.get(run.check.as_str());
            let falls = known.is_none_or(|known| known.standing != Standing::Down);
            for earlier in watched.failing.iter().filter(|_| falls && run.health == State::Down) {
                incident.timeline.add(earlier.at, failed(earlier));
            }
            let dirt = note(incident, &run);
            self.dirt = self.dirt.max(dirt);
        }
        self.judge(changes, now)
    }

    /// Takes in a minute of its users.
    pub fn minute(
        &mut self,
        minute: UserMinute,
        changes: &VecDeque<ChangeEvent>,
        now: Timestamp,
    ) -> Option<Notice> {
        self.minutes.put(minute);
        if let Some(incident) = self.incident.as_mut() {
            let from = Minute::of(incident.began_at);
            let to = incident.closed.map(|closed| Minute::of(closed.at));
            let within = minute.minute >= from && to.is_none_or(|to| minute.minute <= to);
            if within && incident.minutes.put(minute) {
                self.dirt = self.dirt.max(Dirt::Counts);
            }
        }
        self.judge(changes, now)
    }

    /// Takes in a change.
    pub fn changed(&mut self, change: &ChangeEvent) {
        let incident = self.incident.as_mut().filter(|incident| incident.is_open());
        if incident.is_some_and(|incident| note_change(incident, change)) {
            self.dirt = Dirt::Story;
        }
    }

    /// A change is told better by another one.
    pub fn superseded(&mut self, change: &ChangeEvent) {
        let incident = self.incident.as_mut().filter(|incident| incident.is_open());
        if incident.is_some_and(|incident| unnote_change(incident, change)) {
            self.dirt = Dirt::Story;
        }
    }

    /// Takes in whether the monitor is blind.
    pub fn blind(&mut self, why: Option<&str>, now: Timestamp) {
        if let Some(incident) = self.incident.as_mut().filter(|incident| incident.is_open()) {
            let what = why.map_or(What::Sees, |why| What::Blind { why: why.to_owned() });
            incident.timeline.add(now, what);
            self.dirt = Dirt::Story;
        }
    }

    /// What follows from all that is known.
    pub fn judge(&mut self, changes: &VecDeque<ChangeEvent>, now: Timestamp) -> Option<Notice> {
        self.minutes.forget_before(now.saturating_sub(PRESENT + PRESENT).unwrap_or(now));
        let down = self.checks.values().any(|watched| watched.health == State::Down);
        match &self.incident {
            Some(incident) if incident.is_open() => {
                let held = down || incident.unproven || incident.held_by().next().is_some();
                if !held && self.users_are_well(now) {
                    return self.close(Ended::Recovered, now);
                }
                self.weigh(now);
                self.tell_change(now)
            }
            _ if down => self.open(Trouble::Outage, None, changes, now),
            _ => {
                let from = self.blind_spot(now).filter(|_| !self.users_are_well(now))?;
                self.open(Trouble::BlindSpot, Some(from), changes, now)
            }
        }
    }

    /// Minutes that say something about the present, newest first.
    fn present(&self, now: Timestamp) -> impl Iterator<Item = &UserMinute> {
        let judged = self.minutes.iter().rev().filter(|minute| minute.judged());
        judged.take_while(move |minute| now.duration_since(minute.at) <= PRESENT)
    }

    fn users_are_well(&self, now: Timestamp) -> bool {
        !self.present(now).take(GOOD_MINUTES).any(UserMinute::bad)
    }

    /// When users began to fail unseen: the earlier of two minutes that are close to each other,
    /// behind the last incident.
    fn blind_spot(&self, now: Timestamp) -> Option<Timestamp> {
        let end = self.incident.as_ref().and_then(|last| last.closed);
        let after = |minute: &&UserMinute| end.is_none_or(|end| minute.minute > Minute::of(end.at));
        let unseen = |minute: &&UserMinute| minute.correlation == Correlation::UsersOnly;
        let minutes: Vec<_> = self.present(now).filter(after).filter(unseen).collect();
        let pairs = minutes.iter().zip(minutes.iter().skip(1));
        let mut near =
            pairs.filter(|(later, first)| later.minute.0 - first.minute.0 < BLIND_SPOT_WITHIN);
        near.next_back().map(|(_, first)| first.at)
    }
}

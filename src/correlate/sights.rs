//! What the probes of an endpoint saw, minute by minute.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::journal::Journal;
use super::series::KEPT_MINUTES;
use super::{Minute, Probes};
use crate::check::CheckId;
use crate::health::State;

/// Minutes for which it is known which check saw what; of older ones, what they saw together.
const OPEN: i64 = 10;

/// Intervals for which what a slow check found holds: as long as for its health.
const CARRIED_INTERVALS: u32 = 3;

/// The longest interval of checks that have a say of their own in every minute.
const A_MINUTE: Duration = Duration::from_secs(60);

/// How a run of a check that expects to get in ended.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The check.
    pub check: &'a CheckId,
    /// Time between its runs.
    pub interval: Duration,
    /// The minute that it was due in.
    pub minute: Minute,
    /// Whether it passed; none where it said nothing.
    pub passed: Option<bool>,
    /// The check's health after it.
    pub health: State,
    /// Since when it has that.
    pub since: Minute,
}

/// What one check saw in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Saw {
    #[serde(skip_serializing_if = "is_false")]
    passed: bool,
    #[serde(skip_serializing_if = "is_false")]
    failed: bool,
    #[serde(skip_serializing_if = "is_false")]
    nothing: bool,
    /// It was down at that time, by its health.
    #[serde(skip_serializing_if = "is_false")]
    down: bool,
    /// It was up, and had no run of its own.
    #[serde(skip_serializing_if = "is_false")]
    up: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Saw {
    fn probes(self) -> Probes {
        if self.down || (self.failed && !self.passed) {
            Probes::Bad
        } else if self.passed || self.up {
            Probes::Good
        } else {
            Probes::Unknown
        }
    }
}

/// What all checks saw in a minute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SightRow {
    /// Together, once it is too late for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<Probes>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    checks: BTreeMap<String, Saw>,
}

/// What a check found last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carry {
    minute: Minute,
    up: bool,
    interval: Duration,
}

impl Carry {
    /// What it says of a later minute in which its check did not run.
    fn of(&self, minute: Minute) -> Option<Saw> {
        let age =
            Duration::from_secs(60).saturating_mul(u32::try_from(minute.0 - self.minute.0).ok()?);
        let holds = self.interval > A_MINUTE
            && minute > self.minute
            && age <= self.interval.saturating_mul(CARRIED_INTERVALS);
        holds.then(|| Saw { up: self.up, down: !self.up, ..Saw::default() })
    }
}

/// Every kept minute, and what holds until the next run.
#[derive(Debug, Clone, Default)]
pub struct Sights {
    /// By minute.
    pub rows: Journal<Minute, SightRow>,
    /// By check.
    carries: BTreeMap<String, Carry>,
    /// They are otherwise than they are written down.
    carries_changed: bool,
}

impl Sights {
    /// As they are written down.
    pub fn of(rows: BTreeMap<Minute, SightRow>, carries: BTreeMap<String, Carry>) -> Self {
        Self { rows: Journal::of(rows), carries, carries_changed: false }
    }

    /// What holds of slow checks, where it changed: of the others it need not be written down.
    pub fn changed_carries(&self) -> Option<BTreeMap<&str, Carry>> {
        let slow = self.carries.iter().filter(|(_, carry)| carry.interval > A_MINUTE);
        self.carries_changed.then(|| slow.map(|(check, carry)| (check.as_str(), *carry)).collect())
    }

    /// All of it is to be written again.
    pub fn rewrite(&mut self) {
        self.rows.rewrite();
        self.carries_changed = true;
    }

    /// The changes are written down.
    pub fn settle(&mut self) {
        self.rows.settle();
        self.carries_changed = false;
    }

    /// Takes in a run; gives the first minute of which it tells.
    pub fn told(&mut self, run: Run<'_>) -> Minute {
        let Run { check, interval, minute, passed, health, since } = run;
        let mut first = minute;
        let id = check.as_str();
        self.mark(minute, id, |saw| match passed {
            Some(true) => saw.passed = true,
            Some(false) => saw.failed = true,
            None => saw.nothing = true,
        });
        let carry = self.carries.get(id).copied();
        if let Some(carry) = carry {
            // A slow check's last word held until this one.
            let oldest = (minute.0 - OPEN).max(carry.minute.0 + 1);
            for between in (oldest..minute.0).map(Minute) {
                if let Some(said) = carry.of(between) {
                    self.mark(between, id, |saw| {
                        saw.up |= said.up;
                        saw.down |= said.down;
                    });
                }
            }
        }
        if health == State::Down {
            // Known by now: it was down from its first failure on.
            let marked = carry.filter(|carry| !carry.up).map_or(i64::MIN, |carry| carry.minute.0);
            let oldest = since.0.max(marked.saturating_add(1)).max(minute.0 - KEPT_MINUTES);
            first = Minute(oldest.min(minute.0));
            for down in (first.0..=minute.0).map(Minute) {
                self.mark(down, id, |saw| saw.down = true);
            }
        }
        match (passed, health) {
            (_, State::Unknown) => {
                self.carries_changed |= self.carries.remove(id).is_some();
            }
            (Some(_), State::Up | State::Down) => {
                let carry = Carry { minute, up: health == State::Up, interval };
                self.carries_changed |= interval > A_MINUTE;
                self.carries.insert(id.to_owned(), carry);
            }
            (None, _) => {}
        }
        first
    }

    fn mark(&mut self, minute: Minute, check: &str, change: impl FnOnce(&mut Saw)) {
        let sealed = self.rows.get(minute).and_then(|row| row.sealed);
        let mut saw = match sealed {
            Some(_) => Saw::default(),
            None => {
                let row = self.rows.get(minute);
                row.and_then(|row| row.checks.get(check)).copied().unwrap_or_default()
            }
        };
        let before = saw;
        change(&mut saw);
        match sealed {
            // Of an old minute only this is news.
            Some(before) if saw.down && before != Probes::Bad => {
                self.rows.change(minute).sealed = Some(Probes::Bad);
            }
            Some(_) => {}
            None if saw != before => {
                self.rows.change(minute).checks.insert(check.to_owned(), saw);
            }
            None => {}
        }
    }

    /// Writes down for a minute what slow checks found before it: it holds, whatever they find
    /// later.
    pub fn close(&mut self, minute: Minute) {
        let row = self.rows.get(minute);
        let ran = |check: &str| row.is_some_and(|row| row.checks.contains_key(check));
        let carried = self.carries.iter().filter(|(check, _)| !ran(check));
        let carried = carried.filter_map(|(check, carry)| Some((check.clone(), carry.of(minute)?)));
        for (check, said) in carried.collect::<Vec<_>>() {
            self.mark(minute, &check, |saw| *saw = said);
        }
    }

    /// This monitor sees nothing: nothing holds any longer.
    pub fn blind(&mut self) {
        self.carries_changed |= !self.carries.is_empty();
        self.carries.clear();
    }

    /// Only these checks are left.
    pub fn retain(&mut self, is_left: impl Fn(&str) -> bool) {
        self.carries.retain(|check, _| is_left(check));
    }

    /// What they saw in a minute.
    pub fn probes(&self, minute: Minute) -> Probes {
        let row = self.rows.get(minute);
        if let Some(sealed) = row.and_then(|row| row.sealed) {
            return sealed;
        }
        let ran = |check: &str| row.is_some_and(|row| row.checks.contains_key(check));
        let carried = self.carries.iter().filter(|(check, _)| !ran(check));
        let carried = carried.filter_map(|(_, carry)| carry.of(minute));
        let seen = row.into_iter().flat_map(|row| row.checks.values().copied());
        seen.chain(carried).map(Saw::probes).fold(Probes::Unknown, |all, one| match (all, one) {
            (Probes::Bad, _) | (_, Probes::Bad) => Probes::Bad,
            (Probes::Good, _) | (_, Probes::Good) => Probes::Good,
            (Probes::Unknown, Probes::Unknown) => Probes::Unknown,
        })
    }

    /// Keeps of old minutes what the checks saw together; forgets those that are too old.
    pub fn seal(&mut self, now: Minute) {
        let open = Minute(now.0 - OPEN);
        let old = self.rows.range(..open).rev();
        let old: Vec<_> =
            old.take_while(|(_, row)| row.sealed.is_none()).map(|(minute, _)| minute).collect();
        for minute in old {
            let probes = self.probes(minute);
            *self.rows.change(minute) = SightRow { sealed: Some(probes), ..SightRow::default() };
        }
    }

    /// Forgets what is too old.
    pub fn expire(&mut self, now: Minute) {
        self.rows.forget_before(Minute(now.0 - KEPT_MINUTES));
    }
}

#[cfg(test)]
mod tests;

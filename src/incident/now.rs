//! What is wrong in an incident at this moment, what is over, and what it waits for. Pure.
//!
//! An incident takes in whatever is wrong at its endpoint until all of that is over: what it was
//! opened for may be gone, and something else be wrong.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::case::PRESENT;
use super::record::{Incident, Standing, Stricken, Trouble};
use super::words::count;
use crate::check::origin::Expect;
use crate::correlate::Minute;
use crate::outcome::reason::Reason;

/// Whom the endpoint of an incident serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reach {
    /// Pages that must get in.
    pub pages: u32,
    /// The most of them that were kept out at once.
    pub most_out: u32,
    /// Whether it takes users.
    pub users: bool,
}

/// What an incident waits for once nothing is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waits {
    /// Since when the doors are open again; none where none was shut.
    pub open_since: Option<Timestamp>,
    /// The last minute that was bad for users.
    pub last_bad: Option<Timestamp>,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |at: Timestamp| at.strftime("%H:%M");
        match self.open_since {
            Some(at) => write!(f, "The doors are open again since {} UTC; w", clock(at))?,
            None => f.write_str("W")?,
        }
        match self.last_bad {
            Some(bad) => {
                let end = bad.saturating_add(PRESENT).unwrap_or(bad);
                let (bad, end) = (clock(bad), clock(end));
                write!(
                    f,
                    "aiting for users: the last bad minute was {bad} UTC; it closes after three \
                     good ones, by {end} UTC at the latest."
                )
            }
            None => f.write_str("aiting until another check passes."),
        }
    }
}

impl Incident {
    /// Checks that are down.
    pub fn down(&self) -> impl Iterator<Item = (&String, &Stricken)> {
        self.checks.iter().filter(|(_, check)| check.standing == Standing::Down)
    }

    /// Checks that were down, and are up again or gone.
    pub fn over(&self) -> impl Iterator<Item = (&String, &Stricken)> {
        self.checks.iter().filter(|(_, check)| !check.is_held())
    }

    /// One line: what is wrong, where, how bad.
    pub fn title(&self) -> String {
        format!("{}: {} ({})", self.endpoint, self.headline(), self.severity.as_str())
    }

    /// What is wrong now, the gravest first; of one that is closed, what it was.
    pub fn headline(&self) -> String {
        if !self.is_open() {
            let out = self.reach.most_out;
            return match self.trouble {
                Trouble::Outage => self.reach.kept_out(out),
                // What came last was users who were not well yet.
                Trouble::BlindSpot if out > 0 => self.reach.kept_out(out),
                other => other.title().to_owned(),
            };
        }
        let down = |expect| self.down().filter(move |(_, check)| check.expect == expect);
        let out = down(Expect::Allow).map(|(id, _)| id.as_str());
        let mut wrong = Vec::new();
        if let Some(out) = pages(out) {
            wrong.push(self.reach.kept_out(out));
        }
        if down(Expect::Deny).next().is_some() {
            let whole = wrong.iter().any(|what| what == Trouble::Outage.title());
            // A door that lets the wrong ones in is worse than one that keeps some out.
            wrong.insert(usize::from(whole), Trouble::SecurityFinding.title().to_owned());
        }
        let unseen = self.held_by().filter(|(_, check)| check.standing == Standing::NotSeen);
        match unseen.count() {
            0 => {}
            1 => wrong.push("a check that was down is not seen any more".to_owned()),
            n => wrong.push(format!("{n} checks that were down are not seen any more")),
        }
        if wrong.is_empty() {
            let Waits { open_since, last_bad } = self.waits().unwrap_or_default();
            return match (open_since, last_bad) {
                (Some(_), None) => "nothing is down any more".to_owned(),
                // A minute that began before the doors opened.
                (Some(open), Some(bad)) if bad < open => "open again, waiting for users".to_owned(),
                _ => Trouble::BlindSpot.title().to_owned(),
            };
        }
        wrong.join(", also ")
    }

    /// What it waits for; nothing while something is down or may be, nor once it is closed.
    pub fn waits(&self) -> Option<Waits> {
        if !self.is_open() || self.held_by().next().is_some() {
            return None;
        }
        let open_since = self.over().map(|(_, check)| check.since).max();
        let last_bad = self.minutes.iter().rev().find(|minute| minute.bad());
        Some(Waits { open_since, last_bad: last_bad.map(|minute| minute.at) })
    }

    /// Why something is to be done: what is down or may be; of one that is closed, what was.
    pub fn reasons(&self) -> BTreeSet<Reason> {
        let checks = self.checks.values().filter(|check| !self.is_open() || check.is_held());
        checks.filter_map(|check| check.cause?.reason).collect()
    }

    /// Whether it is too early to say how its users fare.
    pub fn users_unjudged(&self) -> bool {
        let opened = Minute::of(self.opened_at);
        self.reach.users && !self.minutes.iter().any(|minute| minute.minute >= opened)
    }
}

impl Stricken {
    /// Whether it is down, or may be.
    pub fn is_held(&self) -> bool {
        matches!(self.standing, Standing::Down | Standing::NotSeen)
    }
}

impl Reach {
    /// What it is called that so many pages are kept out.
    fn kept_out(&self, out: u32) -> String {
        if out == 0 || out >= self.pages {
            return Trouble::Outage.title().to_owned();
        }
        format!("{out} of {} kept out", count(u64::from(self.pages), "page"))
    }
}

/// How many pages these checks stand for, by their ids; none where there is no check, 0 where one
/// of them is of all pages.
pub(super) fn pages<'a>(ids: impl Iterator<Item = &'a str>) -> Option<u32> {
    let mut names = BTreeSet::new();
    let mut some = false;
    for id in ids {
        some = true;
        match id.splitn(3, '/').nth(2) {
            Some(page) => drop(names.insert(page)),
            None => return Some(0),
        }
    }
    some.then(|| u32::try_from(names.len()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_once() {
        assert_eq!(pages([].into_iter()), None);
        assert_eq!(pages(["a/cors/x", "a/websocket/x", "a/cors/y/z"].into_iter()), Some(2));
        assert_eq!(pages(["a/tls", "a/websocket/x"].into_iter()), Some(0));
        let reach = Reach { pages: 2, ..Reach::default() };
        assert_eq!(reach.kept_out(1), "1 of 2 pages kept out");
        for all in [reach.kept_out(0), reach.kept_out(2), Reach::default().kept_out(1)] {
            assert_eq!(all, "outage");
        }
    }
}

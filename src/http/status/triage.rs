//! Whose trouble it is, before all else.

use maud::{Markup, html};

use crate::health::State as Health;
use crate::incident::cause::{Cause, Whose};
use crate::incident::record::Incident;
use crate::incident::words::count;
use crate::outcome::reason::{Fault, Reason};
use crate::record::snapshot::{CheckRecord, Snapshot};

/// Endpoints that are named of each kind.
const MAX_NAMED: usize = 8;

/// What is down, by whose trouble it is.
#[derive(Debug, Default, PartialEq)]
pub struct Triage {
    /// Names and reasons, each once, in the order of the config.
    pub down: Vec<(String, Reason, Fault)>,
    /// Names of what is down for a reason that this program does not know: a later one stored it.
    pub unexplained: Vec<String>,
    /// Checks of which nothing is known.
    pub unknown: usize,
    /// Why this monitor cannot tell good from bad.
    pub blind: Option<String>,
}

impl Triage {
    /// Of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut triage = Self { blind: snapshot.sight.blind(), ..Self::default() };
        for record in &snapshot.checks {
            match record.health.state() {
                Health::Unknown => triage.unknown += 1,
                Health::Down => {
                    let name = record.check.endpoint.name.to_string();
                    match cause(record).map(|(reason, fault)| (name.clone(), reason, fault)) {
                        Some(row) if !triage.down.contains(&row) => triage.down.push(row),
                        None if !triage.unexplained.contains(&name) => {
                            triage.unexplained.push(name);
                        }
                        _ => {}
                    }
                }
                Health::Up => {}
            }
        }
        triage
    }

    /// In one word.
    pub fn whose(&self) -> Whose {
        match self.blind {
            Some(_) => Whose::Us,
            None => Whose::of(self.down.iter().map(|(_, _, fault)| *fault)),
        }
    }

    /// In one sentence.
    pub fn sentence(&self) -> String {
        match (&self.blind, !self.is_down(), self.unknown) {
            (Some(why), _, _) => {
                format!("This monitor: it is blind ({why}). What it says of others is not known.")
            }
            (None, true, 0) => "Nobody: nothing that is watched is down.".to_owned(),
            (None, true, unknown) => {
                format!("Nothing is known to be down; of {unknown} checks nothing is known.")
            }
            (None, false, _) => match self.whose() {
                Whose::You => "The endpoint's owner: what fails is at the endpoints.".to_owned(),
                Whose::Us => "This monitor: what fails is here.".to_owned(),
                Whose::Internet => {
                    "The way there: what fails is between here and the endpoints.".to_owned()
                }
                Whose::Unknown => "Not known: something is down, and not why.".to_owned(),
            },
        }
    }

    /// Whether anything is, for whatever reason.
    pub fn is_down(&self) -> bool {
        !self.down.is_empty() || !self.unexplained.is_empty()
    }

    /// What is down, and nobody knows why.
    pub fn unnamed(&self) -> Option<String> {
        let shown = self.unexplained.iter().take(MAX_NAMED).cloned().collect();
        joined(shown, self.unexplained.len())
    }

    /// What is down of one kind: `shop (upgrade_rejected), …`.
    pub fn named(&self, fault: Fault) -> Option<String> {
        let of = || self.down.iter().filter(|(_, _, of)| *of == fault);
        let names = of().take(MAX_NAMED).map(|(name, reason, _)| format!("{name} ({reason})"));
        joined(names.collect(), of().count())
    }
}

/// The first of so many names; nothing where there is none.
fn joined(shown: Vec<String>, all: usize) -> Option<String> {
    let more = all.saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!shown.is_empty()).then(|| shown.join(", ") + &more)
}

/// Why a check is down: of its last run that failed, or as known from before a restart.
fn cause(record: &CheckRecord) -> Option<(Reason, Fault)> {
    let seen = record.last_failed.as_deref().filter(|_| record.failing.is_some());
    match seen.and_then(|outcome| outcome.failure.as_ref()) {
        Some(failure) => Cause::of(failure).reason.map(|reason| (reason, failure.fault())),
        None => record.failing.map(|(_, reason)| (reason, reason.fault())),
    }
}

/// The kinds, with what each is called.
pub const KINDS: [(Fault, &str); 3] = [
    (Fault::Target, "The endpoint's owner"),
    (Fault::Path, "The way there"),
    (Fault::Monitor, "This monitor"),
];

/// What is down for a reason that this program does not know.
pub const NOT_KNOWN: &str = "Not known why, until the next run";

/// Above all else on the page.
pub fn shown(triage: &Triage, open: &[Incident]) -> Markup {
    let failed: u64 = open.iter().map(|incident| incident.affected().failed).sum();
    html! {
        section class="triage" aria-labelledby="whose" {
            h2 id="whose" { "Whose trouble is it?" }
            p { strong { bdi { (triage.sentence()) } } }
            @if triage.is_down() {
                ul {
                    @for (fault, name) in KINDS {
                        @if let Some(down) = triage.named(fault) { li { b { (name) } ": " (down) } }
                    }
                    @if let Some(down) = triage.unnamed() { li { b { (NOT_KNOWN) } ": " (down) } }
                }
            }
            @if failed > 0 { p { "In open incidents " (count(failed, "conversation")) " failed." } }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::config::Config;
    use crate::outcome::verdict::Verdict;
    use crate::record::state::State;

    #[test]
    fn what_is_down_for_a_reason_of_a_later_program_is_not_nobodys() {
        let text = "[[endpoints]]\nname = \"door\"\nurl = \"wss://door.example/\"\n\
            health = { down-after = 1 }\n";
        let checks = Config::parse(Path::new("/x.toml"), text).unwrap().checks;
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut snapshot = State::new(&checks, now).snapshot(now);
        let snapshot = Arc::make_mut(&mut snapshot);
        for record in &mut snapshot.checks {
            let record = Arc::make_mut(record);
            record.health.observe(Verdict::Fail, now, &checks[0].endpoint.health);
            assert_eq!((record.health.state(), record.failing), (Health::Down, None));
        }
        let triage = Triage::of(snapshot);
        assert_eq!(triage.sentence(), "Not known: something is down, and not why.");
        assert_eq!(triage.whose(), Whose::Unknown);
        assert_eq!(triage.unnamed().as_deref(), Some("door"));
        let page = shown(&triage, &[]).into_string();
        assert!(page.contains("Not known why, until the next run</b>: door"), "{page}");
    }
}

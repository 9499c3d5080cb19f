//! Looks at every door behind an object, until all are as declared or time is up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::check::Check;
use crate::check::cadence::Cadence;
use crate::check::endpoint::{Endpoint, EndpointName, Trust};
use crate::check::messaging::{Level, Messaging};
use crate::check::origin::{Expect, OriginRule};
use crate::check::probe::{Probe, RefusalStatuses, Websocket};
use crate::check::target::Target;
use crate::event::key::Key;
use crate::outcome::Outcome;
use crate::outcome::failure::Failure;
use crate::outcome::messaging::{Refused, Trouble};
use crate::outcome::quoted::Quoted;
use crate::outcome::reason::Reason;
use crate::outcome::verdict::Verdict;
use crate::outcome::warning::Warning;
use crate::probe::Prober;

/// Longest that a door may take to open, as in the seeds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The first wait between two looks at a door that is not as declared, and the longest.
const WAITS: [u64; 2] = [1, 15];

/// A door, and what was declared of it.
#[derive(Debug, Clone)]
pub struct Door {
    /// As a check.
    pub check: Arc<Check>,
    /// Whether it is behind an object that is switched off, where nobody gets in.
    pub shut: bool,
}

/// A door that was looked at.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which.
    pub door: Door,
    /// What was seen last.
    pub outcome: Outcome,
    /// What that means.
    pub verdict: Verdict,
    /// How often it was looked at.
    pub looks: u32,
}

/// The doors of one object, those that must open first: they show that the others are shut to some.
///
/// Behind those of a `deployment` a messenger answers, which may open to everybody and refuse a
/// page once its guest says something. So a guest asks how the deployment is configured, which
/// begins nothing.
pub fn doors(
    place: &str,
    deployment: Option<&Key>,
    target: &Target,
    trust: &Trust,
    rules: &[Arc<OriginRule>],
    shut: bool,
) -> Vec<Door> {
    let endpoint = Endpoint::alone(EndpointName::internal(place), target.clone());
    let endpoint = Arc::new(Endpoint { trust: trust.clone(), ..endpoint });
    // Whoever is switched off may say so in other ways than of an origin.
    let all_but_busy = || (400..500).filter(|status| !matches!(status, 408 | 429)).collect();
    let refusal_statuses = if shut { RefusalStatuses::new(all_but_busy()) } else { None };
    let refusal_statuses = refusal_statuses.unwrap_or_default();
    let probe = Arc::new(match deployment {
        Some(id) => Probe::Messaging(Messaging {
            level: Level::Configuration,
            refusal_statuses,
            ..Messaging::of(id.clone())
        }),
        None => Probe::Websocket(Websocket { refusal_statuses, ..Websocket::default() }),
    });
    let Ok(cadence) = Cadence::new(Cadence::MAX_INTERVAL, TIMEOUT) else { return Vec::new() };
    let control = rules.iter().find(|rule| rule.expect == Expect::Allow).cloned();
    let check = |rule: &Arc<OriginRule>| {
        let check = Check::new(endpoint.clone(), probe.clone(), Some(rule.clone()), cadence);
        let control = control.clone().filter(|_| rule.expect == Expect::Deny);
        Door { check: Arc::new(check.beside(control)), shut }
    };
    let mut doors: Vec<_> = rules.iter().map(check).collect();
    doors.sort_by_key(|door| door.check.expect() == Expect::Deny);
    doors
}

/// Connections of the last minute: customers share the limit.
#[derive(Debug)]
pub struct Pace {
    most: usize,
    made: VecDeque<Instant>,
}

impl Pace {
    /// So many a minute.
    pub fn new(most: u32) -> Self {
        Self { most: most.max(1) as usize, made: VecDeque::new() }
    }

    /// When the next connection may be made.
    fn next(&mut self, now: Instant) -> Instant {
        let minute = Duration::from_secs(60);
        while self.made.front().is_some_and(|made| *made + minute <= now) {
            self.made.pop_front();
        }
        let over = self.made.len().checked_sub(self.most);
        let freed = over.and_then(|over| self.made.get(over));
        freed.map_or(now, |made| *made + minute)
    }

    async fn wait(&mut self) {
        let next = self.next(Instant::now());
        sleep_until(next).await;
        self.made.push_back(next);
    }
}

/// Looks at doors until each is as declared, or until `deadline`; each at least once. `told` hears
/// of each look.
pub async fn look(
    prober: &Prober,
    doors: Vec<Door>,
    pace: &mut Pace,
    deadline: Instant,
    mut told: impl FnMut(&Seen),
) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::with_capacity(doors.len());
    for door in doors {
        pace.wait().await;
        let outcome = prober.run(&door.check, 0).await;
        let verdict = verdict(&door, &outcome);
        let one = Seen { door, outcome, verdict, looks: 1 };
        told(&one);
        seen.push(one);
    }
    hold_guests_against_each_other(&mut seen);
    let [first, longest] = WAITS;
    let mut wait = Duration::from_secs(first);
    let mut round = 1;
    while Instant::now() < deadline && seen.iter().any(may_change) {
        sleep_until((Instant::now() + wait).min(deadline)).await;
        wait = (wait * 2).min(Duration::from_secs(longest));
        for one in seen.iter_mut().filter(|one| may_change(one)) {
            pace.wait().await;
            if one.door.check.control.is_some() {
                // The page beside it is asked again, too.
                pace.wait().await;
            }
            one.outcome = prober.run(&one.door.check, round).await;
            one.verdict = verdict(&one.door, &one.outcome);
            one.looks += 1;
            told(one);
        }
        hold_guests_against_each_other(&mut seen);
        round += 1;
    }
    seen
}

/// One look, on one line.
pub fn told(seen: &Seen) -> String {
    let origin = seen.door.check.origin.as_ref().map_or("", |rule| rule.name.as_str());
    let failure = seen.outcome.failure.as_ref();
    let looks = if seen.looks == 1 { String::new() } else { format!(", look {}", seen.looks) };
    match (seen.verdict, seen.door.check.expect()) {
        (Verdict::Pass, Expect::Allow) => format!("{origin} is let in{looks}"),
        (Verdict::Pass, Expect::Deny) => format!("{origin} is refused, as it must be{looks}"),
        _ => {
            let reason = failure.map_or("", |failure| failure.reason().code());
            format!("{origin} is not as declared yet: {reason}{looks}")
        }
    }
}

/// What a look means for what was declared.
fn verdict(door: &Door, outcome: &Outcome) -> Verdict {
    match &outcome.failure {
        // Nobody gets in, and nobody is to: there is no page to hold this against.
        Some(Failure::ControlMissing(_)) if door.shut => Verdict::Pass,
        _ => outcome.verdict,
    }
}

/// A guest who is not told how the deployment is configured may have to log in. Where another
/// page's guest is told, it is the page that is refused.
fn hold_guests_against_each_other(seen: &mut [Seen]) {
    let reached = |one: &Seen| one.outcome.observation.messaging.as_ref()?.reached;
    if !seen.iter().any(|one| reached(one) >= Some(Level::Configuration)) {
        return;
    }
    for one in seen.iter_mut().filter(|one| one.verdict == Verdict::Pass) {
        let mut remarks = one.outcome.remarks.iter();
        let needs = remarks.find(|it| it.warning == Warning::MessagingNeedsAuthentication);
        let Some(said) = needs.map(|remark| Quoted::text(&remark.evidence)) else { continue };
        let refused = Refused { trouble: Trouble::Error, code: None, said };
        one.outcome.failure = Some(Failure::Messaging(refused));
        one.verdict = Verdict::Fail;
    }
}

/// Whether a door that is not as declared may become so by itself: an edit takes its time until
/// every server has it. A certificate does not.
fn may_change(seen: &Seen) -> bool {
    let reason = seen.outcome.failure.as_ref().map(Failure::reason);
    seen.verdict != Verdict::Pass && !reason.is_some_and(is_lasting)
}

fn is_lasting(reason: Reason) -> bool {
    reason.code().starts_with("cert_")
        || matches!(
            reason,
            Reason::NameNotFound
                | Reason::NoAddress
                | Reason::NotTls
                | Reason::TlsIncompatible
                | Reason::TlsUnsupportedByProbe
                | Reason::ClientCertificateRefused
                | Reason::ClockWrong
                | Reason::LocalDenied
                | Reason::UpgradeRedirected
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_spread_over_the_minute() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(2);
        for (now, expected) in [(0, 0), (1, 1), (2, 60), (60, 61), (200, 200)] {
            let next = pace.next(after(now));
            assert_eq!(next, after(expected), "at {now}");
            pace.made.push_back(next);
        }
    }

    #[test]
    fn those_that_must_open_come_first_and_stand_beside_the_others() {
        let rule = |origin: &str, expect| {
            Arc::new(OriginRule { name: origin.into(), origin: origin.parse().unwrap(), expect })
        };
        let rules =
            [rule("https://evil.example", Expect::Deny), rule("https://a.example", Expect::Allow)];
        let target = "wss://chat.example/v1".parse().unwrap();
        let doors = doors("deployments[0]", None, &target, &Trust::System, &rules, false);
        let names: Vec<_> =
            doors.iter().map(|d| d.check.origin.as_ref().unwrap().name.as_str()).collect();
        assert_eq!(names, ["https://a.example", "https://evil.example"]);
        assert_eq!(doors[1].check.control.as_ref().unwrap().name, "https://a.example");
        assert!(doors[0].check.control.is_none());
    }

    #[test]
    fn a_guest_begins_nothing_and_others_speak_no_protocol_of_guests() {
        let page = OriginRule {
            name: "https://a.example".into(),
            origin: "https://a.example".parse().unwrap(),
            expect: Expect::Allow,
        };
        let target = "wss://chat.example/v1".parse().unwrap();
        let probe = |deployment: Option<&Key>| {
            let rules = [Arc::new(page.clone())];
            let doors = doors("x", deployment, &target, &Trust::System, &rules, false);
            doors[0].check.probe.as_ref().clone()
        };
        let id = Key::new("5409c0de-0000-4000-8000-000000000001").unwrap();
        match probe(Some(&id)) {
            Probe::Messaging(messaging) => {
                assert_eq!((messaging.level, messaging.deployment), (Level::Configuration, id));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(probe(None), Probe::Websocket(_)));
    }
}

//! Stories, and what holds of all of them.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::cases::Cases;
use super::cause::{Cause, Whose};
use super::notice::{Event, Form, Notice, Subscription};
use super::record::{Ended, Incident, Standing, Trouble};
use super::run::Run;
use super::severity::Severity;
use super::timeline::What;
use super::{ChangeEvent, ChangeSource, markdown, plain};
use crate::check::Check;
use crate::check::endpoint::EndpointName;
use crate::config::Config;
use crate::correlate::{Correlation, Minute, Probes, Users, Window};
use crate::health::State;
use crate::outcome::phase::Phase;
use crate::outcome::reason::{Fault, Reason};
use crate::outcome::verdict::Verdict;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn name(text: &str) -> EndpointName {
    text.to_owned().try_into().unwrap()
}

/// Two pages that must get in, and one that must not.
fn checks(keys: &str) -> Vec<Arc<Check>> {
    let text = format!(
        "[[endpoints]]\nname = \"door\"\nurl = \"ws://127.0.0.1:9/\"\n{keys}\norigins = [\
         {{ origin = \"https://a.test\", name = \"a\" }}, {{ origin = \"https://b.test\", name = \"b\" }},\
         {{ origin = \"https://evil.test\", name = \"evil\", expect = \"deny\" }}]\n"
    );
    Config::parse(Path::new("/tmp/config.toml"), &text).unwrap().checks
}

/// Cases, and a hand to feed them.
struct Desk {
    cases: Cases,
    checks: Vec<Arc<Check>>,
    notices: Vec<Notice>,
}

impl Desk {
    fn new(keys: &str) -> Self {
        let checks = checks(keys);
        let cases = Cases::restore([], [], &checks, at(0));
        Self { cases, checks, notices: Vec::new() }
    }

    fn settle(&mut self, now: Timestamp) {
        let (_, notices) = self.cases.unwritten(now);
        self.notices.extend(notices.into_iter().cloned());
        self.cases.written(now);
    }

    fn run(&mut self, check: usize, second: i64, verdict: Verdict, health: State) {
        self.run_as(check, second, verdict, health, false, Reason::UpgradeRefused);
    }

    fn run_as(
        &mut self,
        check: usize,
        second: i64,
        verdict: Verdict,
        health: State,
        confirm: bool,
        reason: Reason,
    ) {
        let check = &self.checks[check];
        let cause =
            Cause { reason: Some(reason), phase: Some(Phase::Upgrade), fault: Some(Fault::Target) };
        let run = Run {
            check: check.id.clone(),
            expect: check.expect(),
            at: at(second),
            verdict: Some(verdict),
            cause: (verdict != Verdict::Pass).then_some(cause),
            confirm,
            health,
            since: at(second),
        };
        self.cases.run(&name("door"), run, at(second));
        self.settle(at(second));
    }

    fn window(&mut self, minute: i64, probes: Probes, users: Users, failed: u32, now: i64) {
        let window = Window {
            endpoint: name("door"),
            minute: Minute(Minute::of(at(0)).0 + minute),
            probes,
            users,
            correlation: Correlation::between(probes, users),
            started: 30,
            ended: 30,
            failed,
        };
        self.cases.window(&window, at(now));
        self.settle(at(now));
    }

    fn tick(&mut self, second: i64) {
        self.cases.tick(at(second));
        self.settle(at(second));
    }

    fn incident(&self) -> &Incident {
        self.cases.known().next().unwrap()
    }

    fn is_open(&self) -> bool {
        self.cases.known().any(Incident::is_open)
    }

    fn events(&self) -> Vec<Event> {
        self.notices.iter().map(|notice| notice.event).collect()
    }

    fn story(&self) -> Vec<What> {
        self.incident().story().into_iter().map(|entry| entry.what).collect()
    }

    /// Fails, is confirmed twice, and is down.
    fn goes_down(&mut self, check: usize, second: i64) {
        use Reason::UpgradeRefused;
        self.run(check, second, Verdict::Fail, State::Up);
        self.run_as(check, second + 5, Verdict::Fail, State::Up, true, UpgradeRefused);
        self.run_as(check, second + 10, Verdict::Fail, State::Down, true, UpgradeRefused);
    }
}

#[test]
fn what_the_contact_centre_says_of_itself_stands_in_an_incident_that_begins_meanwhile() {
    let hint = "at this moment: incident i1 \"Messages late\" (major, monitoring)";
    let told = |desk: &Desk| {
        let is_hint = |what: &What| matches!(what, What::Change { source: ChangeSource::StatusPage, what, .. } if what == hint);
        desk.story().iter().filter(|what| is_hint(what)).count()
    };
    for says in [true, false] {
        let mut desk = Desk::new("");
        desk.cases.hint(Some("incident i1 \"Messages late\" (major, monitoring)".into()));
        if !says {
            desk.cases.hint(None);
        }
        desk.run(0, -30, Verdict::Pass, State::Up);
        desk.goes_down(0, 0);
        assert!(desk.is_open());
        assert_eq!(told(&desk), usize::from(says), "{:#?}", desk.story());
        assert_eq!(desk.incident().whose, Whose::You, "it is a hint, and no verdict");
    }
}

#[test]
fn an_outage_is_opened_followed_and_closed() {
    let mut desk = Desk::new("team = \"web\"\ntier = \"1\"");
    let change = ChangeEvent {
        at: at(-600),
        source: ChangeSource::Deployment,
        endpoint: None,
        what: "Deployment published".to_owned(),
        who: None,
    };
    let old = ChangeEvent { at: at(-1801), ..change.clone() };
    assert!(desk.cases.changed(&change) && !desk.cases.changed(&change));
    assert!(desk.cases.changed(&old));
    desk.run(0, -30, Verdict::Pass, State::Up);
    assert!(desk.notices.is_empty());
    desk.goes_down(0, 0);
    desk.goes_down(1, 0);
    let incident = desk.incident();
    assert_eq!(incident.id.as_str(), "20270115T080010Z-door");
    assert_eq!((incident.began_at, incident.opened_at), (at(0), at(10)));
    assert_eq!((incident.trouble, incident.whose), (Trouble::Outage, Whose::You));
    assert_eq!((incident.severity, incident.owner.team.as_str()), (Severity::Critical, "web"));
    // Nobody is told within the same minute of a change, and then once.
    assert_eq!(desk.events(), [Event::Opened]);
    assert_eq!(desk.notices[0].incident.severity, Severity::Major);
    desk.tick(69);
    assert_eq!(desk.events().len(), 1);
    desk.tick(70);
    desk.tick(71);
    assert_eq!(desk.events(), [Event::Opened, Event::Changed]);
    desk.run_as(0, 90, Verdict::Fail, State::Down, false, Reason::Reset);
    desk.run(0, 120, Verdict::Pass, State::Up);
    assert!(desk.is_open(), "one is down still");
    desk.run(1, 150, Verdict::Pass, State::Up);
    assert_eq!(desk.incident().closed.unwrap().why, Ended::Recovered);
    assert_eq!(desk.events(), [Event::Opened, Event::Changed, Event::Closed]);
    let ids: Vec<_> = desk.notices.iter().map(Notice::id).collect();
    assert_eq!(ids[2], "msg_20270115T080010Z-door_3");
    let story = desk.story();
    let kinds: Vec<_> =
        story.iter().map(|what| serde_json::to_value(what).unwrap()["kind"].clone()).collect();
    let expected = [
        "change",
        "first_bad",
        "failed",
        "confirmed",
        "confirmed",
        "confirmed",
        "down",
        "opened",
        "confirmed",
        "down",
        "changed",
        "failed",
        "up",
        "changed",
        "up",
        "closed",
    ];
    assert_eq!(kinds, expected.map(serde_json::Value::from));
}

#[test]
fn a_title_says_what_is_wrong_now() {
    let mut desk = Desk::new("team = \"web\"\nusers = { queues = [\"q\"] }");
    let title = |desk: &Desk| desk.incident().headline();
    desk.goes_down(0, 0);
    assert_eq!(desk.incident().title(), "door: 1 of 2 pages kept out (minor)");
    assert!(plain::page(desk.incident()).contains("users: Not judged yet"));
    desk.goes_down(1, 10);
    assert_eq!(title(&desk), "outage");
    desk.run_as(2, 30, Verdict::Fail, State::Down, false, Reason::OriginAccepted);
    assert_eq!(title(&desk), "outage, also a page gets in that must be kept out");
    assert_eq!(desk.incident().trouble, Trouble::SecurityFinding);
    desk.run(1, 40, Verdict::Pass, State::Up);
    assert_eq!(title(&desk), "a page gets in that must be kept out, also 1 of 2 pages kept out");
    desk.run(2, 50, Verdict::Inconclusive, State::Unknown);
    let unseen = "1 of 2 pages kept out, also a check that was down is not seen any more";
    assert_eq!((title(&desk).as_str(), desk.incident().trouble), (unseen, Trouble::Outage));
    assert_eq!(desk.incident().waits(), None);
    let ids: Vec<_> = desk.incident().reasons().into_iter().collect();
    assert_eq!(ids, [Reason::UpgradeRefused, Reason::OriginAccepted]);

    // The doors are open again, and the users are not well yet.
    desk.window(0, Probes::Bad, Users::Failing, 1, 62);
    desk.run(0, 70, Verdict::Pass, State::Up);
    desk.run(2, 80, Verdict::Pass, State::Up);
    assert_eq!(desk.incident().title(), "door: open again, waiting for users (minor)");
    let waits = desk.incident().waits().unwrap().to_string();
    assert_eq!(
        waits,
        "The doors are open again since 08:01 UTC; waiting for users: the last bad minute was \
         08:00 UTC; it closes after three good ones, by 08:30 UTC at the latest."
    );
    let page = plain::page(desk.incident());
    assert!(page.contains(&waits) && !page.contains("do:"), "{page}");
    assert!(page.contains("1 of 30 conversations failed in 1 bad minute."), "{page}");
    assert!(page.contains("The endpoint's owner: what fails is at the endpoint (team web)"));
    let page = markdown::page(desk.incident());
    assert!(page.contains("Nothing is down") && !page.contains("upgrade_refused`:"), "{page}");
    let subscription = Subscription {
        name: name("ops"),
        form: Form::Alertmanager,
        endpoints: None,
        min_severity: Severity::Minor,
        external_url: None,
    };
    let incident = desk.incident().clone();
    let notice = Notice { event: Event::Changed, at: at(90), incident, before: None };
    let body = subscription.message(&notice).unwrap().body;
    let over = "Not down any more: door/websocket/a, door/websocket/b, door/websocket/evil.";
    assert!(body.contains(over) && body.contains(&waits), "{body}");
    assert!(!body.contains(Reason::UpgradeRefused.fix()), "{body}");
    desk.window(2, Probes::Good, Users::Failing, 6, 182);
    assert_eq!(title(&desk), "users fail where the probes see nothing");
    for minute in 3..6 {
        desk.window(minute, Probes::Good, Users::Normal, 0, 62 + minute * 60);
    }
    assert!(!desk.is_open());
    assert_eq!(title(&desk), "outage", "what it was at its worst");
}

#[test]
fn a_repair_is_not_among_what_changed_before() {
    let mut desk = Desk::new("");
    let change = |second, what: &str| ChangeEvent {
        at: at(second),
        source: ChangeSource::Audit,
        endpoint: None,
        what: what.to_owned(),
        who: None,
    };
    desk.cases.changed(&change(-60, "mistake"));
    desk.goes_down(0, 0);
    assert!(!markdown::page(desk.incident()).contains("## What changed since"));
    desk.cases.changed(&change(60, "repair"));
    let page = markdown::page(desk.incident());
    let (before, since) = page.split_once("## What changed since").unwrap();
    let (_, before) = before.split_once("## What changed before").unwrap();
    assert!(before.contains("mistake") && !before.contains("repair"), "{page}");
    assert!(since.split("##").next().unwrap().contains("repair"), "{page}");
}

#[test]
fn a_page_that_gets_in_is_a_finding_of_its_own() {
    let mut desk = Desk::new("");
    desk.run_as(2, 0, Verdict::Fail, State::Down, false, Reason::OriginAccepted);
    let incident = desk.incident();
    assert_eq!((incident.trouble, incident.severity), (Trouble::SecurityFinding, Severity::Major));
    desk.run(2, 30, Verdict::Pass, State::Up);
    assert!(!desk.is_open());
}

#[test]
fn two_minutes_that_only_users_notice_open_one() {
    let mut desk = Desk::new("");
    use Probes::Good;
    desk.window(0, Good, Users::Failing, 6, 90);
    desk.window(1, Good, Users::Normal, 0, 150);
    assert!(!desk.is_open());
    desk.window(5, Good, Users::Failing, 6, 400);
    assert!(!desk.is_open(), "five minutes apart");
    desk.window(8, Good, Users::Silent, 0, 580);
    let incident = desk.incident();
    assert_eq!((incident.trouble, incident.began_at), (Trouble::BlindSpot, at(300)));
    assert_eq!((incident.severity, incident.whose), (Severity::Major, Whose::Unknown));
    for minute in 9..11 {
        desk.window(minute, Good, Users::Normal, 0, 60 * minute + 100);
        assert!(desk.is_open());
    }
    // Another judgement of a minute that is known takes its place.
    desk.window(8, Good, Users::Failing, 10, 790);
    desk.window(8, Good, Users::Failing, 9, 790);
    assert_eq!(desk.incident().affected().failed, 15);
    desk.window(11, Good, Users::Normal, 0, 800);
    assert!(!desk.is_open());
    // Minutes of before its end open nothing.
    desk.window(9, Good, Users::Failing, 9, 810);
    desk.window(10, Good, Users::Failing, 9, 820);
    desk.window(11, Good, Users::Failing, 9, 830);
    assert!(!desk.is_open());
    assert_eq!(desk.events(), [Event::Opened, Event::Closed]);
}

#[test]
fn users_who_fail_still_keep_it_open() {
    let mut desk = Desk::new("");
    desk.goes_down(0, 0);
    desk.window(0, Probes::Bad, Users::Failing, 30, 70);
    assert_eq!(desk.incident().severity, Severity::Critical);
    desk.run(0, 120, Verdict::Pass, State::Up);
    assert!(desk.is_open());
    // Nobody writes any more: what users said is of the past some day.
    desk.tick(1700);
    assert!(desk.is_open());
    desk.tick(1900);
    assert!(!desk.is_open());
}

#[test]
fn what_is_not_seen_neither_opens_nor_closes() {
    let mut desk = Desk::new("");
    desk.run(0, 0, Verdict::Inconclusive, State::Unknown);
    assert!(desk.cases.known().next().is_none());
    desk.goes_down(0, 30);
    desk.run(1, 40, Verdict::Pass, State::Up);
    desk.cases.blind(Some("canary_open"), at(50));
    desk.run(0, 60, Verdict::Inconclusive, State::Unknown);
    desk.tick(600);
    assert!(desk.is_open());
    let stricken = desk.incident().checks.values().next().unwrap();
    assert_eq!((stricken.standing, stricken.since), (Standing::NotSeen, at(60)));
    assert!(markdown::page(desk.incident()).contains("was down, and not seen since"));
    desk.run(0, 700, Verdict::Pass, State::Up);
    assert!(!desk.is_open());
}

#[test]
fn a_check_that_is_removed_closes_nothing_until_another_passes() {
    let mut desk = Desk::new("");
    desk.run(1, -30, Verdict::Pass, State::Up);
    desk.goes_down(0, 0);
    let rest = desk.checks[1..].to_vec();
    desk.cases.change(&rest, at(60));
    desk.tick(61);
    assert!(desk.is_open());
    desk.run(1, 90, Verdict::Pass, State::Up);
    assert_eq!(desk.incident().closed.unwrap().why, Ended::Recovered);
}

#[test]
fn an_endpoint_that_is_removed_closes_it_also_over_a_restart() {
    let mut desk = Desk::new("");
    desk.goes_down(0, 0);
    let before = desk.incident().clone();
    desk.cases.change(&[], at(60));
    desk.settle(at(60));
    assert_eq!(desk.incident().closed.unwrap().why, Ended::EndpointRemoved);
    assert_eq!(desk.events(), [Event::Opened, Event::Closed]);
    desk.tick(400);
    assert!(desk.cases.known().next().is_none(), "nothing to keep in mind");
    let restored = Cases::restore([before.clone()], [], &[], at(90));
    assert!(!restored.find(&before.id).unwrap().is_open());
}

#[test]
fn flapping_is_one_incident() {
    let mut desk = Desk::new("");
    desk.goes_down(0, 0);
    desk.run(0, 60, Verdict::Pass, State::Up);
    let id = desk.incident().id.clone();
    desk.goes_down(0, 300);
    assert_eq!((&desk.incident().id, desk.incident().reopened), (&id, 1));
    assert!(desk.is_open());
    desk.run(0, 400, Verdict::Pass, State::Up);
    desk.goes_down(0, 720);
    assert_ne!(desk.incident().id, id);
    use Event::{Closed, Opened};
    assert_eq!(desk.events(), [Opened, Closed, Opened, Closed, Opened]);
}

#[test]
fn it_goes_on_after_a_restart_and_a_failing_disk_loses_nothing() {
    let mut desk = Desk::new("");
    desk.goes_down(0, 0);
    let text = serde_json::to_string(desk.incident()).unwrap();
    let stored: Incident = serde_json::from_str(&text).unwrap();
    assert_eq!(&stored, desk.incident());
    let mut cases = Cases::restore([stored], [], &desk.checks, at(60));
    cases.tick(at(61));
    assert!(cases.known().all(Incident::is_open));
    desk.cases = cases;
    // Not written: close, and open another.
    let check = desk.checks[0].clone();
    let mut run = |second, verdict, health| {
        let run = Run {
            check: check.id.clone(),
            expect: check.expect(),
            at: at(second),
            verdict: Some(verdict),
            cause: None,
            confirm: false,
            health,
            since: at(second),
        };
        desk.cases.run(&name("door"), run, at(second));
    };
    run(90, Verdict::Pass, State::Up);
    run(900, Verdict::Fail, State::Down);
    let (incidents, notices) = desk.cases.unwritten(at(900));
    assert_eq!(incidents.iter().filter(|incident| incident.is_open()).count(), 1);
    assert_eq!((incidents.len(), notices.len()), (2, 2));
}

#[test]
fn a_restart_and_a_look_away_make_nothing_better() {
    let mut desk = Desk::new("");
    desk.goes_down(0, 0);
    desk.goes_down(1, 20);
    desk.window(0, Probes::Bad, Users::Failing, 30, 70);
    assert_eq!(desk.incident().severity, Severity::Critical);
    let told = desk.events().len();
    desk.cases = Cases::restore([desk.incident().clone()], [], &desk.checks, at(200));
    desk.tick(201);
    assert_eq!(desk.incident().severity, Severity::Critical, "before any run");
    desk.run(0, 210, Verdict::Fail, State::Down);
    desk.tick(300);
    assert_eq!(desk.incident().severity, Severity::Critical, "one of two has run");
    desk.run(1, 310, Verdict::Inconclusive, State::Unknown);
    desk.tick(400);
    assert_eq!(desk.incident().severity, Severity::Critical, "one of two is not seen");
    assert_eq!(desk.events().len(), told);
    desk.run(1, 410, Verdict::Pass, State::Up);
    assert_eq!(desk.incident().weights[0].points, 25, "one of two is up");
}

#[test]
fn what_goes_on_says_what_it_is_now() {
    let mut desk = Desk::new("");
    desk.goes_down(2, 0);
    assert_eq!(desk.incident().trouble, Trouble::SecurityFinding);
    desk.run(2, 60, Verdict::Pass, State::Up);
    assert!(!desk.is_open());
    desk.window(2, Probes::Good, Users::Failing, 6, 190);
    desk.window(3, Probes::Good, Users::Failing, 6, 250);
    assert_eq!((desk.incident().reopened, desk.incident().trouble), (1, Trouble::BlindSpot));
    // Within one, too.
    desk.goes_down(2, 300);
    assert_eq!(desk.incident().trouble, Trouble::SecurityFinding);
    desk.run(2, 360, Verdict::Pass, State::Up);
    assert!(desk.is_open());
    assert_eq!(desk.incident().trouble, Trouble::BlindSpot);
}

#[test]
fn evidence_is_the_first_of_each_kind_and_the_last() {
    let mut desk = Desk::new("");
    desk.goes_down(0, 0);
    let incident = desk.cases.open_at(&name("door")).unwrap();
    let mut gone = Vec::new();
    for second in 0..100 {
        let reason = if second < 50 { Reason::Reset } else { Reason::TimedOut };
        let cause = Cause { reason: Some(reason), phase: None, fault: None };
        let filed = incident.exhibit(at(60 * second), "a", Some(cause)).unwrap();
        gone.extend(filed.1);
        if second > 50 {
            assert_eq!(incident.exhibit(at(60 * second + 59), "a", Some(cause)), None);
        }
    }
    let kept: Vec<_> = incident.evidence.iter().map(|exhibit| exhibit.n).collect();
    assert_eq!((kept.len(), kept[0]), (10, 1));
    assert_eq!(incident.evidence.last().unwrap().at, at(60 * 99));
    assert_eq!(gone.len() + kept.len(), incident.next_exhibit as usize - 1);
}

#[test]
fn subscribers_hear_what_they_want() {
    let mut desk = Desk::new("runbook = \"https://wiki.test\"");
    desk.goes_down(0, 0);
    desk.run(0, 100, Verdict::Pass, State::Up);
    let mut subscription = Subscription {
        name: name("ops"),
        form: Form::Webhook,
        endpoints: None,
        min_severity: Severity::Minor,
        external_url: Some("https://watch.test/".to_owned()),
    };
    let message = subscription.message(&desk.notices[0]).unwrap();
    let body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(body["type"], "incident.opened");
    assert_eq!(body["data"]["checks"][0]["reason"], "upgrade_refused");
    let url = body["data"]["url"].as_str().unwrap();
    assert_eq!(url, "https://watch.test/api/v1/incidents/20270115T080010Z-door?format=markdown");
    subscription.form = Form::Alertmanager;
    let message = subscription.message(&desk.notices[0]).unwrap();
    let body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(body[0]["labels"]["alertname"], "WatchpostIncident");
    assert_eq!(body[0].get("endsAt"), None);
    let until = super::alert::believed_until(&message.body, at(999)).unwrap();
    assert!(until.contains(&format!("\"endsAt\":\"{}\"", at(999))), "{until}");
    let closed = subscription.message(desk.notices.last().unwrap()).unwrap();
    let until = super::alert::believed_until(&closed.body, at(999)).unwrap();
    assert!(until.contains(&format!("\"endsAt\":\"{}\"", at(100))), "{until}");
    subscription.min_severity = Severity::Critical;
    assert_eq!(subscription.message(&desk.notices[0]), None);
    subscription.min_severity = Severity::Minor;
    subscription.endpoints = Some(vec![name("other")]);
    assert_eq!(subscription.message(&desk.notices[0]), None);
}

#[test]
fn an_event_that_does_not_say_what_changed_is_whatever_else_is_known_of_it() {
    let change = |second, source, what: &str| ChangeEvent {
        at: at(second),
        source,
        endpoint: None,
        what: what.to_owned(),
        who: None,
    };
    use ChangeSource::{Audit, Deployment};
    let vague = change(0, Deployment, "Deployment d-1; now Active");
    let looked = change(590, Deployment, "deployment d-1 \"Shop: x\": status inactive to active");
    let audited = change(-3, Audit, "Deployment D-1 Update: status");
    for known in [&looked, &audited] {
        assert!(vague.is(known) && known.is(&vague), "{}", known.what);
        assert!(known.tells_more_than(&vague) && !vague.tells_more_than(known));
    }
    assert!(!looked.is(&audited), "each has what the other has not");
    for other in [
        change(601, Deployment, "deployment d-1: status inactive to active"),
        change(0, Deployment, "deployment d-2: status inactive to active"),
        change(0, Audit, "Deployment d-2 Update: status"),
        change(0, ChangeSource::Config, "config d-1 read again: nothing"),
        change(61, Deployment, "Deployment d-1; now Active"),
        change(1, Deployment, "Deployment d-1; now Inactive"),
    ] {
        assert!(!vague.is(&other) && !other.is(&vague), "{}", other.what);
    }
    assert!(vague.is(&change(60, Deployment, "Deployment d-1; now Active")), "by another way");
    let valued = change(-3, Audit, "Deployment d-1 Update: status Inactive -> Active");
    assert!(valued.is(&audited) && valued.tells_more_than(&audited));
    assert!(!audited.tells_more_than(&valued) && !valued.tells_more_than(&valued));
}

#[test]
fn a_change_that_is_told_better_is_told_once() {
    let mut desk = Desk::new("");
    let vague = ChangeEvent {
        at: at(-60),
        source: ChangeSource::Deployment,
        endpoint: None,
        what: "Deployment d-1; now Active".to_owned(),
        who: None,
    };
    let better = ChangeEvent { what: "deployment d-1: it is gone".to_owned(), ..vague.clone() };
    desk.cases.changed(&vague);
    desk.goes_down(0, 0);
    assert!(markdown::page(desk.incident()).contains("now Active"));
    desk.cases.superseded(&vague);
    desk.cases.changed(&better);
    let page = markdown::page(desk.incident());
    assert!(!page.contains("now Active") && page.contains("it is gone"), "{page}");
}

#[test]
fn no_text_breaks_out_of_the_page() {
    let hostile = "x | y\n# owned\r\n<img src=x onerror=alert(1)> ![a](http://evil.test) `b` @all";
    let mut desk = Desk::new("");
    let change = ChangeEvent {
        at: at(-60),
        source: ChangeSource::Audit,
        endpoint: None,
        what: hostile.to_owned(),
        who: Some(hostile.to_owned()),
    };
    desk.cases.changed(&change);
    desk.goes_down(0, 0);
    let page = markdown::page(desk.incident());
    for bad in ["\n# owned", "<img", "![a]", "](http", "http://", "@all", " `b`", "x | y"] {
        assert!(!page.contains(bad), "{bad:?} in {page}");
    }
    assert!(page.contains("Deployment") || page.contains("change (audit)"));
}

proptest! {
    /// Whatever comes in whatever order, incidents open and close by turns, and what is open has
    /// a reason to be.
    #[test]
    fn any_order_gives_a_consistent_incident(
        steps in prop::collection::vec((0..3_usize, 0..6_u8, 0..4_i64, 0..40_i64), 1..120)
    ) {
        let mut desk = Desk::new("");
        let mut now = 0;
        for (check, what, minutes, seconds) in steps {
            now += seconds;
            let minute = now / 60 - minutes;
            match what {
                0 => desk.run(check, now, Verdict::Fail, State::Down),
                1 => desk.run(check, now, Verdict::Pass, State::Up),
                2 => desk.run(check, now, Verdict::Inconclusive, State::Unknown),
                3 => desk.window(minute, Probes::Good, Users::Failing, 3, now),
                4 => desk.window(minute, Probes::Good, Users::Normal, 0, now),
                _ => desk.tick(now),
            }
            if desk.is_open() {
                let incident = desk.incident();
                prop_assert!(incident.began_at <= incident.opened_at);
                prop_assert!(incident.worst >= incident.severity);
                let text = serde_json::to_string(incident).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Incident>(&text).unwrap(), incident);
                let story = incident.story();
                prop_assert!(story.is_sorted_by_key(|entry| entry.at));
            }
        }
        let mut open = false;
        for notice in &desk.notices {
            match notice.event {
                Event::Opened => { prop_assert!(!open); open = true; }
                Event::Changed => prop_assert!(open),
                Event::Closed => { prop_assert!(open); open = false; }
            }
            prop_assert_eq!(notice.incident.is_open(), open);
        }
        prop_assert_eq!(open, desk.is_open());
        let ids: std::collections::BTreeSet<_> = desk.notices.iter().map(Notice::id).collect();
        prop_assert_eq!(ids.len(), desk.notices.len());
        // All is well, and after a while nothing is open.
        for check in 0..3 {
            desk.run(check, now, Verdict::Pass, State::Up);
        }
        desk.tick(now + SignedDuration::from_mins(35).as_secs());
        prop_assert!(!desk.is_open());
    }
}

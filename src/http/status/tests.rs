//! How long pages are at their worst: what others say is as long as it may be, and escaped.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use super::*;
use crate::check::origin::Expect;
use crate::config::Config;
use crate::correlate::{Correlation, Minute, Probes, Users};
use crate::drill::Drill;
use crate::http::chains::{Certified, Held, Told};
use crate::http::past::day;
use crate::http::past::heatmap::Heatmap;
use crate::http::past::timeline::Timeline;
use crate::http::portrait::{Days, Portrait, Times};
use crate::incident::cause::{Cause, Whose};
use crate::incident::id::IncidentId;
use crate::incident::minutes::{Minutes, UserMinute};
use crate::incident::now::Reach;
use crate::incident::record::{
    Exhibit, Incident, LastWord, Ownership, Standing, Stricken, Trouble,
};
use crate::incident::severity::{Factor, Severity, Weight};
use crate::incident::timeline::{Timeline as Story, What};
use crate::incident::{ChangeEvent, ChangeSource};
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;
use crate::outcome::reason::{Fault, Reason};
use crate::outcome::response;
use crate::outcome::{Observation, Outcome};
use crate::record::row::{Row, RunResult};
use crate::record::state::State;
use crate::record::store::past::Past;
use crate::schedule::slot::{Purpose, Slot};

/// As long as the README says that they may be.
const MAX_BYTES: usize = 50_000;

/// Of the longest text, each character of which is written as several.
const HOSTILE: &str = "\"&\"<>";

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn long() -> String {
    HOSTILE.repeat(100)
}

fn name() -> EndpointName {
    EndpointName::try_from("an-endpoint-".repeat(5)).unwrap()
}

#[track_caller]
fn is_short(page: &Page) {
    let html = page.markup().into_string();
    assert!(html.len() < MAX_BYTES, "{} bytes: {:.200}", html.len(), page.main.0);
    assert!(html.ends_with("</html>") && html.contains("</main>"));
}

fn cause() -> Cause {
    let (reason, phase) = (Some(Reason::UpgradeRefused), Some(Phase::Upgrade));
    Cause { reason, phase, fault: Some(Fault::Target) }
}

/// A hundred checks are down, and all that is kept is full.
fn incident() -> Incident {
    let check = |n: usize| format!("{}/websocket/{n}-{}", &*name(), "a-page".repeat(40));
    let stricken = Stricken {
        expect: Expect::Allow,
        standing: Standing::Down,
        since: now(),
        cause: Some(cause()),
    };
    let (mut story, mut minutes) = (Story::default(), Minutes::default());
    for n in 0..2_000_u32 {
        let at = now() + SignedDuration::from_mins(n.into());
        let (source, who) = (ChangeSource::Drill, Some(long()));
        story.add(at, What::Change { source, what: long(), who });
        minutes.put(UserMinute {
            minute: Minute::of(at),
            at,
            probes: Probes::Bad,
            users: Users::Failing,
            correlation: Correlation::BothBad,
            started: u32::MAX,
            ended: u32::MAX,
            failed: u32::MAX - n,
        });
    }
    let exhibit = |n| Exhibit { n, at: now(), check: check(1), cause: Some(cause()) };
    let weight = |_| Weight { factor: Factor::Checks, points: 99, because: long() };
    Incident {
        id: IncidentId::new(&name(), now()),
        endpoint: name(),
        owner: Ownership { team: long(), tier: long(), runbook: long() },
        trouble: Trouble::Outage,
        severity: Severity::Critical,
        worst: Severity::Critical,
        weights: (0..10).map(weight).collect(),
        whose: Whose::You,
        began_at: now(),
        opened_at: now(),
        closed: None,
        reopened: 3,
        checks: (0..100).map(|n| (check(n), stricken.clone())).collect(),
        reach: Reach::default(),
        unproven: false,
        minutes,
        timeline: story,
        evidence: (0..24).map(exhibit).collect(),
        next_exhibit: 25,
        last_word: LastWord {
            notices: 1,
            at: now(),
            trouble: Trouble::Outage,
            severity: Severity::Critical,
        },
    }
}

#[test]
fn an_incident_of_a_hundred_checks_has_a_short_page() {
    let incident = incident();
    let page = incident::render(&incident, now());
    is_short(&page);
    let html = page.main.into_string();
    let shown = html.matches("▼ down").count();
    assert!(shown > 5 && html.contains(&format!("{} more: ", 100 - shown)), "{shown}: {html}");
    for part in ["What happened", "minute by minute", "Evidence", "Why it is critical"] {
        assert!(html.contains(part), "{part}");
    }
}

/// Chains of long names, on many addresses.
fn chains(count: usize, addresses: u32) -> Vec<Held> {
    let told = || Told {
        subject: Quoted::text(&long()),
        issuer: Quoted::text(&long()),
        names: (0..10).map(|_| Quoted::text(&long())).collect(),
        not_before: now(),
        not_after: now(),
        life_left: 0.01,
        renewal_due: now(),
        renewal_overdue: now(),
    };
    let certified = || Certified { fingerprint: "ab".repeat(32), facts: Some(told()) };
    let held = |_| Held {
        endpoint: name().to_string(),
        addresses: (0..addresses).map(|n| IpAddr::V4(Ipv4Addr::from(n))).collect(),
        seen_at: now(),
        trusted: false,
        failures: vec!["expired", "untrusted_root", "name_mismatch"],
        evidence: vec![Quoted::text(&long()).as_str().to_owned(); 5],
        distinct_leaves: 7,
        session: None,
        certificates: (0..10).map(|_| certified()).collect(),
    };
    (0..count).map(held).collect()
}

#[test]
fn the_page_of_certificates_is_short_however_many_there_are() {
    for (count, addresses) in [(300, 1), (1, 5_000), (3, 2_000)] {
        let page = certificates::shown(&chains(count, addresses), now());
        is_short(&page);
        assert!(page.main.0.contains("▼ not trusted: expired"), "{count} of {addresses}");
        assert_eq!(page.main.0.contains("more</td>"), addresses > 16, "{count} of {addresses}");
    }
}

/// A hundred checks that are all down with much to say.
fn crowd() -> Arc<Snapshot> {
    let mut text = format!(
        "[[endpoints]]\nname = \"{}\"\nurl = \"wss://door.example/\"\n\
         health = {{ down-after = 1 }}\norigins = [\n",
        &*name()
    );
    for n in 0..100 {
        text.push_str(&format!("{{ origin = \"https://a-long-name-of-a-page-{n}.example\" }},\n"));
    }
    text.push_str("]\n");
    let checks = Config::parse(Path::new("/x.toml"), &text).unwrap().checks;
    let mut state = State::new(&checks, now());
    let slot = Slot { number: 1, planned: now(), purpose: Purpose::Scheduled };
    let rejected = response::Response {
        status: 403,
        body: Quoted::text(&long()),
        ..response::Response::default()
    };
    for check in &checks {
        let place = state.place(&check.id).unwrap();
        let row = Row {
            result: RunResult::Failure,
            reason: Some(Reason::UpgradeRefused),
            phase: Some(Phase::Upgrade),
            ..Row::blank(slot)
        };
        state.apply(place, &row);
        state.keep(
            place,
            Outcome {
                started_at: now(),
                observation: Observation::default(),
                verdict: crate::outcome::verdict::Verdict::Fail,
                failure: Some(Failure::UpgradeRejected(Arc::new(rejected.clone()))),
                remarks: Vec::new(),
            },
        );
    }
    state.snapshot(now())
}

fn beside(snapshot: &Snapshot) -> Beside {
    let change = |_| ChangeEvent {
        at: now(),
        source: ChangeSource::Drill,
        endpoint: Some(name()),
        what: long(),
        who: Some(long()),
    };
    let drill = Drill::of(&snapshot.checks[0].check, now(), now(), Some(long()));
    Beside {
        open: (0..100).map(|_| incident()).collect(),
        changes: Changes { changes: (0..20).map(change).collect(), next: None },
        drill: Some(Arc::new(drill)),
        ..Beside::default()
    }
}

/// A run in every field of a heatmap.
fn past() -> Past {
    let row = |n: u32| {
        let slot = Slot {
            number: 1,
            planned: now() - SignedDuration::from_mins(i64::from(n) / 12),
            purpose: Purpose::Scheduled,
        };
        let mut row = Row::blank(slot);
        row.result = if n.is_multiple_of(2) { RunResult::Failure } else { RunResult::Success };
        row.phases.set(Phase::Connect, Duration::from_micros(300) * 2_u32.pow(n % 18));
        row
    };
    Past { rows: (0..17_000).map(row).collect(), cut: true }
}

#[test]
fn an_endpoint_has_a_short_page_however_much_is_wrong() {
    let snapshot = crowd();
    let (past, span) = (past(), day(now()));
    let days = |record: &Arc<CheckRecord>| Days {
        id: record.check.id.to_string(),
        health: record.health.state(),
        since: now(),
        day: Some(Timeline::of(&past, span)),
    };
    let times = |probe| Times { probe, day: Heatmap::of([&past], span) };
    let kind = snapshot.checks[0].check.probe.kind();
    for (chains, maps) in [(chains(50, 1), 1), (chains(1, 5_000), 4)] {
        let portrait = Portrait {
            endpoint: name().to_string(),
            url: format!("wss://{}/", "a".repeat(2_000)),
            taken_at: now(),
            history: true,
            checks: snapshot.checks.iter().map(days).collect(),
            latency: (0..maps).map(|_| times(kind)).collect(),
            chains,
            records: snapshot.checks.clone(),
        };
        let page = endpoint::render(&portrait, &beside(&snapshot));
        is_short(&page);
        let html = page.main.into_string();
        for part in
            ["A drill is under way", "more checks: ", "Probe ", "▼ not trusted", "What changed"]
        {
            assert!(html.contains(part), "{part}");
        }
    }
}

#[test]
fn the_first_page_is_short_however_many_pages_an_endpoint_has() {
    let snapshot = crowd();
    let page = overview(&snapshot, &beside(&snapshot));
    is_short(&page);
    let html = page.main.into_string();
    assert!(html.contains("▼ down") && html.contains("more checks, which are not worse"));
}

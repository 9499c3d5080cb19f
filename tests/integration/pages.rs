//! The pages for people, for a terminal and for machines.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use watchpost::config::Config;
use watchpost::http::status::{self, Beside};
use watchpost::outcome::failure::Failure;
use watchpost::outcome::quoted::Quoted;
use watchpost::outcome::response::Response;
use watchpost::outcome::verdict::Verdict;
use watchpost::outcome::{Observation, Outcome};
use watchpost::record::row::Row;
use watchpost::record::state::State;
use watchpost::schedule::slot::{Purpose, Slot};
use watchpost::schedule::{End, SlotEnd};

use crate::fixture::daemon::{Home, PATIENCE};
use crate::fixture::pki::now;

/// As long as they may be.
const MAX_BYTES: usize = 50_000;

/// So many endpoints that refuse all pages, in so many words.
fn crowd(endpoints: usize) -> State {
    let mut text = "[defaults]\nhealth = { down-after = 1 }\norigins = [\n".to_owned();
    for page in 0..9 {
        text.push_str(&format!(
            "{{ origin = \"https://a-long-name-of-a-page-{page}.shop.example\" }},\n"
        ));
    }
    text.push_str("]\n");
    for number in 0..endpoints {
        let name = format!("an-endpoint-with-a-long-name-{number}");
        text.push_str(&format!("[[endpoints]]\nname = \"{name}\"\nurl = \"wss://{name}.test/\"\n"));
    }
    let checks = Config::parse(Path::new("/x.toml"), &text).unwrap().checks;
    let mut state = State::new(&checks, now());
    let response = Response {
        status: 403,
        body: Quoted::text(&"<b>&\"no".repeat(500)),
        ..Response::default()
    };
    for check in &checks {
        let failure = Failure::UpgradeRejected(Arc::new(response.clone()));
        let outcome = Outcome {
            started_at: now(),
            observation: Observation::default(),
            verdict: Verdict::Fail,
            failure: Some(failure),
            remarks: Vec::new(),
        };
        let slot = Slot { number: 1, planned: now(), purpose: Purpose::Scheduled };
        let end =
            SlotEnd { check: check.clone(), slot, delay: Duration::ZERO, end: End::Ran(outcome) };
        let place = state.place(&check.id).unwrap();
        state.apply(place, &Row::new(&end));
        if let End::Ran(outcome) = end.end {
            state.keep(place, outcome);
        }
    }
    state
}

#[test]
fn a_page_is_short_however_much_is_wrong() {
    let few = status::render(&crowd(1).snapshot(now()), &Beside::default()).into_string();
    assert!(few.matches("<b>upgrade_refused</b>").count() > 5, "{few}");
    let many = status::render(&crowd(300).snapshot(now()), &Beside::default()).into_string();
    assert!(many.len() < MAX_BYTES, "{} bytes", many.len());
    assert!(many.contains("2700 down") && many.contains("more checks, which are not worse"));
    assert!(many.contains("more endpoints, which are not worse"));
}

/// A daemon with a door that nobody is behind, and what it says of it.
fn watched() -> (Home, crate::fixture::daemon::Daemon) {
    let home = Home::new(
        "[[endpoints]]\nname = \"door\"\nurl = \"ws://127.0.0.1:9/\"\ninterval = \"1s\"\n\
         origins = [{ origin = \"https://www.shop.example\" }]\n",
    );
    let daemon = home.start();
    daemon.metrics_until("an incident", PATIENCE, |page| {
        page.lines()
            .any(|line| line.starts_with("watchpost_incidents_open{") && line.ends_with(" 1"))
    });
    (home, daemon)
}

#[test]
fn each_page_is_there_for_each_reader() {
    let (_home, daemon) = watched();
    let incidents: Value = serde_json::from_str(&daemon.get("/api/v1/incidents")).unwrap();
    let id = incidents["incidents"][0]["id"].as_str().unwrap();
    let incident = format!("/incident/{id}");
    for (path, beside) in [
        ("/", "/api/v1/checks"),
        ("/endpoint/door", "/api/v1/endpoints/door"),
        ("/certificates", "/api/v1/certificates"),
        (&incident, &format!("/api/v1/incidents/{id}")),
    ] {
        let (head, html) = daemon.get_with(path, "Accept: text/html\r\n");
        assert!(
            head.contains("content-type: text/html") && head.contains("vary: accept"),
            "{head}"
        );
        assert!(html.contains(&format!("href=\"{beside}\"")), "{path} names {beside}");
        let (head, text) = daemon.get_with(path, "Accept: */*\r\n");
        assert!(head.contains("content-type: text/plain"), "{head}");
        assert!(!text.contains('<') && text.ends_with('\n'), "{text}");
        let shapes = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            value.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        let (_, json) = daemon.get_with(path, "Accept: application/json\r\n");
        assert_eq!(shapes(&json), shapes(&daemon.get(beside)), "{path}");
    }
    // A terminal is told as much as a browser.
    let (_, text) = daemon.get_with("/endpoint/door", "Accept: text/plain\r\n");
    assert!(
        text.contains("door: outage (") && text.contains(&format!("/incident/{id}\n")),
        "{text}"
    );
    let (_, text) = daemon.get_with(&incident, "Accept: text/plain\r\n");
    assert!(text.starts_with("door: outage (") && !text.contains('\\'), "{text}");
    assert!(text.contains("  do: ") && !text.contains("##"), "{text}");
    for path in
        ["/endpoint/nobody", "/endpoint/%3Cb%3E", "/incident/none", "/api/v1/endpoints/nobody"]
    {
        let (head, body) = daemon.get_with(path, "");
        assert!(head.starts_with("HTTP/1.1 404") && !body.contains('<'), "{path}: {head}{body}");
    }
}

#[test]
fn whoever_looks_within_some_seconds_shares_what_was_read() {
    let (_home, daemon) = watched();
    let look = || {
        let portrait: Value = serde_json::from_str(&daemon.get("/api/v1/endpoints/door")).unwrap();
        let (taken, end) = (&portrait["taken_at"], &portrait["checks"][0]["day"]["to"]);
        (taken.as_str().unwrap().to_owned(), end.as_str().unwrap().to_owned())
    };
    // Each of two that are far apart has its own; one of several in a row has that of another.
    let looks: Vec<_> = (0..10).map(|_| look()).collect();
    let shared = looks.windows(2).filter(|two| two[0].0 != two[1].0 && two[0].1 == two[1].1);
    assert!(shared.count() > 0, "{looks:?}");
    let first = look().1;
    let deadline = Instant::now() + PATIENCE;
    while look().1 == first {
        assert!(Instant::now() < deadline, "it is not kept for ever");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn an_endpoint_tells_of_its_last_day_also_after_a_restart() {
    let (home, mut daemon) = watched();
    let failures = |daemon: &crate::fixture::daemon::Daemon| {
        let portrait: Value = serde_json::from_str(&daemon.get("/api/v1/endpoints/door")).unwrap();
        assert_eq!(portrait["history"], true);
        let parts = portrait["checks"][0]["day"]["parts"].as_array().unwrap().clone();
        parts.iter().filter_map(|part| part["failure"].as_u64()).sum::<u64>()
    };
    assert!(failures(&daemon) > 0, "what was written is read");
    assert!(daemon.get("/endpoint/door").contains("0.00 % of "), "in words beside the picture");
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    let before = {
        let daemon = home.start();
        failures(&daemon)
    };
    assert!(before > 0, "what was before the start is there");
}

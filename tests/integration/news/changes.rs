//! One change is told once, by whichever ways it becomes known, and with what is known best.

use serde_json::{Value, json};
use watchpost::simulator::{AllowList, Org, Simulator};

use super::{door, home, now, shop};
use crate::fixture::daemon::{Daemon, Home, PATIENCE, sum};
use crate::incidents::until;

fn told(simulator: &Simulator, keys: &str) -> (Home, Daemon) {
    let receiver = "[[receivers]]\nname = \"hook\"\nopen = \"anyone may post events here\"\n";
    let home = home(simulator, keys, &format!("{}{receiver}", door(simulator)));
    let daemon = home.start();
    (home, daemon)
}

fn post(daemon: &Daemon, event: &Value) {
    let body = event.to_string();
    let (head, answer) =
        daemon.post_with("/hooks/genesys", &format!("Content-Length: {}\r\n", body.len()), &body);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}{answer}");
}

fn changes(daemon: &Daemon, source: &str, is: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let path = format!("/api/v1/changes?source={source}");
    let found = until(daemon, &path, |answer| is(answer["changes"].as_array().unwrap()));
    found["changes"].as_array().unwrap().clone()
}

#[test]
fn an_event_that_says_little_gives_way_to_what_was_seen() {
    let simulator = shop();
    let (_home, daemon) = told(&simulator, "refresh = \"1s\"\naudits = false\n");
    until(&daemon, "/api/v1/deployments", |answer| !answer["round"]["succeeded_at"].is_null());
    let topic = format!("v2.webdeployments.deployments.{}", Org::SHOP);
    let event = json!({ "topicName": topic, "eventBody": { "id": Org::SHOP, "status": "Active" } });
    post(&daemon, &event);
    let first = changes(&daemon, "deployment", |changes| !changes.is_empty());
    let what = format!("Deployment {}; now Active", Org::SHOP);
    assert_eq!((&first[0]["what"], &first[0]["endpoint"]), (&what.into(), &"shop".into()));
    simulator.with(|org| {
        org.edit_domains(Org::SHOP, AllowList::of(&["shop.example", "new.example"]), now());
    });
    let is_seen = |changes: &[Value]| {
        changes.iter().any(|change| change["what"].as_str().unwrap().contains("+new.example"))
    };
    let seen = changes(&daemon, "deployment", is_seen);
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert_eq!(seen[0]["endpoint"], "shop");
    // It comes again, after what it tells of was seen.
    post(&daemon, &json!({ "id": "again", "detail-type": "x", "detail": event }));
    let page = daemon.metrics_until("both events", PATIENCE, |page| {
        sum(page, "watchpost_events_received_total{source=\"hook\"") == 2.0
            && page.contains("watchpost_events_inbox_length 0\n")
    });
    assert!(page.contains("watchpost_change_events_total{source=\"deployment\"} 1\n"), "{page}");
    assert_eq!(changes(&daemon, "deployment", |changes| !changes.is_empty()), seen);
}

#[test]
fn an_entry_that_came_by_a_receiver_gets_its_values_from_the_audit_log() {
    let simulator = shop();
    let (home, daemon) = told(&simulator, "refresh = \"1m\"\n");
    until(&daemon, "/api/v1/news", |answer| !answer["audits"]["read_at"].is_null());
    simulator.with(|org| {
        org.edit_domains(Org::SHOP, AllowList::of(&["shop.example", "new.example"]), now());
    });
    for (_, envelope) in simulator.with(|org| org.take_envelopes(now())) {
        post(&daemon, &envelope);
    }
    let first = changes(&daemon, "audit", |changes| !changes.is_empty());
    assert_eq!(first.len(), 1, "{first:#?}");
    let what = first[0]["what"].as_str().unwrap();
    assert!(what.contains("allowedDomains") && !what.contains("->"), "{what}");
    assert_eq!(
        (&first[0]["endpoint"], &first[0]["who"]),
        (&"shop".into(), &Org::ADMINISTRATOR.into())
    );
    // The log is read at the start, and is read back.
    drop(daemon);
    let daemon = home.start();
    let values = "shop.example -> shop.example, new.example";
    let read = changes(&daemon, "audit", |changes| {
        changes.iter().any(|change| change["what"].as_str().unwrap().contains(values))
    });
    assert_eq!(read.len(), 1, "{read:#?}");
    assert_eq!((&read[0]["at"], &read[0]["who"]), (&first[0]["at"], &first[0]["who"]));
}

#[test]
fn a_reload_says_how_it_was_asked_for() {
    let simulator = shop();
    let rest = door(&simulator);
    let home = Home::new(&rest);
    std::fs::write(home.path().join("ca.pem"), simulator.root_pem()).unwrap();
    let text = |name: &str| {
        let daemon = "[daemon]\nlisten = \"127.0.0.1:0\"\nadmin = true\nwatch-config = true\n";
        format!("{daemon}{}", rest.replace("name = \"shop\"", &format!("name = \"{name}\"")))
    };
    std::fs::write(home.config(), text("one")).unwrap();
    let daemon = home.start();
    let newest = |count: usize| {
        let all = changes(&daemon, "config", |changes| changes.len() >= count);
        assert_eq!(all.len(), count, "{all:#?}");
        all[0]["who"].as_str().unwrap().to_owned()
    };
    std::fs::write(home.config(), text("two")).unwrap();
    assert_eq!(newest(1), "a write to the file");
    let (head, _) = daemon.post("/-/reload", "");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(newest(2), "POST /-/reload from 127.0.0.1");
    daemon.signal("HUP");
    assert_eq!(newest(3), "SIGHUP");
    assert!(daemon.get("/").contains(", by <bdi>SIGHUP</bdi>"));
}

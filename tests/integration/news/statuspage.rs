//! What the public status page tells, as a hint.

use std::time::Duration;

use serde_json::{Value, json};
use watchpost::simulator::{Body, Scripted, Surface, Trouble};

use super::{door, home, now, shop};
use crate::fixture::daemon::PATIENCE;
use crate::incidents::{Door, incident, until};

fn trouble(id: &str, region: &str, name: &str) -> Trouble {
    Trouble {
        id: id.to_owned(),
        name: name.to_owned(),
        status: "investigating".to_owned(),
        impact: "major".to_owned(),
        components: vec![region.to_owned()],
        since: now() - jiff::SignedDuration::from_hours(3),
        text: "we look".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_of_the_region_is_a_change_a_hint_and_no_verdict() {
    let simulator = shop();
    simulator.with(|org| {
        org.status_page.set("EMEA (Ireland)", "partial_outage");
        let incidents = &mut org.status_page.incidents;
        incidents.push(trouble("i-1", "EMEA (Ireland)", "Messages <b>late</b>"));
        incidents.push(trouble("i-2", "Americas (US East)", "Elsewhere"));
    });
    let door = Door::open().await;
    let home = home(&simulator, "", &door.config(""));
    let daemon = home.start();
    daemon.wait_for_line("result=success");
    let hint = "incident i-1 \"Messages <b>late</b>\" (major, investigating)";
    let news = until(&daemon, "/api/v1/news", |answer| !answer["status_page"]["hint"].is_null());
    let page = &news["status_page"];
    assert_eq!((&page["hint"], &page["worst"]), (&hint.into(), &"partial_outage".into()));
    assert_eq!(page["notices"].as_array().unwrap().len(), 1, "{page:#}");
    let is_there = |answer: &Value| !answer["changes"][0].is_null();
    let changes = until(&daemon, "/api/v1/changes?source=status_page", is_there);
    assert_eq!(changes["changes"].as_array().unwrap().len(), 1);
    assert!(daemon.get("/").contains("Messages &lt;b&gt;late&lt;/b&gt;"));

    door.shut(true);
    let summary = incident(&daemon, true);
    assert_eq!(summary["whose"], "you", "the door itself says no");
    let path = format!("/api/v1/incidents/{}", summary["id"].as_str().unwrap());
    let told = |answer: &Value| {
        let timeline = answer["timeline"].as_array().unwrap().iter();
        timeline.filter(|entry| entry["source"] == "status_page").cloned().collect::<Vec<_>>()
    };
    let detail = until(&daemon, &path, |answer| !told(answer).is_empty());
    let told = told(&detail);
    assert_eq!((told.len(), &told[0]["what"]), (1, &format!("at this moment: {hint}").into()));

    // Begun anew, it is the same change.
    drop(daemon);
    let daemon = home.start();
    until(&daemon, "/api/v1/news", |answer| !answer["status_page"]["hint"].is_null());
    daemon.metrics_until("known", PATIENCE, |page| {
        page.contains("watchpost_change_events_total{source=\"status_page\"} 0\n")
    });
    let changes = until(&daemon, "/api/v1/changes?source=status_page", is_there);
    assert_eq!(changes["changes"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_told_holds_for_nobody_who_does_not_ask_it_any_more() {
    let simulator = shop();
    simulator.with(|org| {
        org.status_page.incidents.push(trouble("i-1", "EMEA (Ireland)", "Messages late"));
    });
    let door = Door::open().await;
    let home = home(&simulator, "audits = false\n", &door.config(""));
    let daemon = home.start();
    until(&daemon, "/api/v1/news", |answer| !answer["status_page"]["hint"].is_null());
    daemon.wait_for_line("result=success");
    home.write(&door.config(""));
    daemon.signal("HUP");
    until(&daemon, "/api/v1/deployments", |answer| answer["region"].is_null());
    door.shut(true);
    let id = incident(&daemon, true)["id"].as_str().unwrap().to_owned();
    let told: Value =
        serde_json::from_str(&daemon.get(&format!("/api/v1/incidents/{id}"))).unwrap();
    let timeline = told["timeline"].as_array().unwrap();
    assert!(!timeline.is_empty());
    assert!(!timeline.iter().any(|entry| entry["source"] == "status_page"), "{told:#}");
}

/// Time between two questions, and then some.
const NEXT: Duration = Duration::from_secs(60 + 30);

#[test]
fn what_cannot_be_read_is_not_over() {
    let simulator = shop();
    simulator.with(|org| {
        org.status_page.incidents.push(trouble("i-1", "EMEA (Ireland)", "Messages late"));
    });
    let wrong = |incidents| {
        let region = json!({ "id": "c", "name": "EMEA (Ireland)", "status": "operational" });
        let page = json!({
            "components": [region], "incidents": incidents, "scheduled_maintenances": [],
        });
        Scripted::json(200, &page.to_string())
    };
    let usual = || Scripted::new(200, Body::Usual);
    let broken = wrong(json!([{ "id": "i-1", "status": 7 }]));
    simulator.script(Surface::StatusPage, [usual(), usual(), wrong(json!({})), broken]);
    let door = door(&simulator);
    // Two, as each asks once a minute.
    let homes = [(); 2].map(|()| home(&simulator, "audits = false\n", &door));
    let has_hint = |answer: &Value| !answer["status_page"]["hint"].is_null();
    let daemons = homes.each_ref().map(|home| {
        let daemon = home.start();
        until(&daemon, "/api/v1/news", has_hint);
        daemon
    });
    for daemon in daemons {
        daemon.metrics_until("other questions", NEXT, |_| {
            simulator.requests(Surface::StatusPage) == 4
        });
        let is_told = |answer: &Value| answer["status_page"]["trouble"]["code"] == "malformed";
        let news = until(&daemon, "/api/v1/news", is_told);
        assert!(has_hint(&news), "{news:#}");
        assert!(!daemon.get("/api/v1/changes?source=status_page").contains("is over"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_turned_off_and_its_absence_ends_nothing() {
    let simulator = shop();
    let door = Door::open().await;
    let off = home(&simulator, "status-page = false\naudits = false\n", &door.config(""));
    let daemon = off.start();
    daemon.wait_for_line("result=success");
    daemon.wait_for_line("result=success");
    assert_eq!(simulator.requests(Surface::StatusPage), 0);
    assert_eq!(simulator.requests(Surface::Audits), 0);
    drop(daemon);
    simulator.script(Surface::StatusPage, [Scripted::json(200, "{\"components\": 7}")]);
    let on = home(&simulator, "", &door.config(""));
    let daemon = on.start();
    let is_told = |answer: &Value| answer["status_page"]["trouble"]["code"] == "malformed";
    until(&daemon, "/api/v1/news", is_told);
}

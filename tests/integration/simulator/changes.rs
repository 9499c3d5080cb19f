//! Audits, the status page, conversations that were.

use serde_json::{Value, json};
use watchpost::simulator::{AllowList, Course, Org, Simulator, Trouble};

use super::client::{Api, ask};
use super::{now, shop};

/// So many edits of the shop's list.
fn edit(simulator: &Simulator, times: usize) {
    for n in 0..times {
        let list = AllowList::of(&[&format!("{n}.example")]);
        simulator.with(|org| org.edit_domains(Org::SHOP, list, now()));
    }
}

fn query() -> Value {
    json!({
        "interval": "2026-01-01T00:00:00Z/2100-01-01T00:00:00Z",
        "serviceName": "WebDeployments",
        "filters": [{ "property": "EntityId", "value": Org::SHOP }],
    })
}

fn recent() -> Value {
    let mut query = query();
    query["interval"] =
        json!(format!("{}/2100-01-01T00:00:00Z", now() - jiff::SignedDuration::from_hours(1)));
    query
}

#[test]
fn audits_are_asked_at_once_where_the_service_allows() {
    let simulator = shop();
    let api = Api::login(&simulator);
    edit(&simulator, 3);
    let path = "/api/v2/audits/query/realtime";
    let mut asked = recent();
    asked["pageSize"] = json!(2);
    let page = api.post(path, &asked).json();
    assert_eq!((&page["total"], &page["pageCount"]), (&json!(3), &json!(2)));
    let newest = &page["entities"][0];
    assert_eq!(newest["user"]["name"], "Alex Admin");
    assert_eq!(newest["propertyChanges"][0]["newValues"], json!(["2.example"]));
    asked["pageNumber"] = json!(2);
    assert_eq!(api.post(path, &asked).json()["entities"].as_array().unwrap().len(), 1);
    assert_eq!(api.post(path, &query()).status, 400, "too far back");

    simulator.with(|org| org.audits.realtime.remove("WebDeployments"));
    let mapping = api.get("/api/v2/audits/query/realtime/servicemapping").json();
    let services = mapping["services"].as_array().unwrap();
    assert!(services.iter().all(|service| service["name"] != "WebDeployments"));
    assert_eq!(api.post(path, &recent()).status, 400);
}

#[test]
fn a_query_takes_its_time_and_its_results_come_in_pages() {
    let simulator = shop();
    let api = Api::login(&simulator);
    edit(&simulator, 3);
    let begun = api.post("/api/v2/audits/query", &query()).json();
    assert_eq!(begun["state"], "Queued");
    let path = format!("/api/v2/audits/query/{}", begun["id"].as_str().unwrap());
    assert_eq!(api.get(&format!("{path}/results")).status, 404);
    assert_eq!(api.get(&path).json()["state"], "Running");
    assert_eq!(api.get(&path).json()["state"], "Succeeded");
    let first = api.get(&format!("{path}/results?pageSize=2")).json();
    assert_eq!(first["entities"].as_array().unwrap().len(), 2);
    let cursor = first["cursor"].as_str().unwrap();
    let last = api.get(&format!("{path}/results?pageSize=2&cursor={cursor}")).json();
    assert_eq!((last["entities"].as_array().unwrap().len(), &last["cursor"]), (1, &Value::Null));
    simulator.with(|org| org.audits.fail = true);
    assert_eq!(api.get(&path).json()["state"], "Failed");
}

#[test]
fn the_status_page_has_its_files() {
    let simulator = shop();
    simulator.with(|org| {
        org.status_page.set("EMEA (Ireland)", "partial_outage");
        org.status_page.incidents.push(Trouble {
            id: "incident1".to_owned(),
            name: "Web messaging".to_owned(),
            status: "investigating".to_owned(),
            impact: "major".to_owned(),
            components: vec!["EMEA (Ireland)".to_owned()],
            since: now(),
            text: "We look into it.".to_owned(),
        });
    });
    let file = |name: &str| ask(&simulator, "GET", &format!("/api/v2/{name}.json"), "", "").json();
    let summary = file("summary");
    assert_eq!(summary["status"]["indicator"], "major");
    assert_eq!(summary["incidents"][0]["components"][0]["name"], "EMEA (Ireland)");
    assert_eq!(file("components")["components"][1]["status"], "partial_outage");
    assert_eq!(file("incidents")["incidents"], summary["incidents"]);
    assert_eq!(file("scheduled-maintenances")["scheduled_maintenances"], json!([]));
}

#[test]
fn conversations_are_told_and_can_be_asked_for() {
    let simulator = shop();
    let api = Api::login(&simulator);
    let events = simulator.with(|org| {
        let id = org.begin(Org::SHOP, Course::Answered, now());
        while org.go_on(&id, now()) {}
        org.begin(Org::HELP, Course::Broken, now());
        org.events.take()
    });
    let kinds: Vec<_> =
        events.iter().map(|event| event.topic.splitn(6, '.').nth(5).unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "customer.start",
            "flow.start",
            "flow.end",
            "acd.start",
            "acd.end",
            "user.start",
            "user.end",
            "customer.end",
            "customer.start",
            "flow.start"
        ]
    );
    let path = "/api/v2/analytics/conversations/details/query";
    let found = api.post(path, &query()).json();
    assert_eq!(found["totalHits"], 2);
    let [first, second] = [0, 1].map(|n| &found["conversations"][n]);
    assert!(first["conversationEnd"].is_string() && second["conversationEnd"].is_null());
    assert_eq!(first["participants"][0]["sessions"][0]["addressTo"], Org::SHOP);
    assert_eq!(api.get("/api/v2/users/me").status, 400);
    assert_eq!(
        ask(&simulator, "POST", "/api/v2/webchat/guest/conversations", "", "{}").status,
        404
    );
}

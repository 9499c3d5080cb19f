//! What the tutorials ask for.

use serde_json::json;
use watchpost::simulator::Org;

use super::client::{Api, Socket};
use super::shop;

fn path() -> String {
    format!("/api/v2/webchat/channels/{}", Org::CHANNEL)
}

#[test]
fn a_channel_is_written_by_whoever_knows_its_version() {
    let simulator = shop();
    let api = Api::login(&simulator);
    let mut channel = api.get(&path()).json();
    assert_eq!(channel["version"], 1);
    let origins = json!(["https://www.shop.example", "https://m.shop.example"]);
    channel["webchatSettings"]["corsAllowedOrigins"] = origins.clone();
    let put =
        |body: &serde_json::Value, headers: &str| api.put(&path(), &body.to_string(), headers);
    assert_eq!(put(&channel, "").status, 400);
    assert_eq!(put(&channel, "If-Match: undefined\r\n").status, 409);
    let written = put(&channel, "If-Match: 1\r\n");
    assert_eq!((written.status, &written.json()["version"]), (200, &json!(2)));
    assert_eq!(api.get(&path()).json()["webchatSettings"]["corsAllowedOrigins"], origins);

    simulator.with(|org| org.seeds.races = 1);
    assert_eq!(put(&channel, "If-Match: 2\r\n").status, 409, "somebody was faster");
    assert_eq!(put(&channel, "If-Match: \"3\"\r\n").status, 200);
    simulator.with(|org| org.seeds.conflict_is_bad_request = true);
    let conflict = put(&channel, "If-Match: 3\r\n");
    assert_eq!(conflict.status, 400);
    assert!(conflict.body.contains("does not match the current version"));

    channel["webchatSettings"]["corsAllowedOrigins"] = json!(["http://www.shop.example"]);
    assert_eq!(put(&channel, "If-Match: 4\r\n").status, 400);
    channel["webchatSettings"]["corsAllowedOrigins"] = origins;
    channel["webchatSettings"]["authProviderId"] = json!("");
    assert_eq!(put(&channel, "If-Match: 4\r\n").status, 400);
    assert_eq!(api.get("/api/v2/webchat/channels/none").status, 404);
}

#[test]
fn a_webhook_has_a_name_of_its_own() {
    let simulator = shop();
    let api = Api::login(&simulator);
    let webhook = json!({
        "name": "Watchpost", "enabled": true, "event": "routing:conversation:analytic",
        "address": "https://watchpost.example/hooks/genesys", "method": "POST",
    });
    let created = api.post("/api/v2/webhooks", &webhook);
    assert_eq!((created.status, &created.json()["version"]), (201, &json!(1)));
    assert_eq!(api.post("/api/v2/webhooks", &webhook).status, 409);
    assert_eq!(api.get("/api/v2/webhooks").json()["entities"][0]["id"], created.json()["id"]);
    assert_eq!(api.post("/api/v2/webhooks", &json!({ "name": "x" })).status, 400);

    let id = created.json()["id"].as_str().unwrap().to_owned();
    let one = format!("/api/v2/webhooks/{id}");
    let mut changed = webhook.clone();
    changed["address"] = json!("https://other.example/hooks/genesys");
    let put = |path: &str, body: &serde_json::Value| api.put(path, &body.to_string(), "");
    let answer = put(&one, &changed);
    assert_eq!((answer.status, &answer.json()["version"]), (200, &json!(2)), "its name is its own");
    let seen = api.get(&one).json();
    assert_eq!((&seen["address"], &seen["id"]), (&changed["address"], &json!(id)));
    assert_eq!(api.get("/api/v2/webhooks").json()["total"], 1, "changed, and not added");

    let mut second = webhook;
    second["name"] = json!("Another");
    assert_eq!(api.post("/api/v2/webhooks", &second).status, 201);
    assert_eq!(put(&one, &second).status, 409, "the name of another one");
    changed["address"] = json!("");
    assert_eq!(put(&one, &changed).status, 400);
    assert_eq!(put("/api/v2/webhooks/none", &second).status, 404);
    assert_eq!(api.get(&one).json()["version"], 2, "what is refused changes nothing");
}

#[test]
fn the_log_of_audits_goes_on_behind_its_cursor() {
    let simulator = shop();
    let api = Api::login(&simulator);
    for version in 1..=3 {
        let channel = api.get(&path()).json().to_string();
        assert_eq!(api.put(&path(), &channel, &format!("If-Match: {version}\r\n")).status, 200);
    }
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!(
            "/api/v2/auditlogs?filter=entityId:{}&startTime=2026-01-01T00:00:00Z\
             &endTime=2100-01-01T00:00:00Z&pageSize=2{cursor}",
            Org::CHANNEL
        ));
        let page = page.json();
        ids.extend(page["entities"].as_array().unwrap().iter().map(|one| one["id"].to_string()));
        match page["nextPageCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn the_socket_goes_by_the_list_of_the_channel() {
    let simulator = shop();
    let status = |origin| Socket::open(&simulator, "/webchat", origin).err();
    assert_eq!(status(None), None);
    assert_eq!(status(Some("https://www.shop.example")), None);
    assert_eq!(status(Some("https://m.shop.example")), Some(403));
}

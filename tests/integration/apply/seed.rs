//! The paths and bodies of the seeds, and the defects of their code, which are not ours.

use serde_json::{Value, json};
use watchpost::simulator::{Body, Channel, Scripted, Surface};

use super::{Desk, Done};

const ID: &str = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";

/// A desk with a channel, and a file for it; `URL` stands for its address.
fn desk(keys: &str, more: &str) -> Desk {
    let desk = Desk::with("compat = \"seed\"", "");
    let url = desk.simulator.base();
    let channel = Channel::new(ID, &url, &["https://app.example.com"]);
    desk.simulator.with(|org| org.seeds.channels.push(channel));
    let text = format!(
        "[[channels]]\nid = \"{ID}\"\nauth-provider-id = \"oauth2-provider-12345\"\n{keys}\n{more}\n"
    );
    desk.write(&text.replace("URL", &url));
    desk
}

fn channel(desk: &Desk) -> Value {
    edit(desk, |channel| channel.to_json())
}

fn edit<T>(desk: &Desk, edit: impl FnOnce(&mut Channel) -> T) -> T {
    desk.simulator
        .with(|org| edit(org.seeds.channels.iter_mut().find(|channel| channel.id == ID).unwrap()))
}

fn if_matches(desk: &Desk) -> Vec<String> {
    let seen = desk.simulator.seen(Surface::SeedChannels).into_iter();
    let puts = seen.filter(|seen| seen.method == "PUT");
    puts.map(|seen| seen.headers["if-match"].to_str().unwrap().to_owned()).collect()
}

fn succeeded(done: &Done) -> Value {
    assert_eq!(done.status, 0, "{done:?}");
    done.json()
}

const KEYS: &str = r#"name = "Secure Webchat Endpoint"
enabled = true
webchat-url = "URL"
cors-allowed-origins = ["https://app.example.com", "https://admin.example.com"]
origins = [
  { origin = "https://app.example.com" },
  { origin = "https://admin.example.com" },
  { origin = "https://evil.example", expect = "deny" },
]"#;

#[test]
fn a_channel_is_written_with_the_version_that_was_read() {
    let desk = desk(KEYS, "");
    let json = succeeded(&desk.apply(&["--json"]));
    assert_eq!(if_matches(&desk), ["1"], "never undefined");
    let now = channel(&desk);
    assert_eq!(now["name"], "Secure Webchat Endpoint");
    assert_eq!(now["webchatSettings"]["webchatId"], "webchat-instance-67890", "it stays");
    assert_eq!(now["description"], "");
    let handshakes = json["objects"][0]["handshakes"].as_array().unwrap();
    assert_eq!(handshakes.len(), 3);
    for handshake in handshakes {
        let url = handshake["url"].as_str().unwrap();
        assert!(url.starts_with("wss://127.0.0.1:") && url.ends_with("/webchat"), "{url}");
        assert_eq!(handshake["success"], true);
    }
    let seen = desk.simulator.seen(Surface::SeedSocket);
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.headers.contains_key("origin")));

    succeeded(&desk.apply(&["--json"]));
    assert_eq!(if_matches(&desk).len(), 1, "a second run writes nothing");
}

#[test]
fn others_who_write_are_not_overwritten() {
    for bad_request in [false, true] {
        let desk = desk(KEYS, "");
        desk.simulator.with(|org| {
            org.seeds.races = 3;
            org.seeds.conflict_is_bad_request = bad_request;
        });
        let json = succeeded(&desk.apply(&["--json"]));
        assert_eq!(json["objects"][0]["conflicts"], 3);
        assert_eq!(if_matches(&desk), ["1", "2", "3", "4"]);
    }
}

#[test]
fn a_channel_that_changes_between_reading_and_writing_keeps_the_change() {
    let desk = desk(KEYS, "");
    let usual = || Scripted::new(200, Body::Usual);
    let late = usual().after(std::time::Duration::from_millis(400));
    desk.simulator.script(Surface::SeedChannels, [usual(), late]);
    let child = desk.begin(&["--json"]);
    desk.until_asked(Surface::SeedChannels, 2);
    edit(&desk, |channel| {
        channel.body["description"] = "by somebody else".into();
        channel.version += 1;
    });
    let json = succeeded(&Desk::end(child));
    assert_eq!(json["objects"][0]["conflicts"], 1);
    let now = channel(&desk);
    assert_eq!(now["description"], "by somebody else");
    assert_eq!(now["name"], "Secure Webchat Endpoint");
}

#[test]
fn a_channel_without_a_version_is_written_without_the_header() {
    let desk = desk(KEYS, "");
    let mut body = channel(&desk);
    body.as_object_mut().unwrap().remove("version");
    let unversioned = || Scripted::json(200, &body.to_string());
    desk.simulator.script(Surface::SeedChannels, [unversioned(), unversioned()]);
    let done = desk.apply(&["--json"]);
    assert_eq!(done.status, 1, "{done:?}");
    let puts: Vec<_> = desk
        .simulator
        .seen(Surface::SeedChannels)
        .into_iter()
        .filter(|seen| seen.method == "PUT")
        .collect();
    assert_eq!(puts.len(), 1);
    assert!(!puts[0].headers.contains_key("if-match"));
}

#[test]
fn a_wss_address_stays_one() {
    let keys = KEYS.replace("webchat-url = \"URL\"", "webchat-url = \"wss://HOST\"");
    let desk = desk(&keys, "");
    let host = desk.simulator.address().to_string();
    let text = std::fs::read_to_string(desk.path("file.toml")).unwrap();
    desk.write(&text.replace("HOST", &host));
    let json = succeeded(&desk.apply(&["--json"]));
    assert_eq!(json["objects"][0]["handshakes"][0]["url"], format!("wss://{host}/webchat"));
}

#[test]
fn the_address_of_the_platform_is_used_where_it_is_one_of_its_own() {
    let keys = "cors-allowed-origins = [\"https://app.example.com\"]";
    let desk = desk(keys, "");
    let json = succeeded(&desk.apply(&["--json"]));
    assert_eq!(json["objects"][0]["handshakes"].as_array().unwrap().len(), 1);
    edit(&desk, |channel| {
        channel.body["webchatSettings"]["webchatUrl"] = "https://evil.example".into();
    });
    let done = desk.apply(&["--json"]);
    assert_eq!(done.status, 3, "pages are declared, and nobody saw whether they get in: {done:?}");
    let json: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(json["objects"][0]["handshakes"], json!([]), "nobody goes there");
}

#[test]
fn a_webhook_is_registered_once() {
    let webhook = "[webhook]\naddress = \"https://watchpost.example/hooks/genesys\"";
    let desk = desk(KEYS, webhook);
    let planned = desk.apply(&["--dry-run", "--json"]).json();
    assert_eq!(planned["webhook"]["stage"], "to_make");
    let made = succeeded(&desk.apply(&["--json"]));
    assert_eq!(made["webhook"]["stage"], "made");
    let again = succeeded(&desk.apply(&["--json"]));
    assert_eq!(
        (&again["webhook"]["stage"], &again["ending"]),
        (&json!("as_declared"), &json!("nothing_to_do"))
    );
    assert_eq!(desk.simulator.with(|org| org.seeds.webhooks.len()), 1);
    // A list that lags behind, and a name that is taken.
    let empty = || Scripted::json(200, "{\"entities\":[]}");
    desk.simulator.script(Surface::SeedWebhooks, [empty()]);
    let taken = succeeded(&desk.apply(&["--json"]));
    assert_eq!(taken["webhook"]["stage"], "as_declared");
    let none = Scripted::json(404, "{}");
    desk.simulator
        .script(Surface::SeedWebhooks, [none.clone(), Scripted::new(200, Body::Usual), none]);
    let taken = succeeded(&desk.apply(&["--json"]));
    assert_eq!(taken["webhook"]["stage"], "exists");
    assert_eq!(desk.simulator.with(|org| org.seeds.webhooks.len()), 1);
}

#[test]
fn a_webhook_with_another_address_is_changed_or_told() {
    let webhook = "[webhook]\naddress = \"https://watchpost.example/hooks/genesys\"";
    let desk = desk("cors-allowed-origins = [\"https://app.example.com\"]", webhook);
    succeeded(&desk.apply(&["--json"]));
    let text = std::fs::read_to_string(desk.path("file.toml")).unwrap();
    desk.write(&text.replace("watchpost.example", "other.example"));
    let usual = || Scripted::new(200, Body::Usual);
    let json = succeeded(&desk.apply(&["--json"]));
    assert_eq!(json["webhook"]["stage"], "changed");
    assert_eq!(json["webhook"]["plan"][0]["to"], "https://other.example/hooks/genesys");
    let there = desk.simulator.with(|org| org.seeds.webhooks.clone());
    assert_eq!((there.len(), &there[0]["version"]), (1, &json!(2)));
    assert_eq!(there[0]["address"], "https://other.example/hooks/genesys");
    assert_eq!(succeeded(&desk.apply(&["--json"]))["webhook"]["stage"], "as_declared");
    desk.write(&text.replace("watchpost.example", "third.example"));
    let none = Scripted::json(405, "{}");
    desk.simulator.script(Surface::SeedWebhooks, [usual(), usual(), none]);
    let done = desk.apply(&[]);
    assert_eq!(done.status, 1, "{done:?}");
    assert!(done.out.contains("lets none be changed"), "{done:?}");
}

#[test]
fn a_failure_bears_the_name_that_node_gives_it() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let keys =
        KEYS.replace("webchat-url = \"URL\"", &format!("webchat-url = \"https://{closed}\""));
    let desk = desk(&keys, "");
    let done = desk.apply(&["--json", "--within", "0s"]);
    assert_eq!(done.status, 1, "{done:?}");
    let handshake = &done.json()["objects"][0]["handshakes"][0];
    assert_eq!(
        (&handshake["error"], &handshake["reason"]),
        (&json!("ECONNREFUSED"), &json!("connection_refused"))
    );
    assert_eq!((&handshake["success"], &handshake["latency"]), (&json!(false), &json!(null)));
}

#[test]
fn an_api_that_was_removed_is_told_as_such() {
    for status in [410, 404] {
        let desk = desk(KEYS, "");
        desk.simulator.script(Surface::SeedChannels, [Scripted::json(status, "{}")]);
        let done = desk.apply(&[]);
        assert_eq!(done.status, 78, "{done:?}");
        assert!(done.err.contains("2026-08-15"), "{done:?}");
    }
}

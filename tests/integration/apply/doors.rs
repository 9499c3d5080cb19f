//! Doors that do not open, lists that are stale, values that are put back.

use serde_json::json;
use watchpost::simulator::{AllowList, Enforcement, Org, Surface};

use super::{Desk, shop};

const NEW: &str = r#"allowed-domains = ["new.example"]
origins = [
  { origin = "https://new.example" },
  { origin = "https://shop.example", expect = "deny" },
]"#;

#[test]
fn a_door_that_stays_shut_fails_the_run_and_is_named() {
    let desk = Desk::new(&shop(NEW));
    desk.simulator.with(|org| org.deployment(Org::SHOP).unwrap().enforcement = Enforcement::Deny);
    let done = desk.apply(&["--within", "1s", "--json"]);
    let json = done.json();
    assert_eq!((done.status, &json["ending"]), (1, &json!("failed")), "{done:?}");
    let handshake = &json["objects"][0]["handshakes"][0];
    assert_eq!(handshake["origin"], "https://new.example");
    assert_eq!((&handshake["success"], &handshake["latency"]), (&json!(false), &json!(null)));
    assert_eq!(handshake["reason"], "upgrade_refused");
    assert!(handshake["looks"].as_u64().unwrap() > 1, "{done:?}");
    assert_eq!(json["summary"]["handshakeSuccessRate"], 0.0);
    assert!(done.err.contains("https://new.example is not as declared yet: upgrade_refused"));
    assert_eq!(json["objects"][0]["stage"], "written", "it stays written without --rollback");
}

#[test]
fn the_former_values_are_put_back_and_the_doors_looked_at_again() {
    let desk = Desk::new(&shop(&format!("description = \"new\"\n{NEW}")));
    let edit = |enforcement| {
        desk.simulator.with(|org| org.deployment(Org::SHOP).unwrap().enforcement = enforcement);
    };
    edit(Enforcement::Deny);
    let child = desk.begin(&["--within", "2s", "--rollback", "--json"]);
    // Once the former values are there again, the door is as it was.
    for _ in 0..2000 {
        if desk.puts(Surface::Deployments).len() == 2 {
            break;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    edit(Enforcement::Suffix);
    let done = Desk::end(child);
    let json = done.json();
    assert_eq!((done.status, &json["ending"]), (1, &json!("rolled_back")), "{done:?}");
    let puts = desk.puts(Surface::Deployments);
    assert_eq!(puts[1]["allowedDomains"], json!(["shop.example"]));
    assert_eq!(puts[1]["description"], "");
    let after = json["objects"][0]["handshakes_after_rollback"].as_array().unwrap();
    assert_eq!(after.len(), 2);
    let expected: Vec<_> =
        after.iter().map(|one| (one["origin"].clone(), one["expect"].clone())).collect();
    assert_eq!(
        expected,
        [
            (json!("https://shop.example"), json!("allow")),
            (json!("https://new.example"), json!("deny")),
        ]
    );
    assert!(after.iter().all(|one| one["success"] == true), "{done:?}");
}

#[test]
fn an_edit_that_takes_its_time_is_waited_for() {
    let desk = Desk::new(&shop(NEW));
    desk.simulator.with(|org| org.deployment(Org::SHOP).unwrap().propagates = false);
    let child = desk.begin(&["--within", "1m"]);
    desk.until_asked(Surface::Messaging, 2);
    desk.simulator.with(|org| org.deployment(Org::SHOP).unwrap().propagate());
    let done = Desk::end(child);
    assert_eq!(done.status, 0, "{done:?}");
    assert!(done.out.contains("looks)"), "{done:?}");
}

#[test]
fn a_list_on_the_cdn_that_stays_another_one_fails_the_run() {
    let desk = Desk::new(&shop(NEW));
    desk.simulator.with(|org| {
        let shop = org.deployment(Org::SHOP).unwrap();
        shop.propagates = false;
        shop.socket = AllowList::of(&["new.example"]);
    });
    let done = desk.apply(&["--within", "1s", "--json"]);
    let json = done.json();
    assert_eq!(done.status, 1, "{done:?}");
    assert_eq!(json["objects"][0]["cdn"]["state"], "stale");
    assert!(
        json["objects"][0]["handshakes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["success"] == true)
    );
}

#[test]
fn a_door_that_lets_in_whom_it_must_refuse_fails_the_run() {
    let desk = Desk::new(&shop(NEW));
    desk.simulator.with(|org| org.deployment(Org::SHOP).unwrap().enforcement = Enforcement::Open);
    let done = desk.apply(&["--within", "0s"]);
    assert_eq!(done.status, 1, "{done:?}");
    assert!(
        done.out.contains("✘ https://shop.example") && done.out.contains("origin_accepted"),
        "{done:?}"
    );
}

#[test]
fn what_is_switched_off_lets_nobody_in() {
    let desk = Desk::new(&shop(
        "status = \"inactive\"\norigins = [{ origin = \"https://shop.example\" }]",
    ));
    let done = desk.apply(&["--within", "1s", "--json"]);
    let json = done.json();
    assert_eq!((done.status, &json["ending"]), (0, &json!("done")), "{done:?}");
    assert_eq!(json["objects"][0]["handshakes"][0]["expect"], "deny");
}

#[test]
fn one_file_may_have_several_deployments() {
    let text = format!(
        "{}[[deployments]]\nid = \"{}\"\nallow-all-domains = true\n\
         origins = [{{ origin = \"https://anybody.example\" }}, {{ origin = \"null\" }}]\n",
        shop(NEW),
        Org::HELP
    );
    let desk = Desk::new(&text);
    let done = desk.apply(&["--json"]);
    let json = done.json();
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(json["objects"][1]["stage"], "as_declared");
    assert_eq!(json["objects"][1]["handshakes"].as_array().unwrap().len(), 2);
    assert_eq!(desk.puts(Surface::Deployments).len(), 1);
}

#[test]
fn a_page_that_is_refused_at_the_first_message_is_not_let_in() {
    let file = shop(
        r#"allowed-domains = ["shop.example", "new.example"]
origins = [{ origin = "https://shop.example" }, { origin = "https://new.example" }]"#,
    );
    let desk = Desk::new(&file);
    desk.simulator.with(|org| {
        let shop = org.deployment(Org::SHOP).unwrap();
        shop.enforcement = Enforcement::AtFirstFrame;
        shop.propagates = false;
    });
    let done = desk.apply(&["--within", "0s", "--json"]);
    let json = done.json();
    assert_eq!((done.status, &json["ending"]), (1, &json!("failed")), "{done:?}");
    let doors = &json["objects"][0]["handshakes"];
    assert_eq!((&doors[0]["success"], &doors[0]["level"]), (&json!(true), &json!("configuration")));
    assert_eq!((&doors[1]["success"], &doors[1]["level"]), (&json!(false), &json!("upgrade")));
    assert_eq!(doors[1]["reason"], "messaging_error");
    assert_eq!(doors[1]["evidence"], "HTTP authorization error");
    // The servers know the list by now.
    desk.simulator.with(|org| org.deployment(Org::SHOP).unwrap().propagate());
    let done = desk.apply(&[]);
    assert_eq!(done.status, 0, "{done:?}");
    let begun =
        desk.simulator.with(|org| (org.messaging.sessions(), org.messaging.conversations.len()));
    assert_eq!(begun, (0, 0));
}

#[test]
fn where_every_guest_must_be_known_no_page_is_at_fault() {
    let desk = Desk::new(&shop(NEW));
    desk.simulator.with(|org| {
        let shop = org.deployment(Org::SHOP).unwrap();
        shop.enforcement = Enforcement::AtFirstFrame;
        shop.propagates = false;
    });
    let file = shop(
        "origins = [{ origin = \"https://new.example\" }]\nallowed-domains = [\"new.example\"]",
    );
    desk.write(&file);
    let done = desk.apply(&["--within", "0s"]);
    assert!(done.out.contains("✔ https://new.example"), "{done:?}");
    assert!(done.out.contains("but: The deployment wants guests to be known"), "{done:?}");
}

#[test]
fn a_messenger_that_is_switched_off_behind_its_door_fails_the_run() {
    let desk = Desk::new(&shop(NEW));
    let off = json!({ "type": "response", "class": "string", "code": 4000, "body": "off" });
    desk.simulator.with(|org| org.messaging.scripted.push(off.to_string()));
    let done = desk.apply(&["--within", "0s", "--json"]);
    let handshake = &done.json()["objects"][0]["handshakes"][0];
    assert_eq!((done.status, &handshake["reason"]), (1, &json!("messaging_unavailable")));
    assert_eq!(handshake["probe"], "messaging");
}

#[test]
fn a_run_that_was_held_up_accuses_nobody() {
    let desk = Desk::new(&shop(NEW));
    desk.simulator.with(|org| org.messaging.silent = true);
    let child = desk.begin(&["--within", "0s", "--json"]);
    desk.until_asked(Surface::Messaging, 1);
    let signal = |name: &str| {
        let pid = child.id().to_string();
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args(["-s", name, &pid]).status().unwrap().success());
    };
    // Longer than the time that a door has.
    signal("STOP");
    std::thread::sleep(std::time::Duration::from_millis(5500));
    signal("CONT");
    let done = Desk::end(child);
    let handshake = &done.json()["objects"][0]["handshakes"][0];
    assert_eq!((done.status, &handshake["reason"]), (3, &json!("monitor_lag")), "{done:?}");
    assert_eq!(handshake["verdict"], "inconclusive");
}

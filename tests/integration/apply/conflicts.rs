//! Others write too, limits strike, tokens end, people interrupt.

use std::process::Command;
use std::time::Duration;

use serde_json::json;
use watchpost::simulator::{Body, Org, Scripted, Surface};

use super::{Desk, shop};

const FILE: &str = "allowed-domains = [\"shop.example\", \"new.example\"]";

fn usual() -> Scripted {
    Scripted::new(200, Body::Usual)
}

fn conflict(status: u16) -> Scripted {
    let message = "The version 3 does not match the current version 4.";
    Scripted::json(status, &json!({ "message": message, "status": status }).to_string())
}

#[test]
fn what_somebody_else_changes_meanwhile_survives() {
    let desk = Desk::new(&shop(FILE));
    // The plan is made of what is read first; the answer to that is held back.
    desk.simulator.script(Surface::Deployments, [usual().after(Duration::from_millis(400))]);
    let child = desk.begin(&[]);
    desk.until_asked(Surface::Deployments, 1);
    desk.simulator.with(|org| {
        org.deployment(Org::SHOP).unwrap().description = "by somebody else".to_owned();
    });
    let done = Desk::end(child);
    assert_eq!(done.status, 0, "{done:?}");
    let put = &desk.puts(Surface::Deployments)[0];
    assert_eq!(put["description"], "by somebody else");
    assert_eq!(put["allowedDomains"], json!(["shop.example", "new.example"]));
}

#[test]
fn a_conflict_is_read_again_merged_and_tried_again() {
    for status in [409, 400] {
        let desk = Desk::new(&shop(FILE));
        desk.simulator.script(
            Surface::Deployments,
            [usual(), usual(), conflict(status), usual(), conflict(status)],
        );
        let done = desk.apply(&["--json"]);
        let json = done.json();
        assert_eq!(done.status, 0, "{done:?}");
        assert_eq!(json["objects"][0]["conflicts"], 2);
        assert_eq!(desk.puts(Surface::Deployments).len(), 3);
        assert!(done.err.contains("somebody else has changed it meanwhile"), "{done:?}");
    }
}

#[test]
fn a_storm_of_conflicts_ends() {
    let desk = Desk::new(&shop(FILE));
    let storm = (0..50).flat_map(|_| [usual(), conflict(409)]);
    desk.simulator.script(Surface::Deployments, [usual()].into_iter().chain(storm));
    let done = desk.apply(&["--json"]);
    let json = done.json();
    assert_eq!(done.status, 1, "{done:?}");
    assert_eq!(json["objects"][0]["error"]["code"], "contended");
    assert_eq!(desk.puts(Surface::Deployments).len(), 6);
    assert_eq!(json["objects"][0]["handshakes"], json!([]), "what is not written has no doors");
}

#[test]
fn a_limit_is_waited_for_to_the_second() {
    let desk = Desk::new(&shop(FILE));
    let limited = Scripted::json(429, "{\"status\":429}").header("retry-after", "2");
    desk.simulator.script(Surface::Deployments, [usual(), usual(), limited]);
    let done = desk.apply(&[]);
    assert_eq!(done.status, 0, "{done:?}");
    let puts: Vec<_> = desk
        .simulator
        .seen(Surface::Deployments)
        .into_iter()
        .filter(|seen| seen.method == "PUT")
        .collect();
    assert_eq!(puts.len(), 2);
    assert!(puts[1].at - puts[0].at >= Duration::from_secs(2));
}

#[test]
fn a_token_that_ends_midway_is_renewed() {
    let desk = Desk::new(&shop(FILE));
    let unauthorized = Scripted::json(401, "{\"code\":\"bad.credentials\",\"status\":401}");
    desk.simulator.script(Surface::Deployments, [usual(), usual(), unauthorized]);
    let done = desk.apply(&[]);
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(desk.simulator.with(|org| org.tokens_given()), 2);
}

#[test]
fn a_write_that_is_taken_and_not_kept_is_told() {
    let desk = Desk::new(&shop(FILE));
    let taken = Scripted::json(200, "{}");
    desk.simulator.script(Surface::Deployments, [usual(), usual(), taken]);
    let done = desk.apply(&["--json"]);
    assert_eq!(done.status, 1, "{done:?}");
    let error = &done.json()["objects"][0]["error"];
    assert_eq!(error["code"], "not_held");
    assert!(error["message"].as_str().unwrap().ends_with("allowed-domains"), "{error}");
}

#[test]
fn an_answer_about_something_else_is_not_written_to() {
    let desk = Desk::new(&shop(FILE));
    let other = json!({ "id": Org::HELP, "name": "x" }).to_string();
    desk.simulator.script(Surface::Deployments, [Scripted::json(200, &other)]);
    let done = desk.apply(&[]);
    assert_eq!(done.status, 3, "{done:?}");
    assert!(desk.puts(Surface::Deployments).is_empty());
}

#[test]
fn an_interrupted_run_says_what_state_things_are_in() {
    let desk = Desk::new(&shop(FILE));
    desk.simulator.with(|org| org.deployment(Org::SHOP).unwrap().propagates = false);
    let child = desk.begin(&["--within", "5m", "--rollback"]);
    desk.until_asked(Surface::Messaging, 3);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    let done = Desk::end(child);
    assert_eq!(done.status, 1, "{done:?}");
    for part in
        ["written", "what was there before:", "[\"shop.example\"]", "its doors were not looked at"]
    {
        assert!(done.out.contains(part), "no {part:?} in {done:?}");
    }
    assert!(done.err.contains("interrupted"), "{done:?}");
}

#[test]
fn a_run_that_is_interrupted_while_it_writes_says_that_nobody_knows() {
    let desk = Desk::new(&shop(FILE));
    let silence = Scripted::new(200, Body::Silence);
    desk.simulator.script(Surface::Deployments, [usual(), usual(), silence]);
    let child = desk.begin(&["--json"]);
    desk.until_asked(Surface::Deployments, 3);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    let done = Desk::end(child);
    let json = done.json();
    assert_eq!((done.status, &json["ending"]), (1, &json!("interrupted")), "{done:?}");
    assert_eq!(json["objects"][0]["stage"], "writing");
    assert_eq!(json["objects"][0]["plan"][0]["from"], json!(["shop.example"]));
}

#[test]
fn what_others_have_changed_since_is_not_put_back() {
    let desk = Desk::new(&shop(&format!("description = \"ours\"\n{FILE}")));
    desk.simulator.with(|org| {
        org.deployment(Org::SHOP).unwrap().enforcement = watchpost::simulator::Enforcement::Deny;
    });
    let child = desk.begin(&["--within", "2s", "--rollback", "--json"]);
    desk.until_asked(Surface::Messaging, 2);
    desk.simulator.with(|org| {
        org.deployment(Org::SHOP).unwrap().description = "theirs".to_owned();
    });
    let done = Desk::end(child);
    let json = done.json();
    assert_eq!(json["objects"][0]["left_to_others"], json!(["description"]), "{done:?}");
    let description =
        desk.simulator.with(|org| org.deployment(Org::SHOP).unwrap().description.clone());
    assert_eq!(description, "theirs");
    let domains = desk.simulator.with(|org| org.deployment(Org::SHOP).unwrap().api.domains.clone());
    assert_eq!(domains, ["shop.example"]);
}

//! What is planned, written once, and said.

use serde_json::json;
use watchpost::simulator::{Org, Scripted, Surface};

use super::{Desk, shop};

const FILE: &str = r#"description = "by file"
allowed-domains = ["www.shop.example", "spring.example"]
origins = [
  { origin = "https://www.shop.example" },
  { origin = "https://spring.example" },
  { origin = "https://evil.example", expect = "deny" },
]"#;

#[test]
fn a_file_is_written_once_and_its_doors_are_looked_at() {
    let desk = Desk::new(&shop(FILE));
    let planned = desk.apply(&["--dry-run"]);
    assert_eq!(planned.status, 1, "{planned:?}");
    for part in ["+ www.shop.example", "+ spring.example", "- shop.example", "-> \"by file\""] {
        assert!(planned.out.contains(part), "no {part:?} in {planned:?}");
    }
    assert!(desk.puts(Surface::Deployments).is_empty());
    assert_eq!(desk.simulator.requests(Surface::Messaging), 0);

    let done = desk.apply(&[]);
    assert_eq!(done.status, 0, "{done:?}");
    assert!(done.out.contains("✔ https://spring.example"), "{done:?}");
    assert!(done.err.ends_with("all is as declared\n"), "{done:?}");
    let puts = desk.puts(Surface::Deployments);
    assert_eq!(puts.len(), 1);
    assert_eq!(puts[0]["allowedDomains"], json!(["www.shop.example", "spring.example"]));
    assert_eq!(puts[0]["name"], "Shop messenger", "what is not declared is written as it was");
    assert!(puts[0]["configuration"]["id"].is_string());
    for name in ["selfUri", "dateModified", "snippet"] {
        assert!(puts[0].get(name).is_none(), "{name}");
    }

    let again = desk.apply(&[]);
    assert_eq!(again.status, 0, "{again:?}");
    assert!(again.out.contains("as declared, nothing was written"), "{again:?}");
    assert_eq!(desk.puts(Surface::Deployments).len(), 1, "a second run writes nothing");
    assert_eq!(desk.apply(&["--dry-run"]).status, 0);
}

#[test]
fn a_deployment_is_found_by_its_name() {
    let desk = Desk::new("[[deployments]]\nname = \"Help centre\"\ndescription = \"found\"\n");
    let done = desk.apply(&["--json"]);
    let json = done.json();
    assert_eq!((done.status, &json["ending"]), (0, &json!("done")), "{done:?}");
    assert_eq!(json["objects"][0]["id"], Org::HELP);
    assert_eq!(json["objects"][0]["changed"], json!(["description"]));
    assert_eq!(json["objects"][0]["cdn"]["state"], "same");
}

#[test]
fn what_is_not_there_is_a_fault_of_the_file() {
    let text = "[[deployments]]\nname = \"Nobody\"\ndescription = \"x\"\n\
                [[deployments]]\nid = \"5409c0de-0000-4000-8000-00000000ffff\"\ndescription = \"x\"\n";
    let desk = Desk::new(text);
    let done = desk.apply(&[]);
    assert_eq!(done.status, 78, "{done:?}");
    assert!(
        done.err.contains("file.toml:1: deployments[0]: no deployment has the name"),
        "{done:?}"
    );
    assert!(done.err.contains("file.toml:4: deployments[1]: no deployment has the id"), "{done:?}");
    let twice = format!(
        "{}[[deployments]]\nname = \"Shop messenger\"\ndescription = \"y\"",
        shop("description = \"x\"")
    );
    desk.write(&twice);
    let done = desk.apply(&[]);
    assert!(done.err.contains("another table declares the same deployment"), "{done:?}");
    assert!(desk.puts(Surface::Deployments).is_empty());
}

#[test]
fn several_of_one_name_are_told_apart_by_their_ids() {
    let desk = Desk::new("[[deployments]]\nname = \"Shop messenger\"\ndescription = \"x\"\n");
    desk.simulator.with(|org| {
        org.deployment(Org::HELP).unwrap().name = "Shop messenger".to_owned();
    });
    let done = desk.apply(&[]);
    assert_eq!(done.status, 78, "{done:?}");
    assert!(done.err.contains("2 deployments have this name"), "{done:?}");
}

#[test]
fn a_wrong_file_or_config_is_refused_before_anything_is_asked() {
    let desk = Desk::new(&shop("allowed-domains = [\"https://shop.example\"]"));
    let done = desk.apply(&[]);
    assert_eq!(done.status, 78, "{done:?}");
    assert!(done.err.contains("file.toml:3: deployments[0].allowed-domains[0]"), "{done:?}");
    assert_eq!(desk.simulator.requests(Surface::Token), 0);
    std::fs::write(
        desk.path("config.toml"),
        "[[endpoints]]\nname = \"a\"\nurl = \"wss://a.example\"\n",
    )
    .unwrap();
    let done = desk.apply(&[]);
    assert_eq!(done.status, 78, "{done:?}");
    assert!(done.err.contains("has no [genesys]"), "{done:?}");
    assert_eq!(desk.apply(&["--rollback", "--dry-run"]).status, 2);
}

#[test]
fn what_cannot_be_read_is_not_known() {
    let desk = Desk::new(&shop("description = \"x\""));
    let permission = "webDeployments:deployment:view";
    desk.simulator.with(|org| org.missing_permissions.insert(permission.to_owned()));
    let done = desk.apply(&[]);
    assert_eq!(done.status, 3, "{done:?}");
    assert!(done.err.contains(permission) && done.err.contains("do: "), "{done:?}");
    assert!(done.err.ends_with("nothing was written\n"), "{done:?}");
}

#[test]
fn what_may_not_be_written_is_told_with_the_permission() {
    let desk = Desk::new(&shop("description = \"x\""));
    let permission = "webDeployments:deployment:edit";
    desk.simulator.with(|org| org.missing_permissions.insert(permission.to_owned()));
    let done = desk.apply(&["--json"]);
    let json = done.json();
    assert_eq!((done.status, &json["ending"]), (1, &json!("failed")), "{done:?}");
    assert_eq!(json["objects"][0]["error"]["code"], "missing_permission");
    assert!(json["objects"][0]["error"]["message"].as_str().unwrap().contains(permission));
    assert_eq!(json["summary"]["metrics"]["updates"]["failure"], 1);
    assert_eq!(json["summary"]["updateLatencyAvg"], json!(null));
    let handshakes = &json["summary"]["metrics"]["handshakes"];
    assert_eq!((&handshakes["failure"], &handshakes["success"]), (&json!(0), &json!(0)));
}

#[test]
fn the_summary_has_the_figures_of_the_seeds() {
    let desk = Desk::new(&shop(FILE));
    let done = desk.apply(&["--summary"]);
    let summary = done.json();
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(summary["metrics"]["updates"]["success"], 1);
    assert_eq!(summary["metrics"]["handshakes"]["success"], 3);
    assert_eq!(summary["handshakeSuccessRate"], 1.0);
    assert!(summary["handshakeLatencyAvg"].as_f64().unwrap() > 0.0);
    assert!(summary["updateLatencyAvg"].as_f64().unwrap() > 0.0);
    // Nothing to write any more: no average of nothing.
    let again = desk.apply(&["--summary"]).json();
    assert_eq!(again["metrics"]["updates"]["success"], 0);
    assert_eq!(
        (&again["updateLatencyAvg"], &again["updateSuccessRate"]),
        (&json!(null), &json!(null))
    );
}

#[test]
fn what_the_platform_says_reaches_the_terminal_as_text() {
    let desk = Desk::new(&shop("description = \"x\""));
    desk.simulator.with(|org| {
        let shop = org.deployment(Org::SHOP).unwrap();
        shop.name = "a\u{1b}[2Jb\u{202e}".to_owned();
        shop.description = "c\u{9b}d\r\n".to_owned();
    });
    let evil = "{\"message\":\"\\u001b]0;x\\u0007\",\"code\":\"bad.request\",\"status\":400}";
    let usual = || Scripted::new(200, watchpost::simulator::Body::Usual);
    desk.simulator.script(Surface::Deployments, [usual(), usual(), Scripted::json(400, evil)]);
    for options in [&[][..], &["--json"], &["--dry-run"]] {
        let done = desk.apply(options);
        for text in [&done.out, &done.err] {
            let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(acts), "{done:?}");
        }
    }
}

/// The blocks of the manual's section that begin so.
fn example(first: &str) -> &'static str {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once(first).expect("an example in the README");
    rest.split_once("\n```").unwrap().0
}

#[test]
fn the_example_of_the_manual_is_applied() {
    let desk = Desk::new(example("```toml\n# deployments.toml\n"));
    let planned = desk.apply(&["--dry-run"]);
    let told = example("apply deployments.toml --dry-run\n");
    assert_eq!(format!("{}{}", planned.out, planned.err.trim_end()), told, "{planned:?}");
    let done = desk.apply(&[]);
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(desk.apply(&["--dry-run"]).status, 0);
}

#[test]
fn every_option_is_told() {
    let help = super::watchpost(&["genesys", "apply", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let options = help.lines().filter_map(|line| line.trim().strip_prefix("--")?.split(' ').next());
    let manual = include_str!("../../../README.md");
    for option in options {
        assert!(
            manual.contains(&format!("| `--{option}")),
            "the README does not tell of --{option}"
        );
    }
}

#[test]
fn a_set_up_is_printed_and_nothing_is_written_for_it() {
    let receiver = "[[receivers]]\nname = \"genesys\"\n\
                    auth = [{ api-key = { header = \"X-Api-Key\", values = [{ file = \"secret\" }] } }]";
    let file = example("is checked and printed, and not made.\n\n```toml\n");
    let desk = Desk::with(receiver, file);
    let done = desk.apply(&[]);
    assert_eq!(done.status, 0, "{done:?}");
    for part in ["create-api-destination", "\"ApiKeyName\":\"x-api-key\"", "customer.end"] {
        assert!(done.out.contains(part), "no {part:?} in {done:?}");
    }
    assert_eq!(desk.apply(&["--json"]).json()["setup"]["via"], "eventbridge");
    assert_eq!(desk.simulator.requests(Surface::Token), 0);
}

//! The command that writes the rule file of a config. What Prometheus makes of it is in
//! tests/counterparts/rules.rs.

use std::process::Output;

use crate::fixture::daemon::{Home, watchpost};

const CONFIG: &str = "[[endpoints]]\nname = \"door\"\nurl = \"tls://a.example:1\"\n";

fn rules(home: &Home, args: &[&str]) -> Output {
    watchpost(&["rules", "--config"]).arg(home.config()).args(args).output().unwrap()
}

#[test]
fn the_rules_of_a_config_are_printed() {
    let home = Home::new(&format!("{CONFIG}slo = 0.99\n"));
    let output = rules(&home, &["--status", "https://status.shop.example"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(
        "0.01 * max by (job, instance, endpoint) (probe_endpoint_info{endpoint=~\"door\"})"
    ));
    assert!(text.contains("- alert: WatchpostErrorBudgetFastBurn\n"));
    assert!(text.contains("status_url: https://status.shop.example/"), "{text}");
    let output = rules(&home, &["--grafana", "https://{{ evil }}"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_slo_that_pages_for_a_blip_is_refused() {
    let home = Home::new(&format!("{CONFIG}slo = 0.9999\n"));
    let output = rules(&home, &[]);
    assert_eq!(output.status.code(), Some(78));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("endpoint door: 1 failed run in an hour would page"), "{said}");
    assert!(said.contains("write slo = 0.9988 or less, or interval = \"2s\" or less"), "{said}");
    let linted = watchpost(&["lint", "--config", home.config().to_str().unwrap()]).output();
    let odd = String::from_utf8(linted.unwrap().stdout).unwrap();
    assert!(odd.contains("odd: `watchpost rules` makes none of this: endpoint door: 1"), "{odd}");
    let wrong = rules(&Home::new("[[endpoints]]\n"), &[]);
    assert_eq!(wrong.status.code(), Some(78));
}

#[test]
fn a_replay_says_what_it_lacks() {
    let home = Home::new(CONFIG);
    std::fs::write(home.path().join("watchpost.db"), "").unwrap();
    let mut command = watchpost(&["rules", "replay", "--config"]);
    let output = command.arg(home.config()).env("PATH", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("there is no promtool in PATH"), "{said}");
    let output = rules(&home, &["replay", "--rules", "/no/such/rules.yml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/no/such/rules.yml"), "{said}");
    for step in ["0s", "10m", "500ms"] {
        assert_eq!(rules(&home, &["replay", "--step", step]).status.code(), Some(2), "{step}");
    }
}

//! What Prometheus' and Alertmanager's own tools say of the shipped rules and samples.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{file, installed, said};

/// What is tested in steps of half a minute up to those of 20 minutes.
const TESTS: [&str; 4] =
    ["rules_test.yml", "rules_hours_test.yml", "rules_days_test.yml", "rules_leak_test.yml"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/prometheus")
}

#[test]
fn the_shipped_rules_are_rules() {
    let said =
        said(Command::new("promtool").args(["check", "rules", "rules.yml"]).current_dir(folder()));
    let rules = fs::read_to_string(folder().join("rules.yml")).unwrap();
    let rules = rules.matches("- alert: ").count() + rules.matches("- record: ").count();
    assert!(said.contains(&format!("SUCCESS: {rules} rules found")), "{said}");
}

#[test]
fn the_samples_are_configs() {
    let check = ["check", "config", "prometheus.yml"];
    let prometheus = said(Command::new("promtool").args(check).current_dir(folder()));
    assert!(prometheus.contains("prometheus.yml is valid"), "{prometheus}");
    assert!(prometheus.contains("rule files found"), "{prometheus}");
    let check = ["check-config", "alertmanager.yml"];
    let alertmanager = said(Command::new("amtool").args(check).current_dir(folder()));
    assert!(alertmanager.contains("SUCCESS"), "{alertmanager}");
}

#[test]
fn each_severity_goes_where_it_belongs() {
    for (labels, receiver) in [
        (["alertname=WatchpostEndpointDown", "severity=critical", "endpoint=chat"], "pager"),
        (["alertname=WatchpostFlapping", "severity=warning", "endpoint=chat"], "tickets"),
        (["alertname=WatchpostDeadMan", "severity=none", "job="], "dead-man"),
        (["alertname=WatchpostIncident", "severity=minor", "endpoint=chat"], "tickets"),
    ] {
        let route = ["config", "routes", "test", "--config.file=alertmanager.yml"];
        let said = said(Command::new("amtool").args(route).args(labels).current_dir(folder()));
        assert_eq!(said.trim(), receiver, "{labels:?}");
    }
}

#[test]
fn inhibitions_name_alerts_that_there_are() {
    let rules = fs::read_to_string(folder().join("rules.yml")).unwrap();
    let sample = fs::read_to_string(folder().join("alertmanager.yml")).unwrap();
    let named: Vec<_> = sample
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.starts_with("Watchpost") && *word != "Watchpost")
        .collect();
    assert!(named.len() > 30, "{}", named.len());
    for name in named {
        // `WatchpostErrorBudget.*` stands for three.
        assert!(rules.contains(&format!("- alert: {name}")), "{name}");
    }
}

#[test]
fn the_alerts_fire_when_they_should_and_stay_silent_when_not() {
    said(Command::new("promtool").args(["test", "rules"]).args(TESTS).current_dir(folder()));
}

#[test]
fn an_alert_with_another_edge_fails_its_test() {
    let mut command = Command::new(installed("venv/bin/python"));
    command.arg(file("rules/mutants.py")).arg("rules.yml").args(TESTS);
    let output = command.current_dir(folder()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(", 0 not noticed"), "{said}");
}

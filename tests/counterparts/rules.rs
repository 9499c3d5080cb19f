//! The rule file that is written for a config, read by Prometheus' own tool.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::program::{said, watchpost};

/// One endpoint with an SLO of its own, and one without.
const CONFIG: &str = "[[endpoints]]\nname = \"strict.one\"\nurl = \"tls://a.example:1\"\nslo = 0.98\n\
    [[endpoints]]\nname = \"usual\"\nurl = \"tls://b.example:1\"\n";

/// A folder with a config and the rules that were written for it.
fn written() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, CONFIG).unwrap();
    let output = watchpost(&["rules", "--config", config.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(folder.path().join("rules.yml"), output.stdout).unwrap();
    folder
}

#[test]
fn what_is_written_for_a_config_are_rules() {
    let folder = written();
    let check = ["check", "rules", "--lint=all", "--lint-fatal", "rules.yml"];
    let said = said(Command::new("promtool").args(check).current_dir(&folder));
    let rules = fs::read_to_string(folder.path().join("rules.yml")).unwrap();
    let rules = rules.matches("- alert: ").count() + rules.matches("- record: ").count();
    assert!(rules > 30, "{rules}");
    assert!(said.contains(&format!("SUCCESS: {rules} rules found")), "{said}");
}

/// So many failed runs at the end of two hours at half a minute, and whether somebody is paged two
/// minutes later.
fn case(endpoint: &str, failures: u32, pages: bool) -> String {
    let good = 240 - failures;
    let labels = format!("job=\"watchpost\", instance=\"w\", endpoint=\"{endpoint}\"");
    let alerts = if pages {
        format!(
            "\n          - exp_labels: {{ severity: critical, job: watchpost, instance: w, endpoint: {endpoint} }}"
        )
    } else {
        " []".to_owned()
    };
    format!(
        "  - name: {endpoint} {failures}\n    interval: 30s\n    input_series:\n      \
         - series: 'probe_endpoint_info{{{labels}}}'\n        values: 1x260\n      \
         - series: 'probe_runs_total{{{labels}, probe=\"tls\", result=\"success\"}}'\n        \
         values: 0+1x{good} {good}+0x{last} {next}+1x20\n      \
         - series: 'probe_runs_total{{{labels}, probe=\"tls\", result=\"failure\"}}'\n        \
         values: 0+0x{good} 1+1x{last} {failures}+0x20\n    \
         alert_rule_test:\n      - eval_time: 122m\n        \
         alertname: WatchpostErrorBudgetFastBurn\n        exp_alerts:{alerts}\n",
        last = failures - 1,
        next = good + 1,
    )
}

#[test]
fn each_endpoint_pages_at_the_edge_of_its_own_slo() {
    let folder = written();
    // Annotations are what the shipped rules are tested for.
    let rules = fs::read_to_string(folder.path().join("rules.yml")).unwrap();
    let mut bare = String::new();
    let mut skipped = false;
    for line in rules.lines() {
        let indent = line.len() - line.trim_start().len();
        skipped = line == "        annotations:" || (skipped && indent > 8);
        if !skipped {
            bare.push_str(line);
            bare.push('\n');
        }
    }
    fs::write(folder.path().join("rules.yml"), bare).unwrap();
    let mut tests = String::from("rule_files: [rules.yml]\nevaluation_interval: 30s\ntests:\n");
    for (endpoint, failures, pages) in [
        ("strict.one", 34, false),
        ("strict.one", 35, true),
        ("usual", 8, false),
        ("usual", 9, true),
    ] {
        tests.push_str(&case(endpoint, failures, pages));
    }
    fs::write(folder.path().join("test.yml"), &tests).unwrap();
    said(Command::new("promtool").args(["test", "rules", "test.yml"]).current_dir(&folder));
}

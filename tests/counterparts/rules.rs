//! The rule file that is written for a config, read by Prometheus' own tool.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use watchpost::clock;
use watchpost::record::store::Store;

use crate::program::{
    CALLS_NOBODY, alertmanager, daemon, free_port, json, prometheus, said, watchpost,
};

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

/// A store in which a check ran every half a minute, as long ago as this says in seconds: `None`
/// where there was no run, otherwise whether it passed.
fn store(folder: &TempDir, from: i64, run: impl Fn(i64) -> Option<bool>) {
    let path = folder.path().join("watchpost.db");
    drop(Store::open(&path, clock::now()).unwrap());
    let now = clock::now().as_second();
    let mut connection = rusqlite::Connection::open(path).unwrap();
    let transaction = connection.transaction().unwrap();
    transaction.execute("INSERT INTO checks VALUES (1, 'usual/tls', NULL)", []).unwrap();
    let mut ago = from;
    while ago > 0 {
        if let Some(passed) = run(ago) {
            let (result, reason, phase) = match passed {
                true => ("success", None, None),
                false => ("failure", Some("connection_refused"), Some("connect")),
            };
            let at = now - ago;
            transaction
                .execute(
                    "INSERT INTO results (check_key, at_us, slot, slots, confirm, result, reason, \
                     phase, delay_us, connect_us) VALUES (1, ?1, ?2, 1, 0, ?3, ?4, ?5, 0, 20000)",
                    rusqlite::params![at * 1_000_000, at / 30, result, reason, phase],
                )
                .unwrap();
        }
        ago -= 30;
    }
    transaction.commit().unwrap();
}

fn replayed(folder: &TempDir, args: &[&str]) -> Value {
    let config = folder.path().join("config.toml");
    fs::write(
        &config,
        "[[endpoints]]\nname = \"usual\"\nurl = \"tls://b.example:1\"\nteam = \"web\"\n",
    )
    .unwrap();
    let fixed = ["rules", "replay", "--json", "--config", config.to_str().unwrap()];
    let output = watchpost(&[&fixed, args].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    json(&output)
}

/// When an alert of this name began and ended, in seconds before the end of the replay.
fn ago(replayed: &Value, alert: &str) -> Vec<(i64, i64)> {
    let moment = |value: &Value| -> Timestamp { value.as_str().unwrap().parse().unwrap() };
    let end = moment(&replayed["to"]);
    let told = replayed["told"].as_array().unwrap().iter().filter(|told| told["alert"] == alert);
    let before = |value: &Value| match value.is_null() {
        true => 0,
        false => end.duration_since(moment(value)).as_secs(),
    };
    told.map(|told| (before(&told["from"]), before(&told["to"]))).collect()
}

#[test]
fn history_is_replayed_as_prometheus_would_have_seen_it() {
    let folder = tempfile::tempdir().unwrap();
    // Shut for ten minutes three hours ago, gone for ten an hour ago, and one blip since.
    store(&folder, 6 * 3600, |ago| match ago {
        10_201..=10_800 => Some(false),
        3_001..=3_600 => None,
        1_800 => Some(false),
        _ => Some(true),
    });
    let told = replayed(&folder, &["--since", "5h"]);
    // Down with the third failure, a minute in; a minute later it fires. Up with the third pass,
    // a minute after the last failure; five minutes later it ends.
    let [(from, to)] = ago(&told, "WatchpostEndpointDown")[..] else { panic!("{told:#}") };
    assert!((10_800 - 240..=10_800 - 120).contains(&from), "{from}");
    assert!((10_200 - 540..=10_200 - 330).contains(&to), "{to}");
    let [(from, to)] = ago(&told, "WatchpostDaemonDown")[..] else { panic!("{told:#}") };
    assert!((3_600 - 330..=3_600 - 180).contains(&from), "{from}");
    assert!((3_000 - 60..=3_000 + 30).contains(&to), "{to}");
    assert_eq!(ago(&told, "WatchpostErrorBudgetFastBurn").len(), 1, "{told:#}");
    assert_eq!(ago(&told, "WatchpostDeadMan").len(), 1);
    let silent = ["WatchpostOriginBlocked", "WatchpostProbeNoData", "WatchpostFlapping"];
    assert!(silent.iter().all(|alert| ago(&told, alert).is_empty()), "{told:#}");
    let labels = told["told"].as_array().unwrap().iter().map(|one| &one["labels"]);
    assert!(labels.clone().any(|labels| labels["team"] == "web" && labels["endpoint"] == "usual"));
    // What the store does not keep is named, and not called silent.
    assert_eq!(told["short"], serde_json::json!([]), "as far as the shipped rules look back");
    let left = told["not_replayed"].as_array().unwrap();
    let chain = left.iter().find(|left| left["alert"] == "WatchpostChainInvalid").unwrap();
    assert_eq!(chain["needs"], serde_json::json!(["probe_ssl_verify_failure"]));
    assert!(left.iter().all(|left| left["alert"] != "WatchpostHandshakeSlow"), "{left:?}");

    // What ended before the time that is asked for is not in it.
    let later = replayed(&folder, &["--since", "2h"]);
    assert!(ago(&later, "WatchpostEndpointDown").is_empty());
    assert_eq!(ago(&later, "WatchpostDaemonDown").len(), 1);
}

#[test]
fn rules_of_others_are_replayed_too() {
    let folder = tempfile::tempdir().unwrap();
    store(&folder, 3600, |ago| Some(ago % 600 != 0));
    let rules = folder.path().join("mine.yml");
    // What is recorded is asked for by what is recorded.
    fs::write(
        &rules,
        "groups:\n  - name: mine\n    interval: 1m\n    rules:\n      \
         - { record: \"second:sum\", expr: 'sum(first:sum) without (probe) + 0' }\n      \
         - { record: \"first:sum\", expr: 'increase(probe_runs_total{result=\"failure\"}[10m])', labels: { kind: mine } }\n      \
         - { alert: Often, expr: 'second:sum > 0.5', labels: { severity: critical } }\n      \
         - { alert: Never, expr: 'second:sum > 5' }\n      \
         - { alert: Far, expr: 'sum_over_time(second:sum[4d]) > 1e9' }\n      \
         - { alert: Unknown, expr: '{__name__=~\"probe.*\"} > 5' }\n",
    )
    .unwrap();
    let told = replayed(&folder, &["--rules", rules.to_str().unwrap(), "--step", "15s"]);
    let names: BTreeSet<_> = told["told"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| told["alert"].as_str().unwrap())
        .collect();
    assert_eq!(names, BTreeSet::from(["Often"]), "{told:#}");
    assert_eq!(told["told"][0]["labels"]["kind"], "mine");
    assert_eq!(told["not_replayed"][0]["alert"], "Unknown");
    // Four days, and the ten minutes of what is recorded.
    let far = serde_json::json!([{ "alert": "Far", "looks_back": 4 * 86_400 + 600 }]);
    assert_eq!(told["short"], far);

    fs::write(&rules, "groups: [{ name: a, rules: [{ alert: B, expr: 'up >' }] }]\n").unwrap();
    let config = folder.path().join("config.toml");
    let arguments = ["rules", "replay", "--config", config.to_str().unwrap(), "--rules"];
    let output = watchpost(&[&arguments[..], &[rules.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("promtool does not take the rule file"), "{said}");
}

#[test]
fn a_drill_goes_through_rules_and_alertmanager() {
    let folder = tempfile::tempdir().unwrap();
    let (port, prometheus_port, alertmanager_port) = (free_port(), free_port(), free_port());
    let path = |name: &str| folder.path().join(name);
    let _alertmanager = alertmanager(folder.path(), alertmanager_port, CALLS_NOBODY);
    let _daemon = daemon(
        folder.path(),
        port,
        &format!(
            "admin = true\n[[endpoints]]\nname = \"door\"\nurl = \"tls://127.0.0.1:{}\"\nteam = \"web\"\n",
            free_port()
        ),
    );
    let config = path("config.toml");
    let output = watchpost(&["rules", "--config", config.to_str().unwrap()]);
    // Whoever waits for a minute here waits for nothing.
    let rules = String::from_utf8(output.stdout).unwrap().replace("for: 1m\n", "for: 1s\n");
    fs::write(path("rules.yml"), rules).unwrap();
    let scraped = format!(
        "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [rules.yml]\n\
         alerting: {{ alertmanagers: [{{ static_configs: [{{ targets: ['127.0.0.1:{alertmanager_port}'] }}] }}] }}\n\
         scrape_configs: [{{ job_name: watchpost, static_configs: [{{ targets: ['127.0.0.1:{port}'] }}] }}]\n"
    );
    let _prometheus = prometheus(folder.path(), prometheus_port, &scraped, &[]);
    let (at, url) =
        (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{alertmanager_port}"));
    let ask = ["--daemon", &at, "--alertmanager", &url];
    let output = watchpost(&[&["drill", "door", "--for", "30s"], &ask[..]].concat());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("Alertmanager has WatchpostEndpointDown"), "{said}");
    assert!(said.contains("Prometheus' rules fired and reached Alertmanager"), "{said}");
    // What watches the door itself bears its own name.
    let alerts = said_by_alertmanager(&url);
    let of_drill: Vec<_> = alerts
        .iter()
        .filter(|alert| alert["labels"]["endpoint"] == "~drill-door")
        .map(|alert| alert["labels"]["team"].clone())
        .collect();
    assert_eq!(of_drill, ["web"]);
}

fn said_by_alertmanager(url: &str) -> Vec<Value> {
    let alerts = said(Command::new("curl").args(["-sSf", &format!("{url}/api/v2/alerts")]));
    serde_json::from_str(&alerts).unwrap()
}

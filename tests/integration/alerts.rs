//! The shipped alerts, their runbooks and what they ask for: none is missing, and nothing is asked
//! that is not there. What Prometheus itself makes of them is in tests/counterparts/alerts.rs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use watchpost::outcome::code::Code;

use crate::fixture::daemon::watchpost;

const RULES: &str = include_str!("../../dashboards/prometheus/rules.yml");
const TESTS: [&str; 4] = [
    include_str!("../../dashboards/prometheus/rules_test.yml"),
    include_str!("../../dashboards/prometheus/rules_hours_test.yml"),
    include_str!("../../dashboards/prometheus/rules_days_test.yml"),
    include_str!("../../dashboards/prometheus/rules_leak_test.yml"),
];
const METRICS: &str = include_str!("../snapshots/metrics.txt");
const README: &str = include_str!("../../README.md");

/// What a runbook has, in this order.
const CHAPTERS: [&str; 5] =
    ["You, us or the Internet?", "First three commands", "Usual causes", "Mend", "Silence"];

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards").join(path)
}

/// The alerts, each with the text of its rule.
fn alerts() -> BTreeMap<&'static str, &'static str> {
    let rules = RULES.split("- alert: ").skip(1);
    let rules = rules.map(|rule| rule.split("\n      - ").next().unwrap());
    let rules = rules.map(|rule| rule.split("\n  - name: ").next().unwrap());
    rules.map(|rule| rule.split_once('\n').unwrap()).collect()
}

/// The runbooks by the names of their files.
fn runbooks() -> BTreeMap<String, String> {
    let files = fs::read_dir(folder("runbooks")).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| {
            assert_eq!(path.extension().unwrap(), "md", "{}", path.display());
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let alerts: BTreeSet<_> = alerts().keys().map(ToString::to_string).collect();
    let runbooks: BTreeSet<_> = runbooks().into_keys().collect();
    assert_eq!(alerts, runbooks);
}

#[test]
fn every_alert_says_what_whoever_is_woken_needs() {
    for (name, rule) in alerts() {
        assert!(name.starts_with("Watchpost"), "{name}");
        let severities = ["critical", "warning", "none"];
        let severity = severities
            .iter()
            .filter(|severity| rule.contains(&format!("labels: {{ severity: {severity} }}")));
        assert_eq!(severity.count(), 1, "{name}");
        let runbook = format!("runbook_url: https://runbooks.example/{name}.md\n");
        for annotation in [
            "summary: ",
            "description: ",
            &runbook,
            "dashboard_url: https://grafana.example/d/watchpost-",
            "status_url: https://watchpost.example/",
        ] {
            assert_eq!(rule.matches(annotation).count(), 1, "{name}: {annotation}");
        }
        // A changing label would begin its `for` anew.
        let labels = rule.lines().find(|line| line.contains("labels: {")).unwrap();
        assert!(!labels.contains("{{"), "{name}");
    }
}

#[test]
fn every_alert_is_tested() {
    for name in alerts().into_keys() {
        let named = TESTS.iter().map(|tests| tests.matches(name).count()).sum::<usize>();
        assert!(named > 2, "{name}");
    }
}

#[test]
fn every_alert_is_told_in_the_manual() {
    let (_, chapter) = README.split_once("\n## Alerts\n").unwrap();
    let (chapter, _) = chapter.split_once("\n## ").unwrap();
    let rows = chapter.lines().filter_map(|line| line.strip_prefix("| `Watchpost"));
    let told: Vec<_> = rows
        .map(|row| {
            let cells: Vec<_> = row.split(" | ").collect();
            (format!("Watchpost{}", cells[0].trim_end_matches('`')), cells[1].to_owned())
        })
        .collect();
    let built = RULES.split("- alert: ").skip(1).map(|rule| {
        let name = rule.lines().next().unwrap().to_owned();
        let (_, severity) = rule.split_once("severity: ").unwrap();
        (name, severity.split(' ').next().unwrap().to_owned())
    });
    assert_eq!(told, built.collect::<Vec<_>>());
}

/// The names of metrics in a text, also of what is recorded.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    let words = words.map(|word| word.trim_end_matches(':'));
    let ours = ["probe_", "watchpost_", "process_"];
    words.filter(move |word| {
        word.starts_with("endpoint:") || ours.iter().any(|start| word.starts_with(start))
    })
}

/// Every series that there is to ask for.
fn known() -> BTreeSet<String> {
    let recorded = RULES.split("- record: ").skip(1).map(|rule| rule.lines().next().unwrap());
    let metrics = METRICS.lines().flat_map(|line| {
        let mut words = line.split(' ');
        let (name, kind) = (words.next().unwrap(), words.next().unwrap());
        let suffixes = match kind {
            "histogram" => ["", "_bucket", "_count", "_sum"].as_slice(),
            _ => &[""],
        };
        suffixes.iter().map(move |suffix| format!("{name}{suffix}"))
    });
    metrics.chain(recorded.map(str::to_owned)).collect()
}

#[test]
fn rules_and_runbooks_ask_for_what_there_is() {
    let known = known();
    let mut asked = 0;
    for name in named(RULES).filter(|name| !name.ends_with('_')) {
        assert!(known.contains(name), "{name}");
        asked += 1;
    }
    assert!(asked > 100, "{asked}");
    for (book, text) in runbooks() {
        for name in named(&text) {
            // What grep looks for may be the beginning of several.
            assert!(known.iter().any(|known| known.starts_with(name)), "{book}: {name}");
        }
    }
}

#[test]
fn dashboards_ask_for_what_there_is() {
    let known = known();
    let files = fs::read_dir(folder("grafana")).unwrap().map(|file| file.unwrap().path());
    let mut asked = BTreeSet::new();
    for path in files.filter(|path| path.extension().is_some_and(|end| end == "json")) {
        let text = fs::read_to_string(&path).unwrap();
        // A value of a label.
        for name in named(&text).filter(|name| *name != "probe_only") {
            assert!(known.contains(name), "{}: {name}", path.display());
            asked.insert(name.to_owned());
        }
    }
    assert!(asked.len() > 60, "{}", asked.len());
}

#[test]
fn a_runbook_is_short_and_in_the_order_of_all_others() {
    for (name, text) in runbooks() {
        assert!(text.starts_with(&format!("# {name}\n\n")), "{name}");
        let chapters: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(chapters, CHAPTERS, "{name}");
        assert!(text.lines().count() < 50, "{name}");
        let commands = commands(&text);
        assert_eq!(commands.len(), 3, "{name}");
        for other in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            if other.starts_with("Watchpost") && other != "Watchpost" {
                assert!(alerts().contains_key(other), "{name}: {other}");
            }
        }
    }
}

/// What is in its block of code.
fn commands(runbook: &str) -> Vec<&str> {
    let block = runbook.split("```\n").nth(1).unwrap();
    block.lines().collect()
}

#[test]
fn the_commands_in_runbooks_are_those_of_the_program() {
    let api: serde_json::Value =
        serde_json::from_str(include_str!("../../src/http/openapi.json")).unwrap();
    let mut seen = BTreeSet::new();
    for (name, text) in runbooks() {
        for command in commands(&text) {
            if let Some(arguments) = command.strip_prefix("watchpost ") {
                let words: Vec<_> = arguments.split(' ').collect();
                let options = words.iter().position(|word| word.starts_with("--"));
                let (subcommand, options) = words.split_at(options.unwrap_or(words.len()));
                let subcommand = match subcommand {
                    ["explain", code] => {
                        assert!(Code::all().any(|one| one.as_str() == *code), "{name}: {code}");
                        &["explain"]
                    }
                    other => other,
                };
                let help = watchpost(&[subcommand, &["--help"]].concat()).output().unwrap();
                assert!(help.status.success(), "{name}: {command}");
                let help = String::from_utf8(help.stdout).unwrap();
                for option in options.iter().filter(|word| word.starts_with("--")) {
                    assert!(help.contains(&format!("{option} ")), "{name}: {command}");
                    seen.insert(subcommand.join(" "));
                }
            }
            if let Some((_, path)) = command.split_once("http://127.0.0.1:9720") {
                let path = path.split(['?', '\'', ' ']).next().unwrap();
                let path = &path.replace("/NAME", "/{name}");
                let told =
                    api["paths"].get(path).is_some() || README.contains(&format!("`{path}`"));
                assert!(told, "{name}: {path}");
                seen.insert(path.to_owned());
            }
        }
    }
    for expected in ["check", "diagnose", "lint", "/metrics", "/endpoint/{name}", "/certificates"] {
        assert!(seen.contains(expected), "{expected}");
    }
}

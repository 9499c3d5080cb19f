//! The shipped Grafana dashboards: every question has an answer in the demo, the rules of Grafana's
//! dashboard-linter hold, and Grafana's own types describe them.

mod promql;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::program::{Program, file, free_port, installed, said};
use crate::prometheus::Prometheus;
use promql::selectors;

/// The demo's story takes three minutes: in it, users and probes see an outage.
const STORY: Duration = Duration::from_secs(240);

/// Questions that the demo cannot answer, and why.
const UNANSWERED: [(&str, &str); 1] =
    [("Notifications that wait", "the demo tells nobody of its incidents")];

/// Selectors of rules that find nothing in the demo, and why.
const UNSEEN: [(&str, &str); 2] = [
    ("watchpost_notifications_oldest_seconds{}", "the demo tells nobody of its incidents"),
    // As a native histogram it has no suffix, and this Prometheus reads classic ones.
    (
        "probe_phase_duration_seconds{phase=~\"connect|tls|upgrade\", result=\"success\"}",
        "native histograms",
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards")
}

/// Every dashboard by the name of its file.
fn dashboards() -> BTreeMap<String, Value> {
    let files = fs::read_dir(folder().join("grafana")).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    files
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The panels that show something.
fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    list(dashboard, "/panels").iter().filter(|panel| panel["type"] != "row")
}

/// What Grafana asks where everything is chosen, with a range that a short demo fills.
fn chosen(expression: &str) -> String {
    [
        ("$__rate_interval", "10s"),
        ("$__range", "1h"),
        ("$job", ".+"),
        ("$instance", ".+"),
        ("$endpoint", ".+"),
        ("$origin", ".*"),
    ]
    .iter()
    .fold(expression.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// The demo, and a Prometheus that scrapes it and has the shipped rules.
fn demo() -> (Program, Prometheus) {
    let port = free_port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchpost"));
    command.args(["demo", "--listen", &format!("127.0.0.1:{port}")]).env("RUST_LOG", "error");
    let demo = Program::start(&mut command).listening(port);
    let rules = fs::read_to_string(folder().join("prometheus/rules.yml")).unwrap();
    (demo, Prometheus::with_rules(port, &rules.replace("interval: 2m", "interval: 1s")))
}

#[test]
fn every_question_has_an_answer_in_the_demo() {
    let mut asked = Vec::new();
    for (name, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            let title = text(panel, "/title");
            if UNANSWERED.iter().any(|(panel, _)| *panel == title) {
                continue;
            }
            for target in list(panel, "/targets") {
                asked.push((format!("{name}: {title}"), chosen(text(target, "/expr"))));
            }
        }
        for annotation in list(&dashboard, "/annotations/list") {
            let title = format!("{name}: annotation {}", text(annotation, "/name"));
            asked.push((title, chosen(text(annotation, "/target/expr"))));
        }
    }
    assert!(asked.len() > 100, "{}", asked.len());
    let rules = fs::read_to_string(folder().join("prometheus/rules.yml")).unwrap();
    for rule in rules.split("expr: ").skip(1) {
        let expression = rule.split("\n        for:").next().unwrap();
        let expression = expression.split("\n      - ").next().unwrap();
        let expression = expression.split("\n        labels:").next().unwrap();
        let expression = expression.split("\n  - name:").next().unwrap();
        let expression = expression.split("\n\n").next().unwrap();
        for selector in selectors(expression.trim_start_matches('|')) {
            let selector = selector.instant();
            if !UNSEEN.iter().any(|(unseen, _)| *unseen == selector) {
                asked.push(("rules.yml".to_owned(), selector));
            }
        }
    }

    let (_demo, prometheus) = demo();
    let deadline = Instant::now() + STORY;
    while !asked.is_empty() {
        // Some are answered only while something goes on: each has to be answered once.
        asked.retain(|(_, expression)| {
            !prometheus.query(expression).iter().any(|(_, value)| !value.is_nan())
        });
        assert!(Instant::now() < deadline, "without data: {asked:#?}");
        std::thread::park_timeout(Duration::from_secs(1));
    }
    for (name, dashboard) in dashboards() {
        for variable in list(&dashboard, "/templating/list") {
            let Some(call) = text(variable, "/query").strip_prefix("label_values(") else {
                continue;
            };
            let (series, label) = call.trim_end_matches(')').rsplit_once(", ").unwrap();
            let matching = format!("match[]={}", chosen(series));
            let values = prometheus.ask(&format!("label/{label}/values"), &[&matching]);
            assert!(!values.as_array().unwrap().is_empty(), "{name}: {label}");
        }
    }
}

#[test]
fn the_files_are_what_the_generator_prints() {
    let generator = folder().join("grafana/generate.py");
    said(Command::new(installed("venv/bin/python")).arg(generator).arg("--check"));
}

/// Units that the linter takes, as far as they are used here.
const UNITS: [&str; 9] =
    ["none", "percentunit", "s", "bytes", "dtdurations", "dateTimeFromNow", "cps", "cpm", "reqps"];

/// What breaks a rule of github.com/grafana/dashboard-linter; rules by their names there.
fn lint(dashboard: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    let mut must = |holds: bool, rule: &str, what: &str| {
        if !holds {
            broken.push(format!("{rule}: {what}"));
        }
    };
    let variables = list(dashboard, "/templating/list");
    let sources: Vec<_> = variables.iter().filter(|one| one["type"] == "datasource").collect();
    must(
        matches!(&sources[..], [one] if one["name"] == "datasource"
            && one["label"] == "Data source" && one["query"] == "prometheus"),
        "template-datasource-rule",
        "",
    );
    for (name, label) in [("job", "Job"), ("instance", "Instance")] {
        let holds = variables.iter().any(|one| {
            one["name"] == name
                && one["label"] == label
                && one["type"] == "query"
                && one["multi"] == true
                && one["allValue"] == ".+"
                && text(one, "/datasource/uid") == "$datasource"
        });
        must(holds, &format!("template-{name}-rule"), "");
    }
    for variable in variables.iter().filter(|one| one["type"] == "query") {
        let name = text(variable, "/name");
        must(variable["refresh"] == 2, "template-on-time-change-reload-rule", name);
        let query = text(variable, "/query");
        let holds = query.starts_with("label_values(") && query.ends_with(')');
        must(holds, "template-label-promql-rule", name);
    }
    must(dashboard["editable"] == false, "uneditable-dashboard", "");
    for panel in panels(dashboard) {
        let title = text(panel, "/title");
        must(text(panel, "/datasource/uid") == "$datasource", "panel-datasource-rule", title);
        let told = !title.is_empty() && !text(panel, "/description").is_empty();
        must(told, "panel-title-description-rule", title);
        let targets = list(panel, "/targets");
        must(!targets.is_empty(), "panel-no-targets-rule", title);
        let mapped = !list(panel, "/fieldConfig/defaults/mappings").is_empty();
        let unit = text(panel, "/fieldConfig/defaults/unit");
        must(
            panel["type"] == "heatmap" || mapped || UNITS.contains(&unit),
            "panel-units-rule",
            title,
        );
        for target in targets {
            let source = text(target, "/datasource/uid") == "$datasource";
            must(source, "panel-datasource-rule", title);
            for selector in selectors(text(target, "/expr")) {
                for label in ["job", "instance"] {
                    let matcher = format!("{label}=~\"${label}\"");
                    let holds = selector.matchers.contains(&matcher);
                    must(holds, &format!("target-{label}-rule"), &format!("{title}: {selector:?}"));
                }
                let told = format!("{title}: {selector:?}");
                let counter = selector.metric.ends_with("_total");
                let counted = ["rate", "irate", "increase"].contains(&selector.function.as_str());
                must(!counter || counted, "target-counter-agg-rule", &told);
                let rate = ["rate", "irate"].contains(&selector.function.as_str());
                let usual = selector.range.as_deref() == Some("$__rate_interval");
                must(!rate || usual, "target-rate-interval-rule", &told);
            }
        }
    }
    broken
}

#[test]
fn the_rules_of_the_dashboard_linter_hold() {
    for (name, dashboard) in dashboards() {
        assert_eq!(lint(&dashboard), Vec::<String>::new(), "{name}");
    }
    // Each rule can be broken.
    for (pointer, value, rule) in [
        ("/editable", Value::Bool(true), "uneditable-dashboard"),
        ("/templating/list/0/label", "Source".into(), "template-datasource-rule"),
        ("/templating/list/1/multi", false.into(), "template-job-rule"),
        ("/templating/list/2/allValue", ".*".into(), "template-instance-rule"),
        ("/templating/list/3/refresh", 1.into(), "template-on-time-change-reload-rule"),
        ("/templating/list/3/query", "up".into(), "template-label-promql-rule"),
        ("/panels/0/datasource/uid", "P1".into(), "panel-datasource-rule"),
        ("/panels/0/description", "".into(), "panel-title-description-rule"),
        ("/panels/0/targets", Value::Array(Vec::new()), "panel-no-targets-rule"),
        ("/panels/0/fieldConfig/defaults/unit", "parsec".into(), "panel-units-rule"),
        ("/panels/0/targets/0/expr", "up{instance=~\"$instance\"}".into(), "target-job-rule"),
        ("/panels/0/targets/0/expr", "up{job=~\"$job\"}".into(), "target-instance-rule"),
        (
            "/panels/0/targets/0/expr",
            "sum(a_total{job=~\"$job\", instance=~\"$instance\"})".into(),
            "target-counter-agg-rule",
        ),
        (
            "/panels/0/targets/0/expr",
            "rate(a_total{job=~\"$job\", instance=~\"$instance\"}[5m])".into(),
            "target-rate-interval-rule",
        ),
    ] {
        let mut dashboard = dashboards().remove("overview").unwrap();
        *dashboard.pointer_mut(pointer).unwrap() = value;
        let broken = lint(&dashboard);
        assert!(
            broken.iter().all(|one| one.starts_with(rule)) && !broken.is_empty(),
            "{pointer}: {broken:?}"
        );
    }
}

#[test]
fn every_dashboard_is_found_by_others_and_by_alerts() {
    let dashboards = dashboards();
    for (name, dashboard) in &dashboards {
        assert_eq!(dashboard["uid"], format!("watchpost-{name}"));
        assert_eq!(dashboard["schemaVersion"], 39);
        let ids: Vec<_> = list(dashboard, "/panels").iter().map(|panel| &panel["id"]).collect();
        assert_eq!(ids, (1..=ids.len()).collect::<Vec<_>>(), "{name}");
    }
    let rules = fs::read_to_string(folder().join("prometheus/rules.yml")).unwrap();
    for link in rules.split("https://grafana.example/d/watchpost-").skip(1) {
        let name: String = link.chars().take_while(char::is_ascii_alphabetic).collect();
        assert!(name.is_empty() || dashboards.contains_key(&name), "{name}");
    }
}

#[test]
fn grafana_s_types_describe_the_dashboards() {
    let folder = tempfile::tempdir().unwrap();
    let types = file("grafana/types.ts");
    fs::copy(types, folder.path().join("types.ts")).unwrap();
    std::os::unix::fs::symlink(installed("node_modules"), folder.path().join("node_modules"))
        .unwrap();
    let check = || {
        let mut command = Command::new(installed("node_modules/.bin/tsc"));
        command
            .args(["--noEmit", "--strict", "--skipLibCheck", "--allowImportingTsExtensions"])
            .args(["--module", "nodenext", "--target", "es2022", "types.ts"])
            .args(dashboards().keys().map(|name| format!("{name}.ts")))
            .current_dir(folder.path());
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let write = |name: &str, dashboard: &Value| {
        let text = format!(
            "import type {{ Classic }} from './types.ts';\nexport const dashboard: Classic = {dashboard:#};\n"
        );
        fs::write(folder.path().join(format!("{name}.ts")), text).unwrap();
    };
    for (name, dashboard) in dashboards() {
        write(&name, &dashboard);
    }
    let (sound, said) = check();
    assert!(sound, "{said}");
    // A value that Grafana does not have, and an option of another panel.
    let mut wrong = dashboards().remove("overview").unwrap();
    wrong["templating"]["list"][1]["sort"] = 11.into();
    wrong["panels"][0]["options"]["mergeValues"] = true.into();
    write("overview", &wrong);
    let (sound, said) = check();
    assert!(!sound && said.contains("11") && said.contains("mergeValues"), "{said}");
}

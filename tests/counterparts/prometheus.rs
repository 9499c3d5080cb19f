//! A real Prometheus scrapes the daemon and answers questions; independent parsers read the page.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Program, daemon, free_port, installed, prometheus, said, until};
use crate::servers::{self, HOST, authority};

/// A daemon that watches nginx with a good and a bad chain, and a port where nobody is.
struct Watch {
    port: u16,
    _daemon: Program,
    _servers: Vec<servers::Server>,
    folder: TempDir,
}

fn watch() -> Watch {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority("scrape", folder.path());
    let good = servers::nginx(&authority.issue(&[HOST], -10, 80).unwrap());
    let expired = servers::nginx(&authority.issue(&[HOST], -100, -10).unwrap());
    let port = free_port();
    let config = format!(
        "[defaults]\ninterval = \"1s\"\nca-file = \"ca.pem\"\n\
         origins = [{{ origin = \"https://app.test\", name = \"app\" }}, {{ origin = \"https://evil.test\", name = \"evil\", expect = \"deny\" }}]\n\
         [[endpoints]]\nname = \"good\"\nurl = \"{}\"\nconnect-to = \"{}\"\nprobes = [\"websocket\", \"tls\"]\nteam = \"say \\\"hi\\\" \\\\ bye\"\n\
         [[endpoints]]\nname = \"expired\"\nurl = \"{}\"\nconnect-to = \"{}\"\n\
         [[endpoints]]\nname = \"dead\"\nurl = \"ws://127.0.0.1:9/\"\n",
        good.url, good.connect_to, expired.url, expired.connect_to
    );
    let daemon = daemon(folder.path(), port, &config);
    let watch = Watch { port, _daemon: daemon, _servers: vec![good, expired], folder };
    until("down", || {
        watch
            .page("")
            .contains(
                "probe_up{endpoint=\"dead\",probe=\"websocket\",origin=\"app\",expect=\"allow\"} 0",
            )
            .then_some(())
    });
    watch
}

impl Watch {
    /// The page, as curl gets it.
    fn page(&self, accept: &str) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.port);
        said(Command::new("curl").args(["-sSf", "-H", &format!("Accept: {accept}"), &url]))
    }

    /// How long a phase of the first so many passes took, in seconds, once they are all stored.
    fn stored(&self, phase: &str, runs: usize) -> Option<Vec<f64>> {
        let store = rusqlite::Connection::open(self.folder.path().join("watchpost.db")).unwrap();
        let sql = format!(
            "SELECT {phase}_us / 1e6 FROM results JOIN checks ON checks.key = results.check_key
             WHERE id LIKE 'good/websocket/%' AND result = 'success' AND NOT confirm AND stalled_us = 0
             ORDER BY seq LIMIT {runs}"
        );
        let mut statement = store.prepare(&sql).unwrap();
        let times = statement.query_map([], |row| row.get(0)).unwrap();
        let times: Vec<f64> = times.map(Result::unwrap).collect();
        (times.len() == runs).then_some(times)
    }
}

/// Which histograms a Prometheus asks for.
#[derive(Clone, Copy, PartialEq)]
enum Histograms {
    Classic,
    /// Native ones, and classic ones beside them if this version can have both.
    Native,
}

/// What this version wants: arguments, and lines of the scrape config.
fn wanted(histograms: Histograms) -> (&'static [&'static str], &'static str) {
    const FLAG: &[&str] = &["--enable-feature=native-histograms"];
    let version = version();
    assert!(version >= (2, 40), "native histograms came with 2.40");
    if histograms == Histograms::Classic {
        (&[], "")
    } else if version >= (3, 8) {
        (&[], "  scrape_native_histograms: true\n  always_scrape_classic_histograms: true\n")
    } else if version >= (3, 0) {
        (FLAG, "  always_scrape_classic_histograms: true\n")
    } else if version >= (2, 45) {
        (FLAG, "  scrape_classic_histograms: true\n")
    } else {
        (FLAG, "")
    }
}

/// The version that is installed.
fn version() -> (u32, u32) {
    let said = said(Command::new("prometheus").arg("--version"));
    let (_, version) = said.split_once("version ").expect("a version");
    let mut numbers = version.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// A Prometheus on a port of its own.
pub struct Prometheus {
    port: u16,
    _program: Program,
    _folder: TempDir,
}

impl Prometheus {
    fn scraping(target: u16, histograms: Histograms) -> Self {
        Self::started(target, histograms, "groups: []")
    }

    /// With these rules, which are evaluated as often as it scrapes.
    pub fn with_rules(target: u16, rules: &str) -> Self {
        Self::started(target, Histograms::Classic, rules)
    }

    fn started(target: u16, histograms: Histograms, rules: &str) -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let (arguments, lines) = wanted(histograms);
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [rules.yml]\nscrape_configs:\n\
             - job_name: watchpost\n{lines}  static_configs: [{{ targets: ['127.0.0.1:{target}'] }}]\n"
        );
        fs::write(folder.path().join("rules.yml"), rules).unwrap();
        let program = prometheus(folder.path(), port, &config, arguments);
        // It listens before it answers: until then, every question is met with 503.
        let ready = format!("http://127.0.0.1:{port}/-/ready");
        said(Command::new("curl").args(["-sSf", "--retry", "60", "--retry-delay", "1", &ready]));
        Self { port, _program: program, _folder: folder }
    }

    /// What it says to a call of its API with this parameter.
    pub fn ask(&self, path: &str, parameters: &[&str]) -> Value {
        let url = format!("http://127.0.0.1:{}/api/v1/{path}", self.port);
        let encoded = parameters.iter().flat_map(|parameter| ["--data-urlencode", parameter]);
        let answer = said(Command::new("curl").args(["-sSf", "-G", &url]).args(encoded));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"].clone()
    }

    /// Every series that it scraped.
    fn series(&self) -> BTreeSet<String> {
        let series = self.ask("series", &["match[]={job='watchpost'}"]);
        series.as_array().unwrap().iter().map(Value::to_string).collect()
    }

    /// The result of an instant query: labels and value of each series.
    pub fn query(&self, promql: &str) -> Vec<(Value, f64)> {
        Self::values(&self.ask("query", &[&format!("query={promql}")]))
    }

    /// The same for one moment, in Unix time.
    fn query_at(&self, promql: &str, time: f64) -> Vec<(Value, f64)> {
        Self::values(&self.ask("query", &[&format!("query={promql}"), &format!("time={time}")]))
    }

    fn values(data: &Value) -> Vec<(Value, f64)> {
        let series = data["result"].as_array().unwrap().iter();
        series
            .map(|series| {
                (series["metric"].clone(), series["value"][1].as_str().unwrap().parse().unwrap())
            })
            .collect()
    }

    /// The only value of a query, once it has one.
    fn value(&self, promql: &str) -> f64 {
        until(promql, || match &self.query(promql)[..] {
            [(_, value)] => Some(*value),
            _ => None,
        })
    }
}

#[test]
fn prometheus_scrapes_and_answers() {
    let watch = watch();
    let prometheus = Prometheus::scraping(watch.port, Histograms::Classic);
    assert_eq!(prometheus.value("up{job='watchpost'}"), 1.0);
    for (promql, expected) in [
        ("probe_up{endpoint='good', origin='app'}", 1.0),
        ("probe_up{endpoint='good', probe='tls'}", 1.0),
        ("probe_success{endpoint='good', origin='evil', expect='deny'}", 1.0),
        ("probe_websocket_status_code{endpoint='good', origin='evil'}", 403.0),
        ("probe_up{endpoint='expired', origin='app'}", 0.0),
        ("probe_ssl_verify_failure{endpoint='expired', reason='expired'}", 1.0),
        ("probe_ssl_verify_failure{endpoint='expired', reason='unknown_issuer'}", 0.0),
        (
            "probe_failure_info{endpoint='dead', origin='app', phase='connect', reason='connection_refused'}",
            1.0,
        ),
        ("count(probe_up{endpoint='expired', expect='deny'}) or vector(0)", 0.0),
        // The certificate ended ten days ago, at midnight.
        ("floor((time() - probe_ssl_earliest_cert_expiry{endpoint='expired'}) / 86400)", 10.0),
        (
            "count(probe_ssl_last_chain_expiry_timestamp_seconds{endpoint='expired'}) or vector(0)",
            0.0,
        ),
        ("count(probe_ssl_cert_info{endpoint='good'})", 2.0),
        (
            "count(probe_ssl_last_chain_info{endpoint='good', issuer=~'CN=scrape intermediate.*'})",
            1.0,
        ),
        // The README's own questions.
        (
            "(probe_up{endpoint='dead', expect='allow'} == 0) + on (endpoint, probe, origin) group_left (phase, reason) probe_failure_info",
            1.0,
        ),
        (
            "count(time() - probe_last_run_timestamp_seconds > on (endpoint, probe) group_left () 5 * probe_interval_seconds) or vector(0)",
            0.0,
        ),
        ("count(probe_websocket_connection_upgraded{expect='deny'} == 1) or vector(0)", 0.0),
    ] {
        assert_eq!(prometheus.value(promql), expected, "{promql}");
    }
    let team = prometheus.query("probe_endpoint_info{endpoint='good'}");
    assert_eq!(team[0].0["team"], "say \"hi\" \\ bye");
    let p95 = prometheus.value(
        "histogram_quantile(0.95, sum by (endpoint, le) (rate(probe_phase_duration_seconds_bucket{endpoint='good', probe='websocket', phase='upgrade', result='success'}[10s]))) > 0",
    );
    assert!(p95 < 1.0, "{p95}");
    let increase = prometheus.value(
        "increase(probe_runs_total{endpoint='good', origin='app', result='success'}[5s]) > 0",
    );
    assert!(increase < 30.0, "{increase}");
}

#[test]
fn prometheus_has_the_same_series_by_text_and_by_protobuf() {
    let watch = watch();
    let by_text = Prometheus::scraping(watch.port, Histograms::Classic);
    let by_protobuf = Prometheus::scraping(watch.port, Histograms::Native);
    let both = version() >= (2, 45);
    let native = "\"__name__\":\"probe_phase_duration_seconds\"";
    let classic = ["bucket", "sum", "count"]
        .map(|suffix| format!("\"__name__\":\"probe_phase_duration_seconds_{suffix}\""));
    let expected = |text: BTreeSet<String>| -> BTreeSet<String> {
        let [.., count] = &classic;
        let counts = text.iter().filter(|series| series.contains(count));
        let native: Vec<_> = counts.map(|series| series.replace(count, native)).collect();
        let kept = text
            .into_iter()
            .filter(|series| both || !classic.iter().any(|name| series.contains(name)));
        kept.chain(native).collect()
    };
    let series = until("page in both that is the same", || {
        let (expected, found) = (expected(by_text.series()), by_protobuf.series());
        let natives = found.iter().filter(|series| series.contains(native)).count();
        (expected == found && natives > 8).then_some(found)
    });
    for name in
        ["process_cpu_seconds_total", "watchpost_schedule_delay_seconds_bucket", "probe_up", "up"]
    {
        let name = format!("\"__name__\":\"{name}\"");
        assert!(series.iter().any(|series| series.contains(&name)), "{name}");
    }
    // Values that do not move.
    for promql in [
        "probe_up",
        "probe_interval_seconds",
        "probe_ssl_cert_not_after_timestamp_seconds",
        "probe_endpoint_info",
        "process_start_time_seconds",
        "watchpost_checks",
    ] {
        let sorted = |prometheus: &Prometheus| {
            let mut values = prometheus.query(promql);
            values.sort_by_key(|(labels, _)| labels.to_string());
            values
        };
        until(promql, || {
            let (text, protobuf) = (sorted(&by_text), sorted(&by_protobuf));
            (!text.is_empty() && text == protobuf).then_some(())
        });
    }
    let kind = |prometheus: &Prometheus, metric: &str| {
        prometheus.ask("metadata", &[&format!("metric={metric}")])[metric][0]["type"].clone()
    };
    for (metric, expected) in [
        ("probe_runs_total", "counter"),
        ("probe_success", "gauge"),
        ("probe_phase_duration_seconds", "histogram"),
    ] {
        assert_eq!(kind(&by_protobuf, metric), expected, "{metric}");
    }
}

#[test]
fn quantiles_of_native_histograms_are_those_of_the_store() {
    let watch = watch();
    let prometheus = Prometheus::scraping(watch.port, Histograms::Native);
    let cell = |phase: &str| {
        format!(
            "probe_phase_duration_seconds{{endpoint='good', probe='websocket', phase='{phase}', result='success'}}"
        )
    };
    let count = format!("histogram_count({})", cell("tls"));
    until("native histogram with ten runs", || {
        matches!(prometheus.query(&count)[..], [(_, runs)] if runs >= 10.0).then_some(())
    });
    // Of one scrape, whatever is scraped meanwhile.
    let now = prometheus.value("timestamp(up)");
    let at_once = |promql: &str| match prometheus.query_at(promql, now)[..] {
        [(_, value)] => value,
        ref other => panic!("{promql}: {other:?}"),
    };
    for phase in ["connect", "tls", "upgrade"] {
        let runs = at_once(&format!("histogram_count({})", cell(phase)));
        let times = until("run that is stored", || watch.stored(phase, runs as usize));
        let sum = at_once(&format!("histogram_sum({})", cell(phase)));
        assert!((sum - times.iter().sum::<f64>()).abs() < 1e-6 * runs, "{phase}: {sum}");
        let mut sorted = times;
        sorted.sort_by(f64::total_cmp);
        for quantile in [0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0] {
            let rank = (quantile * runs).ceil() as usize;
            let expected = sorted[rank - 1];
            let found = at_once(&format!("histogram_quantile({quantile}, {})", cell(phase)));
            let ratio = found / expected;
            assert!((0.95..=1.05).contains(&ratio), "{phase} {quantile}: {found} of {expected}");
        }
    }
    // The README's own question.
    let p95 = prometheus.value(
        "histogram_quantile(0.95, sum by (endpoint, phase) (rate(probe_phase_duration_seconds{endpoint='good', probe='websocket', phase='upgrade', result='success'}[10s]))) > 0",
    );
    assert!(p95 < 1.0, "{p95}");
}

#[test]
fn promtool_has_nothing_to_say() {
    let watch = watch();
    let page = watch.page("text/plain");
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), page.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn the_strict_openmetrics_parser_reads_every_line() {
    let watch = watch();
    let page = watch.page("application/openmetrics-text;version=1.0.0");
    let path = watch.folder.path().join("page.txt");
    fs::write(&path, &page).unwrap();
    let script = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(open(sys.argv[1]).read()))
print(sum(len(family.samples) for family in families))
";
    let read = said(Command::new(installed("venv/bin/python")).args(["-c", script]).arg(&path));
    let samples = page.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(read.trim(), samples.to_string());
}

/// The expression of a shipped alert.
fn expression(alert: &str) -> String {
    let path = format!("{}/dashboards/prometheus/rules.yml", env!("CARGO_MANIFEST_DIR"));
    let rules = fs::read_to_string(path).unwrap();
    let (_, rule) = rules.split_once(&format!("- alert: {alert}\n")).unwrap();
    let (_, rule) = rule.split_once("expr: |\n").unwrap();
    rule.split_once("        for: ").unwrap().0.to_owned()
}

#[test]
fn slow_handshakes_are_known_by_native_histograms_alone() {
    let watch = watch();
    let prometheus = Prometheus::scraping(watch.port, Histograms::Native);
    let slow = expression("WatchpostHandshakeSlow");
    // These handshakes are quick: all that is missing is the second that they do not take.
    let quick = slow.replace(") > 1\n", ") > 0\n");
    assert_ne!(slow, quick);
    let quick = match version() >= (2, 45) {
        // Only its own branch, where the other one has something to say too.
        true => quick.replace("_bucket{", "_bucket{le=\"none\", "),
        false => quick,
    };
    let found = until("handshake of which there are twenty", || {
        let found = prometheus.query(&quick);
        (found.len() >= 3).then_some(found)
    });
    for (labels, seconds) in found {
        assert_eq!((&labels["endpoint"], &labels["job"]), (&"good".into(), &"watchpost".into()));
        assert_eq!(labels["team"], "say \"hi\" \\ bye");
        assert!(seconds > 0.0 && seconds < 1.0, "{labels}: {seconds}");
    }
    assert_eq!(prometheus.query(&slow), []);
}

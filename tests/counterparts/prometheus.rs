//! A real Prometheus scrapes the daemon and answers questions; independent parsers read the page.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Program, daemon, free_port, installed, said, until};
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
        said(Command::new("curl").args(["-sf", "-H", &format!("Accept: {accept}"), &url]))
    }
}

/// A Prometheus on a port of its own.
struct Prometheus {
    port: u16,
    _program: Program,
}

impl Prometheus {
    fn scraping(target: u16, folder: &Path) -> Self {
        let port = free_port();
        let config = folder.join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n\
             - job_name: watchpost\n  static_configs: [{{ targets: ['127.0.0.1:{target}'] }}]\n"
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=error");
        Self { port, _program: Program::start(&mut command).listening(port) }
    }

    /// The result of an instant query: labels and value of each series.
    fn query(&self, promql: &str) -> Vec<(Value, f64)> {
        let url = format!("http://127.0.0.1:{}/api/v1/query", self.port);
        let answer = said(Command::new("curl").args([
            "-sf",
            "--data-urlencode",
            &format!("query={promql}"),
            "-G",
            &url,
        ]));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{answer}");
        let series = answer["data"]["result"].as_array().unwrap().iter();
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
    let prometheus = Prometheus::scraping(watch.port, watch.folder.path());
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

#[test]
fn the_shipped_rules_are_rules() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/prometheus/alerts.yml");
    let said = said(Command::new("promtool").args(["check", "rules"]).arg(&rules));
    assert!(said.contains("SUCCESS: 7 rules found"), "{said}");
}

#[test]
fn the_shipped_rules_ask_for_metrics_that_there_are() {
    let rules = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/prometheus/alerts.yml"),
    )
    .unwrap();
    let metrics = include_str!("../snapshots/metrics.txt");
    let known: Vec<_> = metrics.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let words = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let asked: Vec<_> =
        words.filter(|word| word.starts_with("probe_") || word.starts_with("watchpost_")).collect();
    assert!(asked.len() > 10);
    for metric in asked {
        assert!(known.contains(&metric), "{metric}");
    }
}

#[test]
fn the_alerts_fire_when_they_should_and_stay_silent_when_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/prometheus");
    said(Command::new("promtool").args(["test", "rules", "alerts_test.yml"]).current_dir(&folder));
}

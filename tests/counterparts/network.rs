//! Failures that want a routing table of their own: network namespaces, as root.

use std::process::Command;
use std::time::Duration;

use tokio::time::Instant;

use crate::program::{Program, file, json, said, until};

/// A namespace that ends with the test.
struct Namespace(String);

impl Namespace {
    fn new(name: &str, routes: &[&str]) -> Self {
        let name = format!("watchpost-{name}-{}", std::process::id());
        said(Command::new("ip").args(["netns", "add", &name]));
        let namespace = Self(name);
        said(Command::new("ip").args(["-n", &namespace.0, "link", "set", "lo", "up"]));
        for route in routes {
            said(
                Command::new("ip")
                    .args(["-n", &namespace.0, "route", "add"])
                    .args(route.split(' ')),
            );
        }
        namespace
    }

    /// What `watchpost check` says in it.
    fn check(&self, url: &str) -> serde_json::Value {
        let mut command = Command::new("ip");
        command.args([
            "netns",
            "exec",
            &self.0,
            env!("CARGO_BIN_EXE_watchpost"),
            "check",
            url,
            "--json",
        ]);
        json(&command.output().unwrap())
    }
}

/// A cable between two namespaces: 192.0.2.1 in the first, 192.0.2.2 in the second.
fn cable(here: &Namespace, there: &Namespace) {
    let ip = |arguments: &str| said(Command::new("ip").args(arguments.split(' ')));
    let (one, two) = (&here.0, &there.0);
    ip(&format!("link add wp-near netns {one} type veth peer name wp-far netns {two}"));
    ip(&format!("-n {one} address add 192.0.2.1/24 dev wp-near"));
    ip(&format!("-n {two} address add 192.0.2.2/24 dev wp-far"));
    ip(&format!("-n {one} link set wp-near up"));
    ip(&format!("-n {two} link set wp-far up"));
}

impl Namespace {
    /// A command in it.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0]).arg(program);
        command
    }

    /// The metrics of a daemon in it.
    fn metrics(&self) -> Option<String> {
        let mut curl = self.command("curl");
        let output = curl.args(["-s", "http://127.0.0.1:9720/metrics"]).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    /// Asks for the metrics until they have these lines, and gives how long that took.
    fn until_metrics(&self, what: &str, is: impl Fn(&str) -> bool) -> Duration {
        let begun = Instant::now();
        until(what, || self.metrics().filter(|page| is(page)).map(|_| begun.elapsed()))
    }
}

#[test]
fn a_network_that_goes_and_comes_is_no_downtime() {
    let (here, there) = (Namespace::new("near", &[]), Namespace::new("far", &[]));
    cable(&here, &there);
    let mut door = there.command("python3");
    let _door = Program::start(door.arg(file("servers/door.py")).args(["192.0.2.2", "80"]));
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let endpoint = "[[endpoints]]\nname = \"door\"\nurl = \"ws://192.0.2.2/\"\ninterval = \"1s\"\n";
    std::fs::write(&config, endpoint).unwrap();
    let mut daemon = here.command(env!("CARGO_BIN_EXE_watchpost"));
    let _daemon = Program::start(daemon.args(["run", "--config"]).arg(&config));
    let check = "endpoint=\"door\",probe=\"websocket\",origin=\"none\",expect=\"allow\"";
    let up = format!("probe_up{{{check}}} 1\n");
    let no_route =
        format!("probe_failures_total{{{check},phase=\"connect\",reason=\"no_route\"}} ");
    here.until_metrics("door that is up", |page| page.contains(&up));
    let failures = format!("probe_runs_total{{{check},result=\"failure\"}} ");
    let value = |page: &str, series: &str| {
        page.lines().find_map(|line| line.strip_prefix(series)?.parse::<f64>().ok()).unwrap_or(0.0)
    };
    let before = here.metrics().map(|page| value(&page, &failures));

    let link = |state: &str| {
        said(Command::new("ip").args(["-n", &here.0, "link", "set", "wp-near", state]))
    };
    link("down");
    here.until_metrics("run without a route, and a verdict that stays", |page| {
        value(page, &no_route) >= 1.0 && page.contains(&up)
    });
    here.until_metrics("verdict that is given up", |page| !page.contains("probe_up{"));
    link("up");
    let recovery = here.until_metrics("recovery", |page| page.contains(&up));
    assert!(recovery <= Duration::from_secs(5), "{recovery:?}");
    assert_eq!(here.metrics().map(|page| value(&page, &failures)), before);
}

impl Drop for Namespace {
    fn drop(&mut self) {
        Command::new("ip").args(["netns", "del", &self.0]).status().unwrap();
    }
}

#[track_caller]
fn expect(report: &serde_json::Value, reason: &str, fault: &str, verdict: &str) {
    assert_eq!(
        (&report["reason"], &report["phase"]),
        (&reason.into(), &"connect".into()),
        "{report}"
    );
    assert_eq!(
        (&report["fault"], &report["verdict"]),
        (&fault.into(), &verdict.into()),
        "{report}"
    );
}

#[test]
fn an_unreachable_host_is_the_paths_trouble() {
    let namespace = Namespace::new("unreachable", &["unreachable 192.0.2.0/24"]);
    expect(&namespace.check("ws://192.0.2.1:80/"), "host_unreachable", "path", "fail");
}

#[test]
fn a_rule_of_this_machine_is_the_monitors_trouble() {
    let namespace = Namespace::new("prohibit", &["prohibit 192.0.2.0/24"]);
    expect(&namespace.check("ws://192.0.2.1:80/"), "local_denied", "monitor", "inconclusive");
}

#[test]
fn a_machine_without_a_network_is_the_monitors_trouble() {
    let namespace = Namespace::new("island", &[]);
    expect(&namespace.check("ws://192.0.2.1:80/"), "no_route", "monitor", "inconclusive");
    let report = namespace.check("ws://chat.example/");
    assert_eq!(
        (&report["fault"], &report["phase"]),
        (&"monitor".into(), &"resolve".into()),
        "{report}"
    );
}

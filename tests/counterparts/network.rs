//! Failures that want a routing table of their own: network namespaces, as root.

use std::process::Command;

use crate::program::{json, said};

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

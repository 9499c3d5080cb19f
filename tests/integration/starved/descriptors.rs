//! No descriptors: probes cannot connect, and the page is there to say so.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::{RECOVERY, runs, watching};
use crate::fixture::daemon::{Daemon, Home, PATIENCE, sum};
use crate::fixture::nameserver::{self, Answer};

/// Sets the soft limit of a running daemon; its hard one stays.
fn limit(daemon: &Daemon, soft: u32) {
    let pid = daemon.pid().to_string();
    let limit = format!("--nofile={soft}:");
    assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
}

fn exhausted(page: &str, endpoint: &str, phase: &str) -> f64 {
    page.lines()
        .filter(|line| {
            line.starts_with("probe_failures_total{") && line.contains("local_exhaustion")
        })
        .filter(|line| line.contains(endpoint) && line.contains(phase))
        .map(|line| sum(line, "probe_failures_total"))
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_without_descriptors_says_so_and_recovers() {
    let nameserver = nameserver::serve(Answer::Addresses(vec![[127, 0, 0, 1].into()])).await;
    let named =
        "[[endpoints]]\nname = \"named\"\nurl = \"ws://named.test:9/\"\ninterval = \"1s\"\n";
    let watched = watching(&format!("nameservers = [\"{nameserver}\"]\n{named}"), |_| ()).await;
    let daemon = &watched.daemon;
    let page = daemon.metrics_until("three runs", PATIENCE, |page| runs(page, "success") >= 3.0);
    assert_eq!(sum(&page, "process_max_fds "), hard_limit(), "the soft limit was raised");
    let before = page;

    // All numbers below are taken: by files of its own, and by those that it holds for the page.
    limit(daemon, 12);
    let page = daemon.metrics_until("both phases lack descriptors", PATIENCE, |page| {
        exhausted(page, "\"door\"", "\"connect\"") >= 1.0
            && exhausted(page, "\"named\"", "\"resolve\"") >= 1.0
    });
    assert!(
        page.contains(
            "probe_up{endpoint=\"door\",probe=\"websocket\",origin=\"none\",expect=\"allow\"} 1"
        ),
        "{page}"
    );
    let page = daemon.metrics_until("unknown after three intervals", PATIENCE, |page| {
        !page.contains("probe_up{endpoint=\"door\"")
    });
    assert!(daemon.get("/").contains("local_exhaustion"), "the page says so too");
    assert_eq!(runs(&page, "failure"), runs(&before, "failure"), "{page}");
    assert_eq!(sum(&page, "watchpost_store_write_failures_total"), 0.0, "{page}");
    // Those that it holds do not get fewer.
    for _ in 0..20 {
        assert_eq!(daemon.get("/-/ready"), "ready\n");
    }

    limit(daemon, 100);
    let successes = runs(&page, "success");
    daemon.metrics_until("it recovers", RECOVERY, |page| {
        runs(page, "success") > successes && page.contains("probe_up{endpoint=\"door\"")
    });
}

fn hard_limit() -> f64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(4).unwrap().parse().unwrap()
}

#[test]
fn a_low_limit_lowers_what_runs_at_a_time_and_is_told() {
    let home = Home::new(
        "max-inflight = 1000\n[[endpoints]]\nname = \"nobody\"\nurl = \"ws://127.0.0.1:9/\"\n",
    );
    let mut command = Command::new("prlimit");
    command.args(["--nofile=100:200", env!("CARGO_BIN_EXE_watchpost"), "run", "--config"]);
    command.arg(home.config()).env_remove("RUST_LOG").stderr(Stdio::piped());
    let mut daemon = command.spawn().unwrap();
    let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines();
    let warning = lines.find(|line| line.as_ref().unwrap().contains("too few descriptors"));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let warning = warning.unwrap().unwrap();
    for part in ["limit=200", "max_inflight=1000", "lowered_to=51"] {
        assert!(warning.contains(part), "{warning}");
    }
}

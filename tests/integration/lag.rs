//! A daemon that had no time accuses nobody of it.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::fixture::daemon::{Daemon, Home, watchpost};
use crate::fixture::raw::{self, OPEN, Server};

/// A daemon with one check of a server, in the middle of its first run.
async fn in_the_first_run(server: &Server) -> (Home, Daemon) {
    let home = Home::new(&format!(
        "[[endpoints]]\nname = \"door\"\nurl = \"ws://{}/\"\ninterval = \"3s\"\ntimeout = \"2s\"\n",
        server.address
    ));
    let daemon = home.start();
    while server.visits.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    (home, daemon)
}

/// Takes the CPU from a daemon for a while.
async fn held_up(daemon: &Daemon, time: Duration) {
    daemon.signal("STOP");
    tokio::time::sleep(time).await;
    daemon.signal("CONT");
}

fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{page}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_of_a_daemon_that_was_held_up_is_its_own() {
    let silent = raw::serve(raw::hold).await;
    let (_home, daemon) = in_the_first_run(&silent).await;
    held_up(&daemon, Duration::from_millis(2_500)).await;
    let line = daemon.wait_for_line("check=door/websocket/none");
    assert!(line.contains("result=inconclusive reason=monitor_lag phase=upgrade"), "{line}");
    assert!(line.contains("stalled_ms="), "{line}");
    // The next one is not held up, and the server still says nothing.
    let line = daemon.wait_for_line("check=door/websocket/none result=failure");
    assert!(line.contains("reason=timeout"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_counts_and_its_times_do_not() {
    let answers = Arc::new(Semaphore::new(0));
    let gate = answers.clone();
    let server = raw::serve(move |mut stream| {
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            raw::answer(&mut stream, OPEN).await;
            raw::hold(stream).await;
        }
    })
    .await;
    let (_home, daemon) = in_the_first_run(&server).await;
    held_up(&daemon, Duration::from_millis(300)).await;
    answers.add_permits(1000);
    let line = daemon.wait_for_line("check=door/websocket/none");
    assert!(line.contains("result=success") && line.contains("stalled_ms="), "{line}");
    let page = daemon.get("/metrics");
    let labels = "endpoint=\"door\",probe=\"websocket\"";
    let passes = value(
        &page,
        &format!(
            "probe_runs_total{{{labels},origin=\"none\",expect=\"allow\",result=\"success\"}}"
        ),
    );
    let spoiled = value(&page, "watchpost_runs_spoiled_total");
    assert!(passes >= 1.0 && spoiled >= 1.0, "{passes} passes, {spoiled} spoiled");
    let counted = format!(
        "probe_phase_duration_seconds_count{{{labels},phase=\"upgrade\",result=\"success\"}}"
    );
    let counted = page.contains(&counted).then(|| value(&page, &counted));
    assert_eq!(counted.unwrap_or(0.0), passes - spoiled);
}

/// Takes the CPU from a program that asks a server which says nothing, and gives what it printed.
async fn asked_and_held_up(server: &Server, args: &[&str]) -> (Option<i32>, Value) {
    let url = format!("ws://{}/", server.address);
    let mut command = watchpost(&[args, &[&url, "--timeout", "2s", "--json"]].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    while server.visits.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    signal(&child, "STOP");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    signal(&child, "CONT");
    let output = child.wait_with_output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_was_held_up_accuses_nobody() {
    let silent = raw::serve(raw::hold).await;
    let (status, json) = asked_and_held_up(&silent, &["check"]).await;
    let found = (status, &json["verdict"], &json["reason"]);
    assert_eq!(found, (Some(3), &json!("inconclusive"), &json!("monitor_lag")), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diagnosis_that_was_held_up_accuses_nobody() {
    let silent = raw::serve(raw::hold).await;
    let (status, json) = asked_and_held_up(&silent, &["diagnose", "--budget", "8"]).await;
    let found = (status, &json["conclusion"], &json["asked"][0]["reason"]);
    assert_eq!(found, (Some(3), &json!("inconclusive"), &json!("monitor_lag")), "{json}");
}

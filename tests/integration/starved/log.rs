//! Nobody reads standard error.

use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{RECOVERY, Watched, runs, watching};
use crate::fixture::daemon::{PATIENCE, sum};
use crate::fixture::nameserver::{self, Answer};

/// A daemon that writes thousands of lines a second: every step of fifty lookups.
async fn talkative() -> Watched {
    let nameserver = nameserver::serve(Answer::NoSuchName).await;
    let mut config = format!("nameservers = [\"{nameserver}\"]\n");
    for n in 0..50 {
        config += &format!(
            "[[endpoints]]\nname = \"n{n}\"\nurl = \"ws://n{n}.test/\"\ninterval = \"1s\"\n"
        );
    }
    watching(&config, |command| {
        command.env("RUST_LOG", "trace");
    })
    .await
}

fn lost(page: &str) -> f64 {
    sum(page, "watchpost_log_dropped_total ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_holds_up_nothing() {
    let mut watched = talkative().await;
    let daemon = &watched.daemon;
    let held = daemon.hold_log();
    let page = daemon.metrics_until("lines are lost", PATIENCE, |page| lost(page) > 0.0);
    let before = runs(&page, "success");
    let page = daemon
        .metrics_until("five more runs", PATIENCE, |page| runs(page, "success") >= before + 5.0);
    assert_eq!(runs(&page, "missed"), 0.0, "{page}");
    drop(held);
    let read_again = watchpost::clock::now();
    let deadline = Instant::now() + RECOVERY;
    loop {
        let line = daemon.wait_for_line("check=door/websocket/none result=success");
        // It begins with the time of day.
        let at: Timestamp = line.split(' ').next().unwrap().parse().unwrap();
        if at > read_again {
            break;
        }
        assert!(Instant::now() < deadline, "nothing newer than {line}");
    }
    watched.daemon.signal("TERM");
    watched.daemon.wait_for_line("ended");
    assert_eq!(watched.daemon.wait().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_does_not_hold_up_the_end() {
    let mut watched = talkative().await;
    let held = watched.daemon.hold_log();
    watched.daemon.metrics_until("lines are lost", PATIENCE, |page| lost(page) > 0.0);
    let pid = watched.daemon.pid().to_string();
    let begun = Instant::now();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    // Nobody waits for it yet: it is gone once it is a zombie.
    let stat = format!("/proc/{pid}/stat");
    while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
        assert!(begun.elapsed() < RECOVERY, "it is held up");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    drop(held);
    assert_eq!(watched.daemon.wait().code(), Some(0));
}

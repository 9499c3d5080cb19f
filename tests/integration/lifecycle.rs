//! How the daemon begins, ends and begins again.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Output, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::fixture::daemon::{Daemon, Home, PATIENCE, watchpost};
use crate::fixture::raw::{self, OPEN};

const NOBODY: &str = "[[endpoints]]\nname = \"nobody\"\nurl = \"ws://127.0.0.1:9/\"\n";

/// Runs a daemon that cannot begin; gives its output.
fn refused(home: &Home, prepare: impl FnOnce(&mut std::process::Command)) -> Output {
    let mut command = watchpost(&["run", "--config"]);
    command.arg(home.config()).stderr(Stdio::piped());
    prepare(&mut command);
    command.spawn().unwrap().wait_with_output().unwrap()
}

#[track_caller]
fn says(output: &Output, part: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(part) && said.lines().count() == 1, "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = Home::new(NOBODY);
    let text = std::fs::read_to_string(home.config()).unwrap();
    std::fs::write(home.config(), text.replace("127.0.0.1:0", &address.to_string())).unwrap();
    says(&refused(&home, |_| {}), &format!("cannot listen on {address}"));
    assert!(!home.path().join("watchpost.db").exists(), "the store was not touched");
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    let home = Home::new(&format!("[store]\npath = \"/proc/no/watchpost.db\"\n{NOBODY}"));
    says(&refused(&home, |_| {}), "/proc/no/watchpost.db");
}

#[test]
fn a_store_of_a_later_release_is_refused_untouched() {
    let home = Home::new(NOBODY);
    let path = home.path().join("watchpost.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    says(&refused(&home, |_| {}), "version 99");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_missing_ca_file_is_a_fault_of_the_config() {
    let home =
        Home::new("[[endpoints]]\nname = \"x\"\nurl = \"wss://x.test/\"\nca-file = \"no.pem\"\n");
    let output = refused(&home, |_| {});
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("no.pem") && said.contains("config.toml:6: endpoints[0].ca-file"),
        "{said}"
    );
}

#[test]
fn one_store_has_one_daemon() {
    let home = Home::new(NOBODY);
    let _first = home.start();
    says(&refused(&home, |_| {}), "in use by another watchpost");
}

#[test]
fn systemd_is_told_when_everything_has_begun() {
    let home = Home::new(NOBODY);
    let socket = home.path().join("notify");
    let listener = UnixDatagram::bind(&socket).unwrap();
    listener.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut child = watchpost(&["run", "--config"])
        .arg(home.config())
        .env("NOTIFY_SOCKET", &socket)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut message = [0; 256];
    let mut next = || {
        let length = listener.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    assert_eq!(next().trim(), "READY=1");
    assert!(home.path().join("watchpost.db").exists(), "READY comes behind the store");
    let pid = child.id().to_string();
    for (config, status) in [(NOBODY, "1 kept"), ("broken", "wrong")] {
        home.write(config);
        std::process::Command::new("kill").args(["-s", "HUP", &pid]).status().unwrap();
        let began = next();
        let (reloading, time) = began.trim().split_once('\n').unwrap();
        let time = time.strip_prefix("MONOTONIC_USEC=").unwrap();
        assert!(reloading == "RELOADING=1" && time.parse::<u64>().is_ok(), "{began}");
        let done = next();
        assert!(done.starts_with("READY=1\nSTATUS=") && done.contains(status), "{done}");
    }
    std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap();
    assert_eq!(next().trim(), "STOPPING=1");
    assert!(child.wait().unwrap().success());
}

/// A daemon in the middle of a run that its server never answers.
async fn in_the_middle_of_a_run() -> (Home, Daemon) {
    let silent = raw::serve(raw::hold).await;
    let home = Home::new(&format!(
        "[[endpoints]]\nname = \"silent\"\nurl = \"ws://{}/\"\ninterval = \"8s\"\ntimeout = \"7s\"\n",
        silent.address
    ));
    let daemon = home.start();
    // The run is under way once the server has a visitor.
    while silent.visits.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    (home, daemon)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_in_the_middle_of_a_run_loses_nothing() {
    let (home, mut daemon) = in_the_middle_of_a_run().await;
    daemon.signal("TERM");
    let line = daemon.wait_for_line("check=silent/websocket/none");
    assert!(line.contains("result=inconclusive reason=shutting_down"), "{line}");
    assert_eq!(daemon.wait().code(), Some(0));
    let rows = results(&home);
    assert_eq!(rows, [("inconclusive".to_owned(), Some("shutting_down".to_owned()))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let (_home, mut daemon) = in_the_middle_of_a_run().await;
    daemon.signal("TERM");
    daemon.wait_for_line("ending");
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code(), Some(1));
}

fn results(home: &Home) -> Vec<(String, Option<String>)> {
    let connection = rusqlite::Connection::open(home.path().join("watchpost.db")).unwrap();
    let mut statement =
        connection.prepare("SELECT result, reason FROM results ORDER BY seq").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Runs during which the daemon was held up: they are counted, and their times are not.
fn spoiled(home: &Home) -> f64 {
    let connection = rusqlite::Connection::open(home.path().join("watchpost.db")).unwrap();
    let query = "SELECT count(*) FROM results WHERE result = 'success' AND stalled_us > 0";
    connection.query_row(query, [], |row| row.get::<_, u32>(0)).unwrap().into()
}

/// The value of the first series that begins so.
fn value(page: &str, series: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_streaks_and_histograms_outlive_an_orderly_end_and_a_kill() {
    let open = raw::answering(OPEN).await;
    let dead = "ws://127.0.0.1:9/";
    let home = Home::new(&format!(
        "[defaults]\ninterval = \"1s\"\n\
         [[endpoints]]\nname = \"open\"\nurl = \"ws://{}/\"\n\
         [[endpoints]]\nname = \"dead\"\nurl = \"{dead}\"\n",
        open.address
    ));
    let runs = "probe_runs_total{endpoint=\"open\",probe=\"websocket\",origin=\"none\",expect=\"allow\",result=\"success\"}";
    let up = "probe_up{endpoint=\"dead\",probe=\"websocket\",origin=\"none\",expect=\"allow\"}";
    let connects = "probe_phase_duration_seconds_count{endpoint=\"open\",probe=\"websocket\",phase=\"connect\",result=\"success\"}";
    let mut before = 0.0;
    for (round, signal) in ["TERM", "KILL", "TERM"].into_iter().enumerate() {
        let spoiled = if round == 0 { 0.0 } else { spoiled(&home) };
        let mut daemon = home.start();
        let page = daemon.get("/metrics");
        // What the last one had counted, and nothing that it had not.
        assert!(value(&page, runs).unwrap() >= before, "round {round}: {page}");
        let timed = value(&page, connects).unwrap_or(0.0);
        assert_eq!(value(&page, runs), Some(timed + spoiled), "round {round}");
        if round > 0 {
            assert_eq!(value(&page, up), Some(0.0), "the streak is known at once");
        }
        daemon.wait_for_line("check=open/websocket/none result=success");
        if round == 0 {
            daemon.wait_for_line("down check=dead/websocket/none");
        }
        if signal == "KILL" {
            // Rows are on disk within a second or two: see one more run of each before the kill.
            for _ in 0..4 {
                daemon.wait_for_line("check=open/websocket/none result=success");
            }
            before = value(&daemon.get("/metrics"), runs).unwrap() - 3.0;
        } else {
            before = value(&daemon.get("/metrics"), runs).unwrap();
        }
        daemon.signal(signal);
        daemon.wait();
    }
}

#[test]
fn a_config_without_a_removed_target_shows_it_no_more() {
    let second =
        "[[endpoints]]\nname = \"second\"\nurl = \"ws://127.0.0.1:9/\"\ninterval = \"1s\"\n";
    let home = Home::new(&format!("{NOBODY}{second}"));
    let mut daemon = home.start();
    daemon.wait_for_line("check=second/websocket/none");
    assert!(daemon.get("/metrics").contains("endpoint=\"second\""));
    daemon.signal("TERM");
    daemon.wait();
    let text = std::fs::read_to_string(home.config()).unwrap();
    std::fs::write(home.config(), text.replace(second, "")).unwrap();
    let daemon = home.start();
    assert!(!daemon.get("/metrics").contains("endpoint=\"second\""));
}

#[test]
fn a_store_in_a_folder_that_is_closed_to_us_is_named() {
    let home = Home::new(&format!("[store]\npath = \"closed/watchpost.db\"\n{NOBODY}"));
    let folder = home.path().join("closed");
    // Root writes everywhere: a file in the folder's place stops even root.
    std::fs::write(&folder, "").unwrap();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o400)).unwrap();
    says(&refused(&home, |_| {}), "closed/watchpost.db");
}

#[test]
fn the_demo_shows_good_and_bad_doors() {
    let mut child = watchpost(&["demo", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut said = String::new();
    let mut bytes = [0; 4096];
    while !said.contains("Ctrl-C") {
        let length = stdout.read(&mut bytes).unwrap();
        assert_ne!(length, 0, "it ended:\n{said}");
        said.push_str(&String::from_utf8_lossy(&bytes[..length]));
    }
    let url = said.split("status page   http://").nth(1).unwrap();
    let address = url.split('/').next().unwrap();
    let get = |path: &str| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        use std::io::Write;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let wait = |path: &str, is: &dyn Fn(&str) -> bool| {
        // The minute in which customers broke off must end.
        let deadline = tokio::time::Instant::now() + Duration::from_mins(2) + PATIENCE;
        while !is(&get(path)) {
            assert!(tokio::time::Instant::now() < deadline, "{path}: {}", get(path));
            std::thread::park_timeout(Duration::from_millis(100));
        }
    };
    for reason in [
        "upgrade_refused",
        "origin_accepted",
        "cert_expired",
        "cert_hostname_mismatch",
        "cert_missing_intermediate",
        "timeout",
    ] {
        let reason = format!("\"reason\":\"{reason}\"");
        wait("/api/v1/checks", &|checks| checks.contains(&reason));
    }
    // The administrator's mistake, what it does, and that customers are heard of meanwhile.
    wait("/api/v1/changes", &|changes| changes.contains("allowedDomains"));
    wait("/api/v1/incidents", &|incidents| incidents.contains("-shop-messenger\""));
    let failed = "watchpost_conversations_total{endpoint=\"shop-messenger\",outcome=\"failed\"}";
    wait("/metrics", &|page| super::fixture::daemon::sum(page, failed) > 0.0);
    let windows = "watchpost_correlation_windows_total";
    let both = format!("{windows}{{endpoint=\"shop-messenger\",correlation=\"both_bad\"}}");
    wait("/metrics", &|page| super::fixture::daemon::sum(page, &both) > 0.0);
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-s", "INT", &pid]).status().unwrap();
    assert!(child.wait().unwrap().success());
}

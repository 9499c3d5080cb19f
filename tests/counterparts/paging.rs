//! From a door to a pager: the demo, the shipped rules in a real Prometheus, the shipped routes in a
//! real Alertmanager, and whoever is called. All waits are a twelfth of what is shipped.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use regex::{Captures, Regex};
use serde_json::Value;
use tokio::time::Instant;

use crate::program::{
    Program, alertmanager, daemon, file, free_port, installed, prometheus, said, until,
};

/// The story of the demo's shop takes three minutes, and what is wanted of it may be missed once.
const PATIENCE: Duration = Duration::from_secs(400);

fn shipped(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/prometheus");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The rules, with a twelfth of their waits.
fn rules() -> String {
    let waits = Regex::new(r"(?m)^(\s+(?:for|keep_firing_for): )(\d+)m$").unwrap();
    let shorter =
        |found: &Captures<'_>| format!("{}{}s", &found[1], found[2].parse::<u64>().unwrap() * 5);
    let rules = shipped("rules.yml");
    assert!(waits.find_iter(&rules).count() > 20);
    waits.replace_all(&rules, shorter).into_owned()
}

/// The sample of Prometheus' config, for these two daemons.
fn scraping(alertmanager: u16, daemons: [u16; 2]) -> String {
    let config = shipped("prometheus.yml")
        .replace("_interval: 30s", "_interval: 1s")
        .replace("127.0.0.1:9093", &format!("127.0.0.1:{alertmanager}"));
    let targets = format!("\"127.0.0.1:{}\", \"127.0.0.1:{}\"", daemons[0], daemons[1]);
    let whole = config.replace("\"127.0.0.1:9720\"", &targets);
    assert!(whole.contains(&targets) && whole.contains("scrape_interval: 1s"), "{whole}");
    whole
}

/// The sample of Alertmanager's, with the pager here; it tells again after a while, with what is
/// known by then.
fn routes(pager: u16) -> String {
    let config = shipped("alertmanager.yml");
    let calls = config
        .replace("https://pager.example/alerts", &format!("http://127.0.0.1:{pager}/"))
        .replace("group_wait: 30s", "group_wait: 1s")
        .replace("group_interval: 5m", "group_interval: 2s")
        .replace("repeat_interval: 1h", "repeat_interval: 10s");
    assert!(calls.contains("repeat_interval: 10s") && calls.contains(&format!(":{pager}/")));
    calls
}

/// Whoever is called: each body that is posted.
fn pager() -> (u16, Receiver<Value>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, calls) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            thread::spawn(move || take(stream, &sender));
        }
    });
    (port, calls)
}

/// Calls of one connection, until it ends.
fn take(mut stream: std::net::TcpStream, sender: &Sender<Value>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
        sender.send(serde_json::from_slice(&body).ok()?).ok()?;
    }
}

/// What the pager was told of: alerts one by one.
struct Told {
    calls: Receiver<Value>,
    alerts: Vec<Value>,
}

impl Told {
    /// The first alert that is so, of those that came and come.
    fn until(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(alert) = self.alerts.iter().find(|alert| is(alert)) {
                return alert.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let call = self.calls.recv_timeout(left);
            let call = call.unwrap_or_else(|_| panic!("no {what} among {:#?}", self.alerts));
            self.alerts.extend(call["alerts"].as_array().unwrap().iter().cloned());
        }
    }
}

fn is(alert: &Value, name: &str, endpoint: &str) -> bool {
    alert["labels"]["alertname"] == name && alert["labels"]["endpoint"] == endpoint
}

fn text<'a>(alert: &'a Value, annotation: &str) -> &'a str {
    alert["annotations"][annotation].as_str().unwrap()
}

/// A door that a page gets in by.
fn open(port: u16) -> Program {
    let mut command = Command::new("node");
    command.arg(file("servers/ws.js")).arg("open").arg(port.to_string());
    command.env("NODE_PATH", installed("node_modules"));
    Program::start(&mut command).listening(port)
}

#[test]
fn a_door_that_is_shut_rings_and_a_blip_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (pager, calls) = pager();
    let mut told = Told { calls, alerts: Vec::new() };

    let alertmanager_port = free_port();
    let _alertmanager = alertmanager(folder.path(), alertmanager_port, &routes(pager));
    let (demo_port, own_port, door_port) = (free_port(), free_port(), free_port());
    let mut demo = Command::new(env!("CARGO_BIN_EXE_watchpost"));
    demo.args(["demo", "--listen", &format!("127.0.0.1:{demo_port}")]);
    let _demo =
        Program::start(demo.stdout(Stdio::null()).stderr(Stdio::null())).listening(demo_port);
    let door = open(door_port);
    let own = daemon(
        folder.path(),
        own_port,
        &format!(
            "[[endpoints]]\nname = \"blip\"\ninterval = \"2s\"\nurl = \"ws://127.0.0.1:{door_port}/\"\n"
        ),
    );
    let scraped = scraping(alertmanager_port, [demo_port, own_port]);
    fs::write(folder.path().join("rules.yml"), rules()).unwrap();
    let _prometheus = prometheus(folder.path(), free_port(), &scraped, &[]);

    // One run of the own door fails, and it is open again.
    let counted = |result: &str| {
        let url = format!("http://127.0.0.1:{own_port}/metrics");
        let page = said(Command::new("curl").args(["-s", &url]));
        let line = page.lines().find(|line| {
            line.starts_with("probe_runs_total{endpoint=\"blip\"")
                && line.contains(&format!("result=\"{result}\""))
        });
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or(0.0)
    };
    until("run that passes", || (counted("success") > 0.0).then_some(()));
    drop(door);
    until("run that fails", || (counted("failure") > 0.0).then_some(()));
    let _door = open(door_port);

    // Whoever is woken reads why, where to look, and whom it hurts.
    let page = told.until("page of the shop, with its users", |alert| {
        is(alert, "WatchpostEndpointDown", "shop-messenger")
            && text(alert, "description").contains("conversations failed")
    });
    let description = text(&page, "description");
    assert!(description.contains("Why: upgrade_refused in upgrade"), "{description}");
    assert!(description.contains("Changed in 30 minutes:"), "{description}");
    assert!(text(&page, "runbook_url").ends_with("/WatchpostEndpointDown.md"), "{page:#}");
    let link = text(&page, "status_url");
    let (_, rest) = link.split_once("://").unwrap();
    let (_, rest) = rest.split_once('/').unwrap();
    let shown = format!("http://127.0.0.1:{demo_port}/{rest}");
    let shown = said(Command::new("curl").args(["-sSf", &shown]));
    assert!(shown.contains("shop-messenger"), "the link leads to a page of it: {shown}");
    told.until("word that it is over", |alert| {
        is(alert, "WatchpostEndpointDown", "shop-messenger") && alert["status"] == "resolved"
    });

    // Nothing comes of a blip; of a daemon that is killed, that there is no data any more.
    assert!(counted("success") > 10.0, "it went on being asked");
    drop(own);
    let instance = format!("127.0.0.1:{own_port}");
    told.until("page of the daemon", |alert| {
        alert["labels"]["alertname"] == "WatchpostDaemonDown"
            && alert["labels"]["instance"] == *instance
    });
    let of_blip = |alert: &&Value| alert["labels"]["endpoint"] == "blip";
    assert_eq!(told.alerts.iter().find(of_blip), None);
}

//! Ten thousand signed events a second for a minute, at a daemon that probes meanwhile: how long
//! each waits for its acknowledgement, whether all are stored once, and whether probes suffer.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;
use watchpost::clock;

use super::daemon::{self, Daemon};
use super::goals::Results;
use super::noise::{self, Noise, quantile};
use super::server::Server;

const CHECKS: u32 = 100;

/// Seconds between two runs of a check.
const INTERVAL: u32 = 2;

/// Events a second.
const RATE: u32 = 10_000;

/// Time of one burst, and of the quiet before it.
const WINDOW: Duration = Duration::from_secs(60);

/// A minute is as long as several rounds of others.
const MOST_ROUNDS: usize = 3;

/// The quiet first, then the burst.
pub fn run(results: &mut Results, rounds: usize, folder: &Path, server: &Server) {
    if !results.wants_any(&["burst-p99", "burst-lost", "burst-delay", "burst-memory"]) {
        return;
    }
    println!("\n{RATE} signed events a second for {} s\n", WINDOW.as_secs());
    let secret = folder.join("secret");
    std::fs::write(&secret, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    for round in 1..=rounds.min(MOST_ROUNDS) {
        let receiver = "[[receivers]]\nname = \"genesys\"\n\
            auth = [{ standard-webhooks = { values = [{ file = \"../secret\" }] } }]\n";
        let config = daemon::config(server.known, CHECKS, INTERVAL) + receiver;
        let daemon = Daemon::run(folder, &config);
        std::thread::sleep(Duration::from_secs(u64::from(2 * INTERVAL)));
        let (_, quiet) = late(&daemon, || noise::watch(WINDOW / 4));
        daemon.process.forget_peak();
        let (rss, cpu) = (daemon.process.rss(), daemon.process.cpu());
        let mut sent = Value::Null;
        let (noise, busy) = late(&daemon, || {
            std::thread::scope(|scope| {
                let noise = scope.spawn(|| noise::watch(WINDOW));
                sent = send(&daemon, &secret);
                noise.join().unwrap()
            })
        });
        let cpu = (daemon.process.cpu() - cpu).as_secs_f64() / WINDOW.as_secs_f64();
        let more = daemon.process.peak() - rss;
        let number = |key: &str| sent[key].as_f64().unwrap();
        let acknowledged = number("acknowledged");
        let stored = stored_once(&daemon);
        let lost = f64::from(RATE) * WINDOW.as_secs_f64() - acknowledged.min(stored);
        let latency = |key: &str| sent["latency_ms"][key].as_f64().unwrap();
        println!(
            "  {round}  {acknowledged} acknowledged, {stored} stored, {:.0} a second; p50 {:.1} \
             p99 {:.1} p99.9 {:.1} max {:.1} ms; {cpu:.2} cores, {more:.0} MiB more; probes p99 \
             {busy:.2} ms late, {quiet:.2} before; {noise}",
            number("rate"),
            latency("p50"),
            latency("p99"),
            latency("p99_9"),
            latency("max"),
        );
        results.add("burst-p99", latency("p99"));
        results.add("burst-lost", lost);
        results.add("burst-delay", busy - quiet);
        results.add("burst-memory", more);
    }
}

/// What the shipped generator says.
fn send(daemon: &Daemon, secret: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchpost"));
    command.args(["events", "send", "--json", "--connections", "32", "--body-bytes", "1024"]);
    command.args(["--to", &format!("http://{}/hooks/genesys", daemon.address)]);
    command.args(["--rate", &RATE.to_string(), "--for", &format!("{}s", WINDOW.as_secs())]);
    command.arg("--secret-file").arg(secret);
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Events in the file; none is there twice, as its id cannot be.
fn stored_once(daemon: &Daemon) -> f64 {
    let file = Connection::open(daemon.folder().join("watchpost-events.db")).unwrap();
    let sql = "SELECT count(DISTINCT id) FROM events";
    file.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// What went on in a window, and how late 99 of 100 runs began in it, in milliseconds.
fn late(daemon: &Daemon, window: impl FnOnce() -> Noise) -> (Noise, f64) {
    let from = clock::now();
    let noise = window();
    (noise, quantile(&mut daemon.delays(from, clock::now()), 0.99))
}

//! How far a busy daemon's times are off: HAProxy answers after a set delay, and a daemon that
//! takes half a core meanwhile says how long that took. Beside it, in the same seconds, one that
//! has nothing else to do asks the same doors: what both see is the doors' and the machine's.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use watchpost::clock;
use watchpost::demo::authority::Authority;

use super::daemon::Daemon;
use super::goals::Results;
use super::noise::{self, quantile};
use super::peers::is_there;
use super::process::Process;
use super::server::{HOST, Server};

/// Milliseconds before the answer, and the figure of each.
const DOORS: [(u64, &str); 3] = [(0, "accuracy-0"), (50, "accuracy-50"), (700, "accuracy-700")];

/// Pages that ask at each of these doors, every other second.
const ORIGINS: u32 = 40;

/// Handshakes a second beside these: half a core, more or less; the share is printed.
const LOAD: u32 = 1_300;

/// Every check has run, and what is done once is done.
const WARM_UP: Duration = Duration::from_secs(4);

/// Time of one measurement.
const WINDOW: Duration = Duration::from_secs(10);

/// Measures both at once, so that a machine that is short of CPU is so for both.
pub fn run(results: &mut Results, rounds: usize, folder: &Path, server: &Server) {
    let names = DOORS.map(|(_, name)| name);
    if !results.wants_any(&names) {
        return;
    }
    if !is_there("haproxy") {
        names.into_iter().for_each(|name| results.cannot(name, "install haproxy"));
        return;
    }
    println!("\nHAProxy's delays, as a quiet daemon and a busy one see them (p50 and p99, ms)\n");
    let (_haproxy, ports) = haproxy(folder);
    for round in 1..=rounds {
        let quiet = Daemon::run(folder, &doors(&ports));
        let busy = Daemon::run(folder, &(doors(&ports) + &load(server.known)));
        std::thread::sleep(WARM_UP);
        let (cpu, from) = (busy.process.cpu(), clock::now());
        let noise = noise::watch(WINDOW);
        let (cpu, to) = (busy.process.cpu() - cpu, clock::now());
        let cores = cpu.as_secs_f64() / WINDOW.as_secs_f64();
        let mut line = format!("  {round}  {cores:.2} cores");
        let mut spoiled = 0;
        for (delay, name) in DOORS {
            let (mut idle, _) = honest(&quiet, name, from, to);
            let (mut ours, left_out) = honest(&busy, name, from, to);
            spoiled += left_out;
            let [truth, seen] =
                [&mut idle, &mut ours].map(|times| (quantile(times, 0.5), quantile(times, 0.99)));
            write!(
                line,
                ";  {delay}: {:.2} {:.2} and {:.2} {:.2}",
                truth.0, truth.1, seen.0, seen.1
            )
            .unwrap();
            results.add(name, (seen.1 - truth.1).abs());
        }
        println!("{line};  {spoiled} spoiled; {noise}");
    }
}

/// The times of the upgrades at a door that were not spoiled, and how many were.
fn honest(daemon: &Daemon, name: &str, from: Timestamp, to: Timestamp) -> (Vec<f64>, usize) {
    let runs = daemon.upgrades(name, from, to);
    let times: Vec<_> =
        runs.iter().filter(|(_, spoiled)| !spoiled).map(|(time, _)| *time).collect();
    let spoiled = runs.len() - times.len();
    (times, spoiled)
}

/// Doors that refuse, after their delay.
fn doors(ports: &[u16; 3]) -> String {
    let mut text = String::from("[defaults]\nconnect-to = \"127.0.0.1\"\n");
    for ((_, name), port) in DOORS.into_iter().zip(ports) {
        write!(
            text,
            "[[endpoints]]\nname = \"{name}\"\nurl = \"wss://{HOST}:{port}/\"\nca-file = \"../haproxy-ca.pem\"\n\
             interval = \"2s\"\ntimeout = \"1500ms\"\nmax-inflight = {ORIGINS}\n\
             health = {{ confirm-runs = 0 }}\norigins = ["
        )
        .unwrap();
        for origin in 0..ORIGINS {
            write!(text, "{{ origin = \"https://app{origin}.test\" }}, ").unwrap();
        }
        text.push_str("]\n");
    }
    text
}

fn load(port: u16) -> String {
    let mut text = String::new();
    for endpoint in 0..LOAD / 20 {
        write!(
            text,
            "[[endpoints]]\nname = \"load{endpoint}\"\nurl = \"wss://{HOST}:{port}/\"\nca-file = \"../ca.pem\"\n\
             interval = \"1s\"\ntimeout = \"900ms\"\nmax-inflight = 20\norigins = ["
        )
        .unwrap();
        for origin in 0..20 {
            write!(text, "{{ origin = \"https://app{origin}.test\" }}, ").unwrap();
        }
        text.push_str("]\n");
    }
    text
}

/// HAProxy with a door for each delay, and their ports.
fn haproxy(folder: &Path) -> (Process, [u16; 3]) {
    let authority = Authority::new("haproxy", clock::now()).unwrap();
    std::fs::write(folder.join("haproxy-ca.pem"), authority.root_pem()).unwrap();
    let served = authority.issue(&[HOST], -1, 90).unwrap();
    let pem = folder.join("haproxy.pem");
    std::fs::write(&pem, served.chain_pem() + &served.key_pem()).unwrap();
    let free = DOORS.map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let ports = free.each_ref().map(|free| free.local_addr().unwrap().port());
    drop(free);
    let mut text =
        "defaults\n mode http\n timeout client 10s\n timeout server 10s\n timeout connect 5s\n"
            .to_owned();
    for ((delay, name), port) in DOORS.into_iter().zip(ports) {
        writeln!(text, "frontend {name}\n bind 127.0.0.1:{port} ssl crt {}", pem.display())
            .unwrap();
        if delay > 0 {
            writeln!(
                text,
                " tcp-request inspect-delay {delay}ms\n tcp-request content accept if WAIT_END"
            )
            .unwrap();
        }
        writeln!(text, " http-request deny deny_status 403").unwrap();
    }
    let config = folder.join("haproxy.cfg");
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new("haproxy");
    let process = Process::start(command.arg("-f").arg(config).stderr(Stdio::null()));
    while TcpStream::connect((Ipv4Addr::LOCALHOST, ports[2])).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    (process, ports)
}

//! What one WebSocket probe over TLS costs the client, against a bare loop that keeps nothing.
//!
//! Both make the same number of probes a second against the same server, which runs in a process
//! of its own; in turns, so that the ratio of a pair holds while the machine's speed drifts.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program for people"
)]

mod probe {
    pub mod bare;
    pub mod daemon;
    pub mod server;
}

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use probe::{bare, daemon, server};
use rustix::time::{ClockId, clock_gettime};

/// Probes a second.
const RATE: u32 = 500;

/// Time before a measurement in which caches fill and the server gets ready.
const WARM_UP: Duration = Duration::from_secs(1);

/// Time of one measurement.
const WINDOW: Duration = Duration::from_secs(4);

/// Pairs of measurements; `--rounds N` changes it.
const ROUNDS: usize = 7;

/// What was measured in one window.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// CPU time of the whole process.
    cpu: Duration,
    /// Probes that ended, all well.
    probes: u64,
}

impl Measured {
    fn micros_a_probe(self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.probes as f64
    }
}

/// Measures what happens while `wait` waits; `count` tells how many probes there were so far.
pub fn measure(count: impl Fn() -> u64) -> Measured {
    std::thread::sleep(WARM_UP);
    let (cpu, probes) = (cpu_time(), count());
    std::thread::sleep(WINDOW);
    Measured { cpu: cpu_time() - cpu, probes: count() - probes }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// The server, in a process of its own; it ends with this one.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn main() {
    let args: Vec<_> = std::env::args().collect();
    if let Some(folder) = value_of(&args, "--serve") {
        return server::serve(folder.as_ref());
    }
    let rounds =
        value_of(&args, "--rounds").map_or(ROUNDS, |rounds| rounds.parse().expect("a number"));
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child =
        command.arg("--serve").arg(folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let ports = server::ports_of(&mut child);
    let _served = Served(child);

    println!("{RATE} probes a second, {} s a window, CPU of the client\n", WINDOW.as_secs());
    if let Some(which) = value_of(&args, "--only") {
        let one = if which == "bare" { bare::run } else { daemon::run };
        let port = if which == "new" { ports.new } else { ports.known };
        println!("{:.0}", one(folder.path(), port, RATE).micros_a_probe());
        return;
    }
    for (what, port) in [("new", ports.new), ("known", ports.known)] {
        println!("  {what} round   bare us   watchpost us   ratio");
        let mut ratios = Vec::new();
        for round in 1..=rounds {
            let bare = bare::run(folder.path(), port, RATE).micros_a_probe();
            let ours = daemon::run(folder.path(), port, RATE).micros_a_probe();
            let ratio = ours / bare;
            println!("  {round:>5}   {bare:>7.0}   {ours:>12.0}   {ratio:>5.2}");
            ratios.push(ratio);
        }
        ratios.sort_by(f64::total_cmp);
        if let (Some(least), Some(median), Some(most)) =
            (ratios.first(), ratios.get(ratios.len() / 2), ratios.last())
        {
            println!("\n  watchpost / bare: median {median:.2} ({least:.2} to {most:.2})");
        }
    }
}

fn value_of<'a>(args: &'a [String], name: &str) -> Option<&'a String> {
    let at = args.iter().position(|arg| arg == name)?;
    args.get(at + 1)
}

//! What one probe costs its client in CPU time: the daemon, the bare loop, other programs.

use std::path::Path;
use std::time::Duration;

use super::daemon::Daemon;
use super::goals::Results;
use super::noise;
use super::process::Process;
use super::server::Server;
use super::{bare, blackbox, peers};

/// Probes a second of the daemon and of the bare loop.
pub const RATE: u32 = 500;

/// Time before a measurement in which caches fill.
const WARM_UP: Duration = Duration::from_secs(2);

/// Time of one measurement.
const WINDOW: Duration = Duration::from_secs(3);

/// Measures in turns; everybody else probes as fast as it can, at its best.
pub fn run(results: &mut Results, rounds: usize, folder: &Path, server: &mut Server) {
    let peers = ["blackbox", "node", "check-http", "s-client"];
    if !results.wants_any(&peers) && !results.wants_any(&["new", "known"]) {
        return;
    }
    println!("\nCPU of the client, microseconds a probe\n");
    for round in 1..=rounds {
        if results.wants("new") {
            let bare = of(bare::start(folder, server.new), server);
            let ours = of(Daemon::start(folder, server.new, RATE, 1).process, server);
            results.add("new", ours / bare);
            println!("  {round}  new    watchpost {ours:.0}  bare {bare:.0}");
        }
        if !results.wants("known") && !results.wants_any(&peers) {
            continue;
        }
        let known = server.known;
        let ours = of(Daemon::start(folder, known, RATE, 1).process, server);
        let mut line = format!("  {round}  known  watchpost {ours:.0}");
        if results.wants("known") {
            let bare = of(bare::start(folder, known), server);
            results.add("known", ours / bare);
            line.push_str(&format!("  bare {bare:.0}"));
        }
        for name in peers.into_iter().filter(|name| results.wants(name)).collect::<Vec<_>>() {
            let process = match name {
                "blackbox" => blackbox::start(folder, known),
                "node" => peers::node(folder, known),
                "check-http" => peers::forks(folder, known, "check_http"),
                _ => peers::forks(folder, known, "openssl"),
            };
            match process {
                Ok(process) => {
                    let theirs = of(process, server);
                    results.add(name, ours / theirs);
                    line.push_str(&format!("  {name} {theirs:.0}"));
                }
                Err(why) => results.cannot(name, why),
            }
        }
        println!("{line}");
    }
}

/// Microseconds for each probe that the server saw.
fn of(process: Process, server: &mut Server) -> f64 {
    std::thread::sleep(WARM_UP);
    let (cpu, probes) = (process.cpu(), server.shaken());
    let noise = noise::watch(WINDOW);
    let (cpu, probes) = (process.cpu() - cpu, server.shaken() - probes);
    assert!(probes > 0, "no probes: {noise}");
    cpu.as_secs_f64() * 1e6 / probes as f64
}

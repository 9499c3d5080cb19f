//! What a check more costs: three daemons of three sizes side by side, as many probes a second.

use std::path::Path;
use std::time::Duration;

use watchpost::clock;

use super::daemon::Daemon;
use super::goals::Results;
use super::noise;
use super::server::Server;

/// Probes a second of each.
const RATE: u32 = 100;

/// Checks of each.
const SIZES: [u32; 3] = [100, 5_000, 10_000];

/// Every check has run once.
const WARM_UP: Duration = Duration::from_secs(105);

/// Time of one measurement.
const WINDOW: Duration = Duration::from_secs(10);

/// Measures all three in the same windows.
pub fn run(results: &mut Results, rounds: usize, folder: &Path, server: &Server) {
    if !results.wants_any(&["memory", "memory-check", "growth-cpu", "growth-memory"]) {
        return;
    }
    println!("\n{SIZES:?} checks, {RATE} probes a second each\n");
    let daemons = SIZES.map(|checks| Daemon::start(folder, server.known, checks, checks / RATE));
    std::thread::sleep(WARM_UP);
    for round in 1..=rounds {
        let cpu = daemons.each_ref().map(|daemon| daemon.process.cpu());
        let from = clock::now();
        let noise = noise::watch(WINDOW);
        let to = clock::now();
        let took = [0, 1, 2].map(|n| daemons[n].process.cpu() - cpu[n]);
        let rss = daemons.each_ref().map(|daemon| daemon.process.rss());
        let runs = daemons.each_ref().map(|daemon| daemon.delays(from, to).len() as f64);
        let [small, middle, large] = [0, 1, 2].map(|n| took[n].as_secs_f64() * 1e6 / runs[n]);
        let slope =
            |a: usize, b: usize| (rss[b] - rss[a]) * 1024.0 / f64::from(SIZES[b] - SIZES[a]);
        println!(
            "  {round}  {small:.0} {middle:.0} {large:.0} us a probe; {:.1} {:.1} {:.1} MiB, \
             {:.2} and {:.2} KiB a check; {noise}",
            rss[0],
            rss[1],
            rss[2],
            slope(0, 1),
            slope(1, 2)
        );
        results.add("memory", rss[2]);
        results.add("memory-check", slope(1, 2));
        results.add("growth-memory", slope(1, 2) / slope(0, 1));
        results.add("growth-cpu", large / small);
    }
}

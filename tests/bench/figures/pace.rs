//! Ten thousand checks at five hundred probes a second: how late they begin, and what a scrape
//! takes meanwhile.

use std::path::Path;
use std::time::Duration;

use watchpost::clock;

use super::daemon::Daemon;
use super::exporter;
use super::goals::Results;
use super::noise::{self, quantile};
use super::server::Server;

const CHECKS: u32 = 10_000;

/// Seconds between two runs of a check.
const INTERVAL: u32 = 20;

/// Each check has run once, and some twice.
const WARM_UP: Duration = Duration::from_secs(25);

/// Time of one measurement.
const WINDOW: Duration = Duration::from_secs(8);

/// Scrapes in a window.
const SCRAPES: u32 = 8;

/// Measures windows without and with scrapes in turns.
pub fn run(results: &mut Results, rounds: usize, folder: &Path, server: &Server) {
    let lateness = ["lateness-p50", "lateness-p99"];
    let scrapes = ["scrape-cpu", "scrape-gzip", "scrape-memory", "scrape-delay", "scrape-exporter"];
    let wants_scrapes = results.wants_any(&scrapes);
    if !wants_scrapes && !results.wants_any(&lateness) {
        return;
    }
    println!("\n{CHECKS} checks, {} a second\n", CHECKS / INTERVAL);
    let daemon = Daemon::start(folder, server.known, CHECKS, INTERVAL);
    std::thread::sleep(WARM_UP);
    let rss = daemon.process.rss();
    let mut theirs = None;
    for round in 1..=rounds {
        let quiet = late(&daemon, round, "quiet", || noise::watch(WINDOW));
        results.add("lateness-p50", quiet.0);
        results.add("lateness-p99", quiet.1);
        if !wants_scrapes {
            continue;
        }
        daemon.process.forget_peak();
        let before = daemon.process.threads("http").0;
        let mut series = 0;
        let scraped = late(&daemon, round, "scraped", || {
            std::thread::scope(|scope| {
                let noise = scope.spawn(|| noise::watch(WINDOW));
                for _ in 0..SCRAPES {
                    let page = daemon.scrape("identity");
                    series = page.split(|byte| *byte == b'\n').filter(|l| is_sample(l)).count();
                    std::thread::sleep(WINDOW / SCRAPES / 2);
                }
                noise.join().unwrap()
            })
        });
        let cpu = (daemon.process.threads("http").0 - before).as_secs_f64() * 1e3;
        let cpu = cpu / f64::from(SCRAPES);
        let more = daemon.process.peak() - rss;
        let before = daemon.process.threads("http").0;
        let packed = daemon.scrape("gzip").len();
        let gzip = (daemon.process.threads("http").0 - before).as_secs_f64() * 1e3;
        let exporter = theirs.get_or_insert_with(|| exporter::with_series(series));
        let rendered = exporter::render(exporter).as_secs_f64() * 1e3;
        println!(
            "  {round}  scrape   {series} series, {cpu:.0} ms, {more:.0} MiB more; \
             gzip {gzip:.0} ms, {:.1} MB; metrics-exporter-prometheus {rendered:.0} ms",
            packed as f64 / 1e6
        );
        results.add("scrape-cpu", cpu);
        results.add("scrape-gzip", gzip);
        results.add("scrape-memory", more);
        results.add("scrape-delay", scraped.1 - quiet.1);
        results.add("scrape-exporter", rendered / cpu);
    }
}

fn is_sample(line: &[u8]) -> bool {
    line.first().is_some_and(u8::is_ascii_lowercase)
}

/// How late runs begin in a window: 50 and 99 of 100, in milliseconds.
fn late(
    daemon: &Daemon,
    round: usize,
    name: &str,
    window: impl FnOnce() -> noise::Noise,
) -> (f64, f64) {
    let (from, waited) = (clock::now(), daemon.process.threads("watchpost").1);
    let noise = window();
    let waited = (daemon.process.threads("watchpost").1 - waited).as_secs_f64();
    let mut delays = daemon.delays(from, clock::now());
    let (p50, p99) = (quantile(&mut delays, 0.5), quantile(&mut delays, 0.99));
    println!(
        "  {round}  {name:<7}  p50 {p50:.2} p99 {p99:.2} ms late, {} runs; waited {:.0} % of the \
         time for a CPU; {noise}",
        delays.len(),
        waited / WINDOW.as_secs_f64() * 100.0
    );
    (p50, p99)
}

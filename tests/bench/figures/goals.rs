//! The figures, what each should be, and what came of them.

use std::collections::BTreeMap;
use std::process::ExitCode;

/// Something that is measured, and what it should be.
#[derive(Debug)]
pub struct Figure {
    /// Its name on the command line and in the table.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    goal: Goal,
    unit: &'static str,
}

#[derive(Debug)]
enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Figure {
    const fn at_most(
        name: &'static str,
        goal: f64,
        unit: &'static str,
        what: &'static str,
    ) -> Self {
        Self { name, what, goal: Goal::AtMost(goal), unit }
    }

    fn goal(&self) -> String {
        match self.goal {
            Goal::AtMost(most) => format!("<= {most} {}", self.unit),
            Goal::AtLeast(least) => format!(">= {least} {}", self.unit),
        }
    }

    fn is_met(&self, value: f64) -> bool {
        match self.goal {
            Goal::AtMost(most) => value <= most,
            Goal::AtLeast(least) => value >= least,
        }
    }
}

/// Every figure, in the order of the table.
pub const FIGURES: [Figure; 24] = [
    Figure::at_most("new", 1.15, "x", "CPU of a probe against the bare loop, chain never known"),
    Figure::at_most("known", 0.85, "x", "CPU of a probe against the bare loop, chain known"),
    Figure::at_most("blackbox", 0.35, "x", "CPU of a probe against blackbox_exporter's"),
    Figure::at_most("node", 0.17, "x", "CPU of a probe against a script with Node's ws"),
    Figure::at_most("check-http", 0.06, "x", "CPU of a probe against a fork of check_http"),
    Figure::at_most("s-client", 0.06, "x", "CPU of a probe against a fork of openssl s_client"),
    Figure::at_most("lateness-p50", 0.5, "ms", "how late runs begin, 10,000 checks, 500 a second"),
    Figure::at_most("lateness-p99", 3.0, "ms", "the same, 99 of 100"),
    Figure::at_most("scrape-cpu", 60.0, "ms", "CPU of a scrape of 10,000 checks"),
    Figure::at_most("scrape-gzip", 60.0, "ms", "the same, gzip"),
    Figure::at_most("scrape-memory", 64.0, "MiB", "RSS that a scrape adds, at its peak"),
    Figure::at_most("scrape-delay", 1.0, "ms", "lateness p99 with a scrape a second, less without"),
    Figure {
        name: "scrape-exporter",
        what: "CPU of metrics-exporter-prometheus for as many series, against a scrape's",
        goal: Goal::AtLeast(10.0),
        unit: "x",
    },
    Figure::at_most(
        "accuracy-0",
        2.0,
        "ms",
        "an upgrade's p99 while half a core is busy, less its true time",
    ),
    Figure::at_most("accuracy-50", 2.0, "ms", "the same, of an answer after 50 ms"),
    Figure::at_most("accuracy-700", 2.0, "ms", "the same, of an answer after 700 ms"),
    Figure::at_most("burst-p99", 250.0, "ms", "an acknowledgement at 10,000 events a second"),
    Figure::at_most("burst-lost", 0.0, "events", "of these, not acknowledged or not stored"),
    Figure::at_most("burst-delay", 100.0, "ms", "lateness p99 meanwhile, less before"),
    Figure::at_most("burst-memory", 64.0, "MiB", "RSS that it adds, at its peak"),
    Figure::at_most("memory", 200.0, "MiB", "RSS with 10,000 checks on 500 endpoints"),
    Figure::at_most("memory-check", 12.0, "KiB", "RSS of one more check, from 5,000 to 10,000"),
    Figure::at_most("growth-cpu", 1.10, "x", "CPU of a probe with 10,000 checks, against 100"),
    Figure::at_most(
        "growth-memory",
        1.10,
        "x",
        "RSS of a check from 5,000 on, against up to there",
    ),
];

/// What was measured so far.
#[derive(Debug)]
pub struct Results {
    only: Option<String>,
    values: BTreeMap<&'static str, Vec<f64>>,
    missing: BTreeMap<&'static str, String>,
}

impl Results {
    /// Nothing yet; `None` where the one figure that is asked for does not exist.
    pub fn new(only: Option<&str>) -> Option<Self> {
        let known = only.is_none_or(|only| FIGURES.iter().any(|figure| figure.name == only));
        let only = only.map(str::to_owned);
        known.then(|| Self { only, values: BTreeMap::new(), missing: BTreeMap::new() })
    }

    /// Whether a figure is asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == name)
    }

    /// Whether one of these is asked for.
    pub fn wants_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.wants(name))
    }

    /// Takes in a value of one round.
    pub fn add(&mut self, name: &'static str, value: f64) {
        self.values.entry(name).or_default().push(value);
    }

    /// Notes why a figure cannot be measured.
    pub fn cannot(&mut self, name: &'static str, why: &str) {
        self.missing.insert(name, why.to_owned());
    }

    /// The table; the exit status is 0 if everything that is asked for is measured and met.
    pub fn print(&self) -> ExitCode {
        let (mut met, mut missed, mut missing) = (0, 0, 0);
        println!("\n| figure | goal | median (min..max) | |\n|---|---|---|---|");
        for figure in FIGURES.iter().filter(|figure| self.wants(figure.name)) {
            let Some(values) = self.values.get(figure.name) else {
                missing += 1;
                let why = self.missing.get(figure.name).map_or("no round", String::as_str);
                println!("| {} | {} | not measured: {why} | |", figure.name, figure.goal());
                continue;
            };
            let (least, median, most) = spread(values);
            let is_met = figure.is_met(median);
            (met, missed) = (met + u32::from(is_met), missed + u32::from(!is_met));
            println!(
                "| {} | {} | {} ({}..{}) {} | {} |",
                figure.name,
                figure.goal(),
                short(median),
                short(least),
                short(most),
                figure.unit,
                if is_met { "met" } else { "not met" }
            );
        }
        println!("\n{met} met, {missed} not met, {missing} not measured");
        ExitCode::from(u8::from(missed + missing > 0))
    }
}

/// The least, the median and the largest.
pub fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1])
}

fn short(value: f64) -> String {
    if value.abs() < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

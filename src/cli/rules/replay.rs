//! `watchpost rules replay`

use std::fmt::Write;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime;

use crate::cli::exit;
use crate::cli::style::{BAD, BOLD, DIM, GOOD};
use crate::clock;
use crate::config::Config;
use crate::config::values::HumanDuration;
use crate::incident::words;
use crate::replay::{LEAD, Question, Replay, Told, replay};

/// How far back, where nobody says so.
const USUAL: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Longest rule file that is read.
const MAX_RULES: u64 = 4 * 1024 * 1024;

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The rule file. Without it, the one that is printed for this config.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// How far back: 30d, 12h. Seven days without it.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    since: Option<HumanDuration>,
    /// Time between two scrapes, and between two evaluations where a group has no interval.
    #[arg(long, value_name = "DURATION", value_parser = step, default_value = "30s")]
    step: Duration,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn duration(text: &str) -> Result<HumanDuration, String> {
    HumanDuration::try_from(text.to_owned()).map_err(|problem| format!("{problem}; write 7d"))
}

fn step(text: &str) -> Result<Duration, String> {
    let HumanDuration(step) = duration(text)?;
    match step.subsec_nanos() == 0 && (1..=300).contains(&step.as_secs()) {
        true => Ok(step),
        false => Err("write whole seconds, 1s to 5m".to_owned()),
    }
}

impl Args {
    /// The rule file that is named, if one is.
    pub fn file(&self) -> Result<Option<String>, String> {
        let Some(path) = &self.rules else { return Ok(None) };
        let said = |problem: String| format!("{}: {problem}", path.display());
        let size = fs::metadata(path).map_err(|error| said(error.to_string()))?.len();
        if size > MAX_RULES {
            return Err(said("more than 4 MiB".to_owned()));
        }
        fs::read_to_string(path).map(Some).map_err(|error| said(error.to_string()))
    }
}

/// Says what the rules would have told.
pub fn run(args: &Args, config: &Config, rules: &str) -> ExitCode {
    let now = clock::now();
    let since = args.since.and_then(|since| SignedDuration::try_from(since.0).ok());
    let from = now.saturating_sub(since.unwrap_or(USUAL)).unwrap_or(now);
    let question = Question { config, rules, from, to: now, step: args.step };
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return cannot(&error),
    };
    let in_place = stderr().is_terminal();
    let mut progress = |doing: &str| match in_place {
        true => anstream::eprint!("\r\x1b[K{DIM}{doing}{DIM:#}"),
        false => anstream::eprintln!("{doing}"),
    };
    let replayed = runtime.block_on(async {
        tokio::select! {
            replayed = replay(&question, &mut progress) => Some(replayed),
            // What was begun is ended in order.
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    if in_place {
        anstream::eprint!("\r\x1b[K");
    }
    match replayed {
        Some(Ok(replay)) => {
            match args.json {
                false => anstream::print!("{}", text(&replay)),
                true => match serde_json::to_string_pretty(&replay) {
                    Ok(json) => anstream::println!("{json}"),
                    Err(error) => return cannot(&error),
                },
            }
            ExitCode::SUCCESS
        }
        Some(Err(error)) => cannot(&error),
        None => cannot(&"interrupted"),
    }
}

fn cannot(error: &dyn std::fmt::Display) -> ExitCode {
    anstream::eprintln!("watchpost: {error}");
    ExitCode::from(exit::TROUBLE)
}

fn text(replay: &Replay) -> String {
    let mut text = String::new();
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        // Writing to a `String` cannot fail.
        text.write_fmt(arguments).ok();
        text.push('\n');
    };
    let (pages, others): (Vec<&Told>, Vec<&Told>) =
        replay.told.iter().partition(|told| told.pages());
    line(format_args!("{} .. {}, {} runs\n", utc(replay.from), utc(replay.to), replay.runs));
    for (title, told) in [("pages", pages), ("others", others)] {
        line(format_args!("{BOLD}{title}: {}{BOLD:#}", told.len()));
        for told in told {
            let lasted = match told.to {
                Some(to) => words::span(told.from, to),
                None => "goes on".to_owned(),
            };
            let style = if told.pages() { BAD } else { GOOD };
            let labels = told.labels.iter().filter(|(_, value)| !value.is_empty());
            let labels: Vec<_> = labels.map(|(name, value)| format!("{name}={value}")).collect();
            line(format_args!(
                "  {}  {lasted:>8}  {style}{}{style:#}  {DIM}{}{DIM:#}",
                utc(told.from),
                told.alert,
                labels.join(" ")
            ));
        }
    }
    if !replay.not_replayed.is_empty() {
        line(format_args!(
            "\n{BOLD}not replayed: {}.{BOLD:#} Whether they would have fired is not known, as the \
             store does not keep",
            replay.not_replayed.len()
        ));
        for left in &replay.not_replayed {
            line(format_args!("  {}  {DIM}{}{DIM:#}", left.alert, left.needs.join(", ")));
        }
    }
    if !replay.short.is_empty() {
        line(format_args!(
            "\n{BOLD}look back further than is read, {} h before the begin: {}.{BOLD:#} What they \
             tell first is of less than they ask for",
            LEAD.as_hours(),
            replay.short.len()
        ));
        for short in &replay.short {
            let hours = short.looks_back.div_ceil(3600);
            line(format_args!("  {}  {DIM}over {hours} h{DIM:#}", short.alert));
        }
    }
    if !replay.unknown_checks.is_empty() {
        line(format_args!(
            "\nnot in this config any more, and left out: {}",
            replay.unknown_checks.join(", ")
        ));
    }
    text
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

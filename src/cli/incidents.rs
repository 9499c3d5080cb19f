//! `watchpost incidents`: what happened, out of the events file; whether or not a daemon runs.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use rusqlite::Connection;

use super::run::refuse;
use super::style::{BAD, BOLD, DIM, GOOD, UNSURE};
use super::{exit, kept};
use crate::casebook::archive::{self, Filter};
use crate::config::Config;
use crate::config::surroundings::Purpose;
use crate::inbox::reader::Reader;
use crate::incident::id::IncidentId;
use crate::incident::record::Incident;
use crate::incident::severity::Severity;
use crate::incident::view::{Detail, Summary};
use crate::incident::{markdown, words};

/// Incidents in a list.
const LIMIT: usize = 20;

/// Lines of the timeline that are shown, so that the end stays on the screen.
const MAX_LINES: usize = 30;

/// What is wanted.
#[derive(Debug, Args)]
pub struct Incidents {
    #[command(subcommand)]
    what: Option<What>,
    /// The config that names the events file.
    #[arg(long, global = true, default_value = "config.toml")]
    config: PathBuf,
    /// Print JSON, as the API does.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The newest incidents; the same as nothing.
    List,
    /// One of them.
    Show {
        /// Its id.
        id: String,
    },
    /// One of them as a page for a ticket.
    Export {
        /// Its id.
        id: String,
        /// As Markdown; there is no other form yet.
        #[arg(long)]
        markdown: bool,
    },
    /// What one failed run saw, as JSON.
    Evidence {
        /// The id of the incident.
        id: String,
        /// The number of the run in it.
        n: u32,
    },
}

/// Prints it.
pub fn incidents(args: &Incidents) -> ExitCode {
    let config = match Config::load_for(&args.config, Purpose::Look) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    if let Err(status) = kept::is_there(&config.events.path) {
        return status;
    }
    match read(args, &config.events.path) {
        Ok(Some(text)) => {
            anstream::print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(None) => {
            anstream::eprintln!("watchpost: {}", unknown(&args.what));
            ExitCode::from(exit::USAGE)
        }
        Err(error) => {
            anstream::eprintln!("watchpost: {}: {error}", config.events.path.display());
            ExitCode::from(exit::TROUBLE)
        }
    }
}

/// What to say of what there is none of.
fn unknown(what: &Option<What>) -> String {
    match what {
        Some(What::Evidence { id, n }) => {
            format!("no run {n} of {id} is kept; `watchpost incidents show {id}` has their numbers")
        }
        _ => "there is none of that name; `watchpost incidents` lists them".to_owned(),
    }
}

fn read(args: &Incidents, path: &Path) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let reader = Reader::open(path)?;
    let connection = reader.connection();
    let one = |id: &str| archive::find(connection, &IncidentId::from_text(id));
    Ok(match &args.what {
        None | Some(What::List) => Some(list(connection, args.json)?),
        Some(What::Show { id }) => match one(id)? {
            Some(incident) if args.json => Some(json(&Detail::of(&incident))?),
            Some(incident) => Some(show(&incident)),
            None => None,
        },
        Some(What::Export { id, .. }) => one(id)?.map(|incident| markdown::page(&incident)),
        Some(What::Evidence { id, n }) => {
            match archive::evidence(connection, &IncidentId::from_text(id), *n)? {
                Some(text) => Some(json(&serde_json::from_str::<serde_json::Value>(&text)?)?),
                None => None,
            }
        }
    })
}

fn json(value: &impl serde::Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(|text| format!("{text}\n"))
}

fn list(connection: &Connection, as_json: bool) -> Result<String, Box<dyn std::error::Error>> {
    let filter = Filter { limit: LIMIT, ..Filter::default() };
    let incidents = archive::list(connection, &filter)?;
    if as_json {
        return Ok(json(&incidents.iter().map(Summary::of).collect::<Vec<_>>())?);
    }
    if incidents.is_empty() {
        return Ok("no incidents\n".to_owned());
    }
    let wide = incidents.iter().map(|incident| incident.id.as_str().len()).max().unwrap_or(0);
    let mut text = String::new();
    for incident in &incidents {
        let (style, word) = severity(incident.worst);
        let state = match incident.closed {
            None => format!("{BAD}open{BAD:#}  "),
            Some(_) => format!("{DIM}closed{DIM:#}"),
        };
        append(
            &mut text,
            format_args!(
                "{:<wide$}  {state}  {style}{word:<8}{style:#}  {:>8}  {}\n",
                incident.id.as_str(),
                lasted(incident),
                incident.trouble.title()
            ),
        );
    }
    Ok(text)
}

fn show(incident: &Incident) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#}\n", incident.title());
    let mut line = |arguments: std::fmt::Arguments<'_>| append(&mut text, arguments);
    let open = match incident.closed {
        None => format!("{BAD}open{BAD:#}"),
        Some(closed) => format!("{GOOD}closed{GOOD:#} {}", utc(closed.at)),
    };
    line(format_args!(
        "  {open}, began {}, lasted {}\n  whose: {}\n",
        utc(incident.began_at),
        lasted(incident),
        incident.whose.sentence()
    ));
    let affected = incident.affected();
    line(format_args!(
        "  users: {} conversations failed in {} bad minutes, {} minutes of silence\n",
        affected.failed, affected.failing_minutes, affected.silent_minutes
    ));
    let sum: i32 = incident.weights.iter().map(|weight| weight.points).sum();
    let weights = incident.weights.iter();
    let parts: Vec<_> =
        weights.map(|weight| format!("{:+} {}", weight.points, weight.because)).collect();
    line(format_args!("  {sum} points: {}\n\n", parts.join("; ")));
    let story = incident.story();
    let skipped = story.len().saturating_sub(MAX_LINES);
    if skipped > 0 {
        line(format_args!("  {DIM}{skipped} earlier entries: --json has all{DIM:#}\n"));
    }
    for entry in story.iter().skip(skipped) {
        // Everything in it was made harmless where it came in.
        let told = words::told(entry, str::to_owned);
        line(format_args!("  {DIM}{}{DIM:#}  {told}\n", utc(entry.at)));
    }
    for exhibit in &incident.evidence {
        let because = exhibit.cause.map_or(String::new(), |cause| format!(": {cause}"));
        line(format_args!(
            "  evidence {}: {}  {}{because}\n",
            exhibit.n,
            utc(exhibit.at),
            exhibit.check
        ));
    }
    let mut reasons: Vec<_> =
        incident.checks.values().filter_map(|check| check.cause?.reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        line(format_args!("  do: {}\n", reason.fix()));
    }
    text
}

fn severity(severity: Severity) -> (anstyle::Style, &'static str) {
    let style = match severity {
        Severity::Critical | Severity::Major => BAD,
        Severity::Minor => UNSURE,
    };
    (style, severity.as_str())
}

fn lasted(incident: &Incident) -> String {
    match incident.closed {
        None => "goes on".to_owned(),
        Some(closed) => words::span(incident.began_at, closed.at),
    }
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Writing to a `String` cannot fail.
fn append(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).ok();
}

//! `watchpost incidents`: what happened, out of the events file; whether or not a daemon runs.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rusqlite::Connection;

use super::run::refuse;
use super::style::{BAD, BOLD, DIM, UNSURE};
use super::{exit, kept};
use crate::casebook::archive::{self, Filter};
use crate::config::Config;
use crate::config::whereabouts::Purpose;
use crate::inbox::reader::Reader;
use crate::incident::id::IncidentId;
use crate::incident::record::Incident;
use crate::incident::severity::Severity;
use crate::incident::view::{Detail, Summary};
use crate::incident::{markdown, plain, words};

/// Incidents in a list.
const LIMIT: usize = 20;

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
            Some(incident) => {
                let page = plain::page(&incident);
                let (title, rest) = page.split_once('\n').unwrap_or((&page, ""));
                Some(format!("{BOLD}{title}{BOLD:#}\n{rest}"))
            }
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
                incident.headline()
            ),
        );
    }
    Ok(text)
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

/// Writing to a `String` cannot fail.
fn append(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).ok();
}

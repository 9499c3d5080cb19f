//! `watchpost genesys audits`: who changed what, page by page.

use std::path::PathBuf;
use std::process::ExitCode;

use jiff::Timestamp;
use tokio::runtime;

use crate::cli::exit;
use crate::cli::run::refuse;
use crate::cli::style::{BAD, BOLD, DIM};
use crate::clock;
use crate::config::Config;
use crate::config::genesys::Genesys;
use crate::config::values::HumanDuration;
use crate::config::whereabouts::Purpose;
use crate::event::key::Key;
use crate::genesys::audit::{Entry, Query, Way};
use crate::genesys::trouble::Trouble;
use crate::platform::Platform;
use crate::platform::audits::Audits;

/// Which entries.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The config, which says which organization is asked.
    #[arg(long, default_value = "config.toml")]
    config: PathBuf,
    /// How far back: 7d, 12h. Seven days without it.
    #[arg(long, value_name = "DURATION", value_parser = span, conflicts_with_all = ["from", "to"])]
    since: Option<HumanDuration>,
    /// From this time on: 2026-11-14T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Up to this time.
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Of this entity alone: the id of a deployment.
    #[arg(long, value_name = "ID", value_parser = key)]
    entity: Option<Key>,
    /// Of this service, instead of those of the config; repeatable.
    #[arg(long = "service", value_name = "NAME", value_parser = key)]
    services: Vec<Key>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// How far back, where nobody says so.
const USUAL_DAYS: i64 = 7;

fn span(text: &str) -> Result<HumanDuration, String> {
    HumanDuration::try_from(text.to_owned()).map_err(|problem| format!("{problem}; write 7d"))
}

fn key(text: &str) -> Result<Key, String> {
    Key::new(text).map_err(|error| error.to_string())
}

/// Lists them, the newest first.
pub fn audits(args: &Args) -> ExitCode {
    let config = match Config::load_for(&args.config, Purpose::Ask) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    let Some(genesys) = config.genesys else {
        let path = args.config.display();
        anstream::eprintln!("watchpost: {path} has no [genesys]: whose audits are these?");
        return ExitCode::from(exit::CONFIG);
    };
    let now = clock::now();
    let (from, to) = match args.window(now) {
        Ok(window) => window,
        Err(problem) => return wrong(&problem),
    };
    let made = runtime::Builder::new_current_thread().enable_all().build();
    let (runtime, platform) = match (made, Platform::new(genesys.account.clone())) {
        (Ok(runtime), Ok(platform)) => (runtime, platform),
        (Err(error), _) => return trouble(&error.to_string()),
        (_, Err(error)) => return trouble(&error.to_string()),
    };
    match runtime.block_on(list(args, &genesys, &platform, from, to)) {
        Ok(count) => {
            // Beside the entries, so that whoever reads those finds them alone.
            anstream::eprintln!("{} from {from} to {to}", entries(count));
            ExitCode::SUCCESS
        }
        Err(error) => {
            anstream::eprintln!("watchpost: {error}\n  do: {}", error.kind.fix());
            ExitCode::from(exit::TROUBLE)
        }
    }
}

impl Args {
    fn window(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), String> {
        let too_long = |_| "that is longer ago than anything".to_owned();
        let usual = jiff::SignedDuration::from_hours(24 * USUAL_DAYS);
        let span = match &self.since {
            Some(since) => jiff::SignedDuration::try_from(since.0).map_err(too_long)?,
            None => usual,
        };
        let to = self.to.unwrap_or(now);
        let from = match self.from {
            Some(from) => from,
            None => to.checked_sub(span).map_err(too_long)?,
        };
        match from < to {
            true => Ok((from, to)),
            false => Err("the time ends before it begins".to_owned()),
        }
    }
}

async fn list(
    args: &Args,
    genesys: &Genesys,
    platform: &Platform,
    from: Timestamp,
    to: Timestamp,
) -> Result<usize, Trouble> {
    let services =
        if args.services.is_empty() { &genesys.news.audit_services } else { &args.services };
    let mut count = 0;
    for service in services {
        let query = Query { from, to, service: service.clone(), entity: args.entity.clone() };
        let (compat, path) = (genesys.account.compat, genesys.news.audit_path.as_str());
        let mut listing = Audits::open(platform, query, compat, path, clock::now()).await?;
        let mut way = listing.way();
        anstream::eprintln!("{DIM}asking {service} {}{DIM:#}", words(way));
        let (mut pages, mut unreadable) = (0, 0);
        while let Some(page) = listing.next().await? {
            if listing.way() != way {
                way = listing.way();
                anstream::eprintln!("{DIM}{service} was asked {}{DIM:#}", words(way));
            }
            page.entries.iter().for_each(|entry| print(entry, args.json));
            (pages, unreadable) = (pages + 1, unreadable + page.unreadable);
            count += page.entries.len();
            let of = page.total.map_or(String::new(), |total| format!(" of {total}"));
            anstream::eprintln!("{DIM}page {pages}: {}{of}{DIM:#}", entries(count));
        }
        if unreadable > 0 {
            anstream::eprintln!("{BAD}{} cannot be read{BAD:#}", entries(unreadable));
        }
        if listing.is_cut() {
            anstream::eprintln!("{BAD}there are more: ask for a shorter time{BAD:#}");
        }
    }
    Ok(count)
}

fn words(way: Way) -> &'static str {
    match way {
        Way::Realtime => "at once",
        Way::Query => "by a query, which may take minutes",
        Way::Seed => "as the seeds do",
    }
}

/// Everything in it was made harmless where it came in.
fn print(entry: &Entry, json: bool) {
    if json {
        // These are texts, numbers and times.
        anstream::println!("{}", serde_json::to_string(entry).unwrap_or_default());
        return;
    }
    let at = entry.at.strftime("%Y-%m-%d %H:%M:%SZ");
    let by = entry.by.as_ref().map_or(String::new(), |by| format!("{DIM}, by {by}{DIM:#}"));
    anstream::println!("{DIM}{at}{DIM:#}  {BOLD}{}{BOLD:#}{by}", entry.words());
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

fn wrong(problem: &str) -> ExitCode {
    anstream::eprintln!("watchpost: {problem}");
    ExitCode::from(exit::USAGE)
}

fn trouble(problem: &str) -> ExitCode {
    anstream::eprintln!("watchpost: {problem}");
    ExitCode::from(exit::TROUBLE)
}

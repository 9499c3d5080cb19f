//! `watchpost genesys apply`: deployments as a file declares them, and doors that show it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::apply::manifest::{Manifest, Setting};
use crate::apply::report::{Ending, Report};
use crate::apply::run::{Look, Run};
use crate::apply::webhook::Webhook;
use crate::apply::{json, words};
use crate::cli::{exit, run};
use crate::config::Config;
use crate::config::fault::Faults;
use crate::config::genesys::Genesys;
use crate::config::values::{HumanDuration, legal};
use crate::config::whereabouts::Purpose;
use crate::platform::Platform;

pub const EXIT_STATUSES: &str = "Exit status: 0 all is as declared, or, with --dry-run, there is \
    nothing to do; 1 it is not, or, with --dry-run, there is something to do; 2 wrong usage; 3 not \
    known; 78 wrong config or file.";

/// What to apply, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file that declares deployments.
    file: PathBuf,
    /// The config, whose [genesys] says where and as whom.
    #[arg(long, default_value = "config.toml")]
    config: PathBuf,
    /// Show what is to be done, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// How long doors have to become as declared.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = legal::<HumanDuration>)]
    within: HumanDuration,
    /// Put the former values back where the doors do not become as declared.
    #[arg(long, conflicts_with = "dry_run")]
    rollback: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print the figures alone, as JSON.
    #[arg(long, conflicts_with = "json")]
    summary: bool,
}

/// Applies a file.
pub fn apply(args: &Args) -> ExitCode {
    let config = match Config::load_for(&args.config, Purpose::Ask) {
        Ok(config) => config,
        Err(error) => return run::refuse(&error),
    };
    let Some(genesys) = &config.genesys else {
        let path = args.config.display();
        anstream::eprintln!("watchpost: {path} has no [genesys]: whose deployments are these?");
        return ExitCode::from(exit::CONFIG);
    };
    let (compat, rule) = (genesys.account.compat, genesys.origin_match);
    let setting = Setting { compat, rule, receivers: &config.receivers };
    let manifest = match Manifest::load(&args.file, setting) {
        Ok(manifest) => manifest,
        Err(error) => {
            anstream::eprintln!("{error}");
            return ExitCode::from(exit::CONFIG);
        }
    };
    for notice in manifest.notices.iter() {
        let (file, line) = (args.file.display(), notice.line);
        anstream::eprintln!("{file}:{line}: {}: {}", notice.key, notice.problem);
    }
    match carry_out(args, &config, genesys, &manifest) {
        Ok(Carried { report, faults: None }) => {
            show(args, &manifest, &report);
            status(&report)
        }
        Ok(Carried { faults: Some(faults), .. }) => {
            anstream::eprintln!("{faults}");
            ExitCode::from(exit::CONFIG)
        }
        Err(error) => {
            anstream::eprintln!("watchpost: cannot start: {error}");
            ExitCode::from(exit::TROUBLE)
        }
    }
}

struct Carried {
    report: Report,
    faults: Option<Faults>,
}

fn carry_out(
    args: &Args,
    config: &Config,
    genesys: &Genesys,
    manifest: &Manifest,
) -> Result<Carried, Box<dyn std::error::Error>> {
    let platform = Platform::new(genesys.account.clone())?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let in_words = !args.json && !args.summary;
    let run = Run {
        manifest,
        platform: &platform,
        paths: &genesys.paths,
        rule: genesys.origin_match,
        connections_per_minute: genesys.connections_per_minute,
        look: Look {
            nameservers: &config.daemon.nameservers,
            contact: config.daemon.contact.as_deref(),
        },
        dry_run: args.dry_run,
        within: args.within.0.min(LONGEST),
        rollback: args.rollback,
        planned: &|report| {
            if in_words {
                anstream::print!("{}", words::Plan(report));
            }
        },
        tell: &|line| anstream::eprintln!("{line}"),
    };
    let mut report = Report::default();
    let faults = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            faults = run.run(&mut report) => Ok::<_, std::io::Error>(faults.err()),
            _ = interrupt.recv() => Ok(None),
            _ = terminate.recv() => Ok(None),
        }
    })?;
    Ok(Carried { report, faults })
}

fn show(args: &Args, manifest: &Manifest, report: &Report) {
    let setup = match &manifest.webhook {
        Some(Webhook::Printed(setup)) => Some(setup),
        _ => None,
    };
    if args.summary {
        print(&json!(report.summary()));
    } else if args.json {
        let mut all = json::report(report);
        if let Value::Object(fields) = &mut all {
            fields.insert("setup".to_owned(), json!(setup.map(|setup| setup.json())));
        }
        print(&all);
    } else {
        if !args.dry_run && report.unread.is_none() {
            anstream::print!("\n{}", words::Result(report));
        }
        if let Some(setup) = setup {
            anstream::print!("\n{setup}");
        }
    }
    if let Some(refusal) = &report.unread {
        anstream::eprintln!("watchpost: {}\n    do: {}", refusal.message, refusal.fix);
    }
    anstream::eprintln!("{}", sentence(report));
}

fn print(value: &Value) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => anstream::println!("{text}"),
        Err(error) => anstream::eprintln!("watchpost: {error}"),
    }
}

fn sentence(report: &Report) -> &'static str {
    match report.ending() {
        Ending::NothingToDo if report.dry_run => "there is nothing to do",
        Ending::NothingToDo => "all is as declared; nothing was written",
        Ending::Planned => "there is something to do; nothing was written",
        Ending::Done => "all is as declared",
        Ending::Failed => "it is not as declared",
        Ending::RolledBack => "it was not as declared: the former values are there again",
        Ending::Inconclusive if report.unread.is_some() => "nothing was written",
        Ending::Inconclusive => "whether all is as declared is not known",
        Ending::Interrupted => "interrupted; what was done so far is told above",
    }
}

fn status(report: &Report) -> ExitCode {
    ExitCode::from(match report.ending() {
        Ending::NothingToDo | Ending::Done => 0,
        Ending::Planned | Ending::Failed | Ending::RolledBack | Ending::Interrupted => 1,
        Ending::Inconclusive => 3,
    })
}

/// Longest that doors are waited for.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

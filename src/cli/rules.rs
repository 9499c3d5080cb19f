//! `watchpost rules`: the rule file for Prometheus.

mod replay;

use std::path::PathBuf;
use std::process::ExitCode;

use super::run::refuse;
use super::{exit, kept};
use crate::config::Config;
use crate::config::whereabouts::Purpose;
use crate::rules::{self, Place, Places};

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// The config that has the endpoints, with the SLO of each.
    #[arg(long, global = true, default_value = "config.toml")]
    config: PathBuf,
    /// Where this daemon's page is for those who are paged, instead of https://watchpost.example.
    #[arg(long, value_name = "URL")]
    status: Option<Place>,
    /// Where Grafana is, instead of https://grafana.example.
    #[arg(long, value_name = "URL")]
    grafana: Option<Place>,
    /// Where the runbooks are, instead of https://runbooks.example.
    #[arg(long, value_name = "URL")]
    runbooks: Option<Place>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Say which alerts a rule file would have sent over the stored history.
    Replay(replay::Args),
}

/// Prints it, or says what it would have told.
pub fn rules(args: &Args) -> ExitCode {
    let config = match Config::load_for(&args.config, Purpose::Look) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    match &args.what {
        None => match written(args, &config) {
            Ok(text) => {
                anstream::print!("{text}");
                ExitCode::SUCCESS
            }
            Err(status) => status,
        },
        Some(What::Replay(replay)) => {
            let rules = match replay.file() {
                Ok(Some(text)) => Ok(text),
                Ok(None) => written(args, &config),
                Err(problem) => {
                    anstream::eprintln!("watchpost: {problem}");
                    Err(ExitCode::from(exit::USAGE))
                }
            };
            match rules.and_then(|rules| kept::is_there(&config.store.path).map(|()| rules)) {
                Ok(rules) => replay::run(replay, &config, &rules),
                Err(status) => status,
            }
        }
    }
}

/// The rules of a config; or says why there are none.
fn written(args: &Args, config: &Config) -> Result<String, ExitCode> {
    let places = Places {
        status: args.status.clone(),
        grafana: args.grafana.clone(),
        runbooks: args.runbooks.clone(),
    };
    rules::rules(config, &places).map_err(|hasty| {
        anstream::eprintln!("{hasty}");
        ExitCode::from(exit::CONFIG)
    })
}

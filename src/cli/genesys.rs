//! `watchpost genesys`: what there is at Genesys Cloud.

mod apply;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make deployments what a file declares, and look at every door behind them.
    #[command(after_help = apply::EXIT_STATUSES)]
    Apply(apply::Args),
}

impl Command {
    /// Does it.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Apply(args) => apply::apply(&args),
        }
    }
}

//! `watchpost genesys`: what there is at Genesys Cloud.

mod apply;
mod audits;
mod deployments;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make deployments what a file declares, and look at every door behind them.
    #[command(after_help = apply::EXIT_STATUSES)]
    Apply(apply::Args),
    /// Say which deployments there are, whom they let in, and what is odd about that.
    #[command(after_help = deployments::EXIT_STATUSES)]
    Deployments(deployments::Args),
    /// Say who changed what, out of the audit log.
    Audits(audits::Args),
}

impl Command {
    /// Does it.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Apply(args) => apply::apply(&args),
            Self::Deployments(args) => deployments::deployments(&args),
            Self::Audits(args) => audits::audits(&args),
        }
    }
}

//! What the program is told to do.

mod ask;
mod check;
mod demo;
mod diagnose;
mod drill;
mod events;
mod exit;
mod explain;
mod genesys;
mod incidents;
mod json;
mod kept;
mod lint;
mod manual;
mod rules;
mod run;
pub mod screen;
mod session;
mod style;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

const EXIT_STATUSES: &str = "Exit status: 0 pass, or an orderly end; 1 fail, or the daemon could \
    not begin or go on; 2 wrong usage; 3 inconclusive; 78 wrong config.";

/// Watches the doors that browsers use: WebSocket, TLS and origins.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_STATUSES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon.
    Run {
        /// The config.
        #[arg(long, default_value = "config.toml")]
        config: PathBuf,
    },
    /// Open a loopback edge with good and bad doors, and watch it.
    Demo {
        /// Where the page and the metrics are served, instead of 127.0.0.1:9720.
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<SocketAddr>,
    },
    /// Try one door now, and explain what is seen.
    #[command(after_help = EXIT_STATUSES)]
    Check(Box<ask::Args>),
    /// Find out why a page is not let in: ask as the page does, then as its neighbours would.
    #[command(after_help = EXIT_STATUSES)]
    Diagnose(Box<diagnose::Args>),
    /// Have a check that watches nothing go red, and see who is told.
    #[command(after_help = drill::EXIT_STATUSES)]
    Drill(drill::Args),
    /// Say what a reason or a warning means, and what to do about it.
    Explain {
        /// The code, as it stands in a metric, a log line or a report. Without one, all are listed.
        code: Option<String>,
    },
    /// See what was taken in of events, and try a receiver.
    Events {
        #[command(subcommand)]
        command: events::Command,
    },
    /// See and change what there is at Genesys Cloud.
    Genesys {
        #[command(subcommand)]
        command: genesys::Command,
    },
    /// Say what happened: incidents, out of the events file.
    Incidents(incidents::Incidents),
    /// List every fault of a config, or what it will cost and how soon it will notice.
    Lint {
        /// The config.
        #[arg(long, default_value = "config.toml")]
        config: PathBuf,
    },
    /// Print what makes a shell complete this command line.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, or write one for each command.
    Man {
        /// The folder that they are written to, which must exist.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Print the rule file for Prometheus, with the SLOs of a config.
    Rules(rules::Args),
}

impl Cli {
    /// Does it.
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Run { config } => run::run(&config),
            Command::Demo { listen } => demo::demo(listen),
            Command::Check(args) => check::check(*args),
            Command::Diagnose(args) => diagnose::diagnose(*args),
            Command::Drill(args) => drill::drill(&args),
            Command::Explain { code } => explain::explain(code.as_deref()),
            Command::Events { command } => command.run(),
            Command::Genesys { command } => command.run(),
            Command::Incidents(args) => incidents::incidents(&args),
            Command::Lint { config } => lint::lint(&config),
            Command::Completions { shell } => manual::completions(shell),
            Command::Man { out } => manual::man(out.as_deref()),
            Command::Rules(args) => rules::rules(&args),
        }
    }
}

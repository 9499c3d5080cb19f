//! `watchpost events`: what was taken in, what could not be read, and a sender to try it with.

mod letters;
mod list;
mod replay;
mod send;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{exit, kept, run};
use crate::config::Config;
use crate::config::whereabouts::Purpose;
use crate::inbox::InboxError;
use crate::inbox::reader::Reader;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the newest events, newest first.
    List {
        #[command(flatten)]
        file: File,
        /// How many.
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// List what arrived and could not be read, oldest first.
    DeadLetters {
        #[command(flatten)]
        file: File,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Read dead letters once more, and store those that can be read now. The daemon may run.
    Replay {
        #[command(flatten)]
        file: File,
    },
    /// Send events to a receiver, and measure how long it takes to acknowledge them.
    Send(Box<send::Args>),
}

#[derive(Debug, Args)]
pub struct File {
    /// The config, which says where events are kept.
    #[arg(long, default_value = "config.toml")]
    config: PathBuf,
}

impl File {
    /// Where events are kept; what is wrong is said.
    fn path(&self) -> Result<PathBuf, ExitCode> {
        match Config::load_for(&self.config, Purpose::Look) {
            Ok(config) => kept::is_there(&config.events.path).map(|()| config.events.path),
            Err(error) => Err(run::refuse(&error)),
        }
    }
}

impl Command {
    /// Does it.
    pub fn run(self) -> ExitCode {
        let done = match self {
            Self::List { file, limit, json } => list::list(&file, limit, json),
            Self::DeadLetters { file, json } => letters::list(&file, json),
            Self::Replay { file } => replay::replay(&file),
            Self::Send(args) => return send::send(*args),
        };
        done.err().unwrap_or(ExitCode::SUCCESS)
    }
}

fn reader(path: &Path) -> Result<Reader, ExitCode> {
    Reader::open(path).map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &InboxError) -> ExitCode {
    anstream::eprintln!("watchpost: {}: {error}", path.display());
    ExitCode::from(exit::TROUBLE)
}

//! The command line; see [`watchpost::cli`].

use std::process::ExitCode;

use clap::Parser;
use watchpost::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}

//! What a probe costs, how late it begins and what ten thousand checks take, each against
//! something that is measured in the same run, in turns: machines drift, ratios hold.
//!
//! Servers, clients and the daemon have processes of their own; this one starts and reads them.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program for people"
)]

mod figures {
    pub mod accuracy;
    pub mod bare;
    pub mod blackbox;
    pub mod burst;
    pub mod cost;
    pub mod daemon;
    pub mod exporter;
    pub mod goals;
    pub mod growth;
    pub mod noise;
    pub mod pace;
    pub mod peers;
    pub mod process;
    pub mod server;
}

use std::process::ExitCode;

use figures::goals::{FIGURES, Results};
use figures::{accuracy, bare, burst, cost, growth, pace, peers, server};

/// Rounds of each measurement; `--rounds N` changes it.
const ROUNDS: usize = 7;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().collect();
    let after = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        Some(args.get(at + 1..).unwrap_or_default())
    };
    // What this program is when it has started itself.
    match (after("--serve"), after("--bare"), after("--fork")) {
        (Some([folder, ..]), _, _) => return server::serve(folder.as_ref()),
        (_, Some([folder, port, ..]), _) => return bare::run(folder.as_ref(), port),
        (_, _, Some([folder, port, program, ..])) => {
            return peers::fork_for_ever(folder.as_ref(), port, program);
        }
        _ => {}
    }
    if after("--list").is_some() {
        for figure in FIGURES {
            println!("{:<16} {}", figure.name, figure.what);
        }
        return ExitCode::SUCCESS;
    }
    let rounds = after("--rounds").and_then(|rest| rest.first()?.parse().ok()).unwrap_or(ROUNDS);
    let only = after("--only").map(|rest| rest.first().expect("--only FIGURE").clone());
    let Some(mut results) = Results::new(only.as_deref()) else {
        eprintln!("there is no such figure; see --list");
        return ExitCode::from(2);
    };
    let folder = tempfile::tempdir().unwrap();
    let mut server = server::Server::start(folder.path());
    cost::run(&mut results, rounds, folder.path(), &mut server);
    pace::run(&mut results, rounds, folder.path(), &server);
    accuracy::run(&mut results, rounds, folder.path(), &server);
    burst::run(&mut results, rounds, folder.path(), &server);
    growth::run(&mut results, rounds, folder.path(), &server);
    results.print()
}

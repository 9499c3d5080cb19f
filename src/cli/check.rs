//! `watchpost check`: one door, now.

use std::process::ExitCode;
use std::sync::Arc;

use super::ask::{Args, Question};
use super::{exit, screen};
use crate::check::Check;
use crate::clock;
use crate::outcome::Outcome;
use crate::probe::Prober;
use crate::report::Report;

/// Tries what was asked for, one after the other, and prints what was seen.
pub fn check(args: Args) -> ExitCode {
    let json = args.json;
    let question = match args.question() {
        Ok(question) => question,
        Err(problem) => {
            anstream::eprintln!("watchpost: {problem}");
            return ExitCode::from(exit::USAGE);
        }
    };
    let runs = match run(&question) {
        Ok(runs) => runs,
        Err(error) => {
            anstream::eprintln!("watchpost: cannot start: {error}");
            return ExitCode::from(exit::TROUBLE);
        }
    };
    if json {
        print_json(&runs);
    } else {
        anstream::print!("{}", screen::Screen { runs: &runs, now: clock::now() });
    }
    exit::status(&runs.iter().map(|(_, outcome)| outcome.verdict).collect::<Vec<_>>())
}

fn run(question: &Question) -> std::io::Result<Vec<(Arc<Check>, Outcome)>> {
    let endpoints = question.checks.iter().map(|check| &check.endpoint);
    let prober = Prober::new(endpoints, &question.nameservers, question.contact.as_deref());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async {
        let mut runs = Vec::with_capacity(question.checks.len());
        // One at a time: a person's question is no reason for a burst.
        for check in &question.checks {
            let outcome = prober.run(check, 0).await;
            let addresses = outcome.observation.addresses as u64;
            runs.push((check.clone(), outcome));
            for turn in 1..if question.all_addresses { addresses } else { 1 } {
                runs.push((check.clone(), prober.run(check, turn).await));
            }
        }
        runs
    }))
}

fn print_json(runs: &[(Arc<Check>, Outcome)]) {
    let reports: Vec<_> = runs.iter().map(|(check, outcome)| Report::new(check, outcome)).collect();
    let json = match reports.as_slice() {
        [one] => serde_json::to_string_pretty(one),
        several => serde_json::to_string_pretty(several),
    };
    match json {
        Ok(json) => anstream::println!("{json}"),
        Err(error) => anstream::eprintln!("watchpost: {error}"),
    }
}

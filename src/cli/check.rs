//! `watchpost check`: one door, now.

use std::process::ExitCode;
use std::sync::Arc;

use super::ask::Args;
use super::session::Session;
use super::{exit, json, screen};
use crate::check::Check;
use crate::clock;
use crate::outcome::Outcome;
use crate::report::Report;

/// Tries what was asked for, one after the other, and prints what was seen.
pub fn check(args: Args) -> ExitCode {
    let as_json = args.json;
    let session = match Session::begin(args) {
        Ok(session) => session,
        Err(status) => return status,
    };
    let runs = session.wait_for(run(&session));
    if as_json {
        let report = |(check, outcome): &(Arc<Check>, Outcome)| Report::new(check, outcome);
        json::print(&runs.iter().map(report).collect::<Vec<_>>());
    } else {
        anstream::print!("{}", screen::Screen { runs: &runs, now: clock::now() });
    }
    exit::status(&runs.iter().map(|(_, outcome)| outcome.verdict).collect::<Vec<_>>())
}

async fn run(session: &Session) -> Vec<(Arc<Check>, Outcome)> {
    let Session { question, prober, .. } = session;
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
}

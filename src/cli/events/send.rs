//! `watchpost events send`

use std::fmt;
use std::fs;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::cli::style::{BAD, DIM, GOOD};
use crate::cli::{exit, json};
use crate::config::values::HumanDuration;
use crate::load::signer::Signer;
use crate::load::{Outcome, Place, Plan};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The receiver: http://127.0.0.1:9720/hooks/genesys
    #[arg(long, value_name = "URL")]
    to: Place,
    /// Events a second.
    #[arg(long, default_value_t = 100.0, value_parser = rate, value_name = "N")]
    rate: f64,
    /// For how long.
    #[arg(long = "for", default_value = "10s", value_parser = length, value_name = "DURATION")]
    length: Duration,
    /// Events at a time at the most.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..), value_name = "N")]
    connections: u16,
    /// Sign with the secret in this file, as Standard Webhooks do.
    #[arg(long, value_name = "FILE", conflicts_with = "api_key_file")]
    secret_file: Option<PathBuf>,
    /// Send the key in this file in a header.
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// That header.
    #[arg(long, default_value = "x-api-key", value_name = "NAME")]
    api_key_header: String,
    /// The size of a body, where what must be in it is not larger; texts of more than 8 KiB are
    /// refused.
    #[arg(long, default_value_t = 1024, value_name = "N")]
    body_bytes: usize,
    /// What came of it as JSON.
    #[arg(long)]
    json: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| *rate > 0.0 && *rate <= 1e6);
    rate.ok_or_else(|| "a number above 0, and 1000000 at the most".to_owned())
}

fn length(text: &str) -> Result<Duration, String> {
    HumanDuration::try_from(text.to_owned()).map(|length| length.0).map_err(str::to_owned)
}

/// Sends; the exit status is 0 only if every event was acknowledged.
pub fn send(args: Args) -> ExitCode {
    let signer = match signer(&args) {
        Ok(signer) => signer,
        Err(problem) => {
            anstream::eprintln!("watchpost: {problem}");
            return ExitCode::from(exit::USAGE);
        }
    };
    let plan = Plan {
        place: args.to,
        rate: args.rate,
        length: args.length,
        connections: args.connections.into(),
        signer,
        body_bytes: args.body_bytes,
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            anstream::eprintln!("watchpost: cannot start: {error}");
            return ExitCode::from(exit::TROUBLE);
        }
    };
    let is_watched = std::io::stderr().is_terminal();
    let outcome = runtime.block_on(plan.carry_out(|outcome| {
        if is_watched {
            anstream::eprintln!("{DIM}{outcome}{DIM:#}");
        }
    }));
    // A plan of less than one event has shown nothing.
    let whole = outcome.sent > 0 && outcome.acknowledged == outcome.sent;
    if args.json {
        json::print(std::slice::from_ref(&outcome));
    } else {
        let (style, word) =
            if whole { (GOOD, "all acknowledged") } else { (BAD, "not all acknowledged") };
        anstream::println!("{style}{word}{style:#}: {outcome}");
    }
    if outcome.refused.contains_key(&401) {
        anstream::eprintln!("fix: show who sends, by --api-key-file or --secret-file");
    }
    ExitCode::from(if whole { 0 } else { exit::TROUBLE })
}

fn signer(args: &Args) -> Result<Signer, String> {
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path);
        text.map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    if let Some(path) = &args.secret_file {
        return Signer::standard_webhooks(&read(path)?).map_err(|error| error.to_string());
    }
    let Some(path) = &args.api_key_file else { return Ok(Signer::Nobody) };
    let key = read(path)?.trim().to_owned();
    let is_legal = http::HeaderName::try_from(&args.api_key_header).is_ok()
        && http::HeaderValue::try_from(&key).is_ok();
    match is_legal {
        true => Ok(Signer::ApiKey { header: args.api_key_header.clone(), key }),
        false => Err("this cannot stand in a header".to_owned()),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sent, {} acknowledged", self.sent, self.acknowledged)?;
        for (status, count) in &self.refused {
            write!(f, ", {count} answered with {status}")?;
        }
        if self.unanswered > 0 {
            write!(f, ", {} unanswered", self.unanswered)?;
        }
        write!(f, " in {:.1} s: {:.0} a second", self.seconds, self.rate)?;
        if self.acknowledged == 0 {
            return Ok(());
        }
        let latency = &self.latency_ms;
        write!(
            f,
            "; p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, max {:.1} ms",
            latency.p50, latency.p99, latency.p99_9, latency.max
        )
    }
}

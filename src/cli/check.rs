//! `watchpost check`: one door, now.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

use super::{exit, screen};
use crate::check::Check;
use crate::check::cadence::Cadence;
use crate::check::endpoint::{AddressFamily, Endpoint, EndpointName, Owner, Reach};
use crate::check::header::Header;
use crate::check::health_policy::HealthPolicy;
use crate::check::origin::{Expect, Origin, OriginRule};
use crate::check::probe::{Probe, ProbeKind, Websocket};
use crate::check::target::{ConnectTo, Scheme, Target};
use crate::clock;
use crate::config::pem::PemFiles;
use crate::config::values::HumanDuration;
use crate::outcome::Outcome;
use crate::probe::Prober;
use crate::report::Report;

/// What to try, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// wss:// and ws:// open a WebSocket; https:// and tls:// shake hands only.
    url: Target,
    /// The page that asks: an origin, "null", or "none" for no Origin header. Repeatable.
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<Origin>,
    /// What the endpoint is meant to do with these origins.
    #[arg(long, value_enum, default_value_t = Wanted::Allow)]
    expect: Wanted,
    /// Longest that a run may take.
    #[arg(long, default_value = "5s", value_parser = duration)]
    timeout: Duration,
    /// PEM file of the CAs to trust instead of the machine's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Dial this address instead; the host name stays for SNI, Host and verification.
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    connect_to: Option<ConnectTo>,
    /// A header beyond those of the handshake. Repeatable.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<Header>,
    /// A subprotocol to offer. Repeatable.
    #[arg(long = "subprotocol", value_name = "NAME")]
    subprotocols: Vec<String>,
    /// Print JSON: an object, or a list where there are several origins.
    #[arg(long)]
    json: bool,
}

/// [`Expect`], as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wanted {
    Allow,
    Deny,
}

/// Tries every origin, side by side, and prints what was seen.
pub fn check(args: Args) -> ExitCode {
    let json = args.json;
    let checks = match checks(args) {
        Ok(checks) => checks,
        Err(problem) => {
            anstream::eprintln!("watchpost: {problem}");
            return ExitCode::from(exit::USAGE);
        }
    };
    let outcomes = match run(&checks) {
        Ok(outcomes) => outcomes,
        Err(error) => {
            anstream::eprintln!("watchpost: cannot start: {error}");
            return ExitCode::from(exit::TROUBLE);
        }
    };
    let runs: Vec<_> =
        checks.iter().zip(&outcomes).map(|(check, outcome)| (check.as_ref(), outcome)).collect();
    if json {
        print_json(&runs);
    } else {
        anstream::print!("{}", screen::Screen { runs: &runs, now: clock::now() });
    }
    exit::status(&outcomes.iter().map(|outcome| outcome.verdict).collect::<Vec<_>>())
}

fn checks(args: Args) -> Result<Vec<Arc<Check>>, String> {
    let kind = match args.url.scheme {
        Scheme::Ws | Scheme::Wss | Scheme::Http => ProbeKind::Websocket,
        Scheme::Https | Scheme::Tls => ProbeKind::Tls,
    };
    let asks =
        !args.origins.is_empty() || !args.headers.is_empty() || !args.subprotocols.is_empty();
    if kind == ProbeKind::Tls && asks {
        return Err(format!("{} is not asked for a WebSocket: write wss://", args.url));
    }
    let trust = match &args.ca {
        Some(path) => PemFiles::default().trust(path).map_err(|error| error.to_string())?,
        None => Default::default(),
    };
    let name = EndpointName::try_from(args.url.host.to_string());
    let name = name.or_else(|_| EndpointName::try_from("endpoint".to_owned()));
    let endpoint = Arc::new(Endpoint {
        name: name.map_err(|error| error.to_string())?,
        target: args.url,
        reach: Reach { connect_to: args.connect_to, family: AddressFamily::Any },
        trust,
        identity: None,
        owner: Owner::default(),
        health: HealthPolicy::default(),
        slo: 0.995,
        max_inflight: 1,
    });
    let cadence =
        Cadence::new(Cadence::MAX_INTERVAL, args.timeout).map_err(|error| error.to_string())?;
    let probe = Arc::new(match kind {
        ProbeKind::Websocket => Probe::Websocket(Websocket {
            headers: args.headers,
            subprotocols: args.subprotocols,
            ..Websocket::default()
        }),
        ProbeKind::Tls => Probe::Tls,
    });
    let expect = if args.expect == Wanted::Allow { Expect::Allow } else { Expect::Deny };
    let rule = |origin: Origin| Arc::new(OriginRule { name: origin.to_string(), origin, expect });
    let pages: Vec<_> = match kind {
        ProbeKind::Tls => vec![None],
        ProbeKind::Websocket if args.origins.is_empty() => vec![Some(rule(Origin::Absent))],
        ProbeKind::Websocket => args.origins.into_iter().map(|origin| Some(rule(origin))).collect(),
    };
    let check = |page| Arc::new(Check::new(endpoint.clone(), probe.clone(), page, cadence));
    Ok(pages.into_iter().map(check).collect())
}

fn run(checks: &[Arc<Check>]) -> std::io::Result<Vec<Outcome>> {
    let endpoints: Vec<_> = checks.iter().map(|check| check.endpoint.clone()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async {
        let prober = Prober::new(&endpoints, &[], None);
        let mut outcomes = Vec::with_capacity(checks.len());
        // One after the other: a person's question is no reason for a burst.
        for check in checks {
            outcomes.push(prober.run(check, 0).await);
        }
        outcomes
    }))
}

fn print_json(runs: &[(&Check, &Outcome)]) {
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

fn duration(text: &str) -> Result<Duration, &'static str> {
    HumanDuration::try_from(text.to_owned()).map(|duration| duration.0)
}

fn header(text: &str) -> Result<Header, String> {
    let (name, value) = text.split_once(':').ok_or("write it as \"Name: value\"")?;
    Header::new(name.trim(), value.trim()).map_err(|error| error.to_string())
}

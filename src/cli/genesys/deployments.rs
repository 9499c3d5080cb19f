//! `watchpost genesys deployments`: which there are, and whom they let in; whether or not a daemon
//! runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use crate::cli::run::refuse;
use crate::cli::style::{BAD, BOLD, DIM, GOOD, UNSURE};
use crate::cli::{exit, json};
use crate::clock;
use crate::config::Config;
use crate::config::genesys::Genesys;
use crate::config::whereabouts::Purpose;
use crate::genesys::account::Account;
use crate::genesys::deployment::Status;
use crate::genesys::region::Region;
use crate::genesys::{Compat, DeploymentId};
use crate::platform::Platform;
use crate::tenant::known::Known;
use crate::tenant::refresh::look;
use crate::tenant::report::{Deployment, SourceView, Trouble};
use crate::tenant::view::{Round, View};
use crate::tenant::{self, report};

pub const EXIT_STATUSES: &str = "Exit status: 0 each is in use, and CDN and API agree; 1 one is not, \
    or they do not; 2 wrong usage; 3 somebody did not answer; 78 wrong config.";

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The config with `[genesys]`; its endpoints say which deployments, and its client has all.
    #[arg(long, default_value = "config.toml", conflicts_with = "deployment")]
    config: PathBuf,
    /// This deployment alone, by what is public; needs no config.
    #[arg(long, value_name = "ID", requires = "region")]
    deployment: Option<String>,
    /// Where it is: a name of AWS, a domain, or what the messenger's snippet says.
    #[arg(long, value_name = "REGION", requires = "deployment")]
    region: Option<String>,
    /// Print JSON, as the API does.
    #[arg(long)]
    json: bool,
}

/// Prints them.
pub fn deployments(args: &Args) -> ExitCode {
    let (genesys, wanted) = match question(args) {
        Ok(question) => question,
        Err(status) => return status,
    };
    let trouble = |problem: &dyn fmt::Display| {
        anstream::eprintln!("watchpost: {problem}");
        ExitCode::from(exit::TROUBLE)
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return trouble(&error),
    };
    let platform = match Platform::new(genesys.account.clone()) {
        Ok(platform) => platform,
        Err(error) => return trouble(&error),
    };
    let found = runtime.block_on(look(&platform, &genesys.paths, &BTreeMap::new(), wanted));
    // A resolver may hang on a name.
    runtime.shutdown_background();
    let now = clock::now();
    let view = View {
        round: Round { ended_at: Some(now), trouble: found.trouble.clone(), ..Round::default() },
        ..View::of(Some(&genesys))
    };
    let known: Vec<_> = found.known.values().collect();
    let listed: Vec<_> = known.iter().map(|known| Deployment::new(known, &view, now)).collect();
    let listing = Listing {
        region: genesys.account.region.aws,
        trouble: found.trouble.map(|(code, sentence)| Trouble { code, sentence }),
        deployments: listed,
    };
    if let Some(cut) = found.cut {
        anstream::eprintln!("watchpost: {}", cut.sentence());
    }
    match args.json {
        true => json::print(&[&listing]),
        false => anstream::print!("{}", Screen(&listing)),
    }
    ExitCode::from(status(&known, &listing))
}

/// Of whom, and which.
fn question(args: &Args) -> Result<(Genesys, BTreeSet<DeploymentId>), ExitCode> {
    let wrong = |problem: &dyn fmt::Display| {
        anstream::eprintln!("watchpost: {problem}");
        ExitCode::from(exit::USAGE)
    };
    if let (Some(id), Some(region)) = (&args.deployment, &args.region) {
        let region = Region::from_text(region).map_err(|error| wrong(&error))?;
        let id = DeploymentId::new(id, Compat::Genesys).map_err(|error| wrong(&error))?;
        return Ok((Genesys::of(Account::nobody(region)), BTreeSet::from([id])));
    }
    let config = Config::load_for(&args.config, Purpose::Ask).map_err(|error| refuse(&error))?;
    let Some(genesys) = config.genesys else {
        let path = args.config.display();
        anstream::eprintln!(
            "watchpost: {path} has no [genesys]; --deployment ID --region REGION does without"
        );
        return Err(ExitCode::from(exit::CONFIG));
    };
    let wanted = tenant::Settings::new(Some(&genesys), &config.checks).deployments();
    Ok((genesys, wanted))
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Listing {
    region: &'static str,
    trouble: Option<Trouble>,
    deployments: Vec<Deployment>,
}

fn status(known: &[&Known], listing: &Listing) -> u8 {
    let is_bad = |(known, deployment): (&&Known, &Deployment)| {
        let off = known.status().is_none_or(|status| status.is_on() == Some(false));
        off || !deployment.contradictions.is_empty()
    };
    if listing.trouble.is_some() {
        3
    } else if known.iter().zip(&listing.deployments).any(is_bad) {
        exit::TROUBLE
    } else {
        0
    }
}

struct Screen<'a>(&'a Listing);

impl fmt::Display for Screen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(listing) = self;
        if let Some(Trouble { sentence, .. }) = &listing.trouble {
            writeln!(f, "{UNSURE}not everything was answered{UNSURE:#}: {sentence}\n")?;
        }
        if listing.deployments.is_empty() {
            writeln!(f, "no deployments in {}", listing.region)?;
        }
        listing.deployments.iter().try_for_each(|deployment| one(f, deployment))
    }
}

fn one(f: &mut fmt::Formatter<'_>, deployment: &Deployment) -> fmt::Result {
    let name = deployment.name.as_deref().unwrap_or("(no name)");
    let (style, word) = match deployment.status {
        Some(status @ Status::Active) => (GOOD, status.as_str()),
        Some(status) => (BAD, status.as_str()),
        None => (UNSURE, "status unknown"),
    };
    writeln!(f, "{BOLD}{name}{BOLD:#}  {DIM}{}{DIM:#}  {style}{word}{style:#}", deployment.id)?;
    if let Some(version) = &deployment.configuration_version {
        writeln!(f, "  configuration version {version}")?;
    }
    match (deployment.allow_all_domains, &deployment.allowed_domains) {
        (Some(true), _) => writeln!(f, "  all domains allowed")?,
        (_, Some(entries)) if entries.is_empty() => writeln!(f, "  no domains allowed")?,
        (_, Some(entries)) => {
            let entries: Vec<_> = entries.iter().map(|entry| entry.as_str()).collect();
            writeln!(f, "  allowed domains: {}", entries.join(", "))?;
        }
        _ => writeln!(f, "  allowed domains unknown")?,
    }
    for (source, seen) in [
        ("API", &deployment.sources.api),
        ("domains.json", &deployment.sources.domains),
        ("config.json", &deployment.sources.config),
    ] {
        told(f, source, seen)?;
    }
    for difference in &deployment.contradictions {
        writeln!(f, "  {BAD}differs{BAD:#}: {difference}")?;
    }
    for report::Remark { oddity, entry, instead, sentence, fix } in &deployment.oddities {
        let entry = entry.as_ref().map_or(String::new(), |entry| format!(" \"{entry}\""));
        let instead = instead.as_ref().map_or(String::new(), |text| format!(" ({text})"));
        let style = if oddity.is_grave() { BAD } else { UNSURE };
        writeln!(f, "  {style}{oddity}{style:#}{entry}: {sentence}\n    do: {fix}{instead}")?;
    }
    writeln!(f)
}

fn told(f: &mut fmt::Formatter<'_>, source: &str, seen: &SourceView) -> fmt::Result {
    match (seen.answer, &seen.trouble) {
        ("absent", _) => writeln!(f, "  {BAD}{source}{BAD:#} has none of this id")?,
        (_, Some(why)) => writeln!(f, "  {UNSURE}{source}{UNSURE:#} gave no answer: {why}")?,
        _ => {}
    }
    seen.warnings.iter().try_for_each(|warning| writeln!(f, "  {source}: {warning}"))
}

//! `watchpost diagnose`: why a page is not let in, and what to change.

mod list;

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;

use super::session::Session;
use super::style::{self, BOLD, DIM};
use super::{ask, exit, json, screen};
use crate::check::Check;
use crate::check::origin::{Expect, Origin};
use crate::clock;
use crate::diagnose::conclusion::Conclusion;
use crate::diagnose::mend::Mend;
use crate::diagnose::near_miss::Spelling;
use crate::diagnose::{Diagnosis, Tried, diagnose as ask_around};
use crate::genesys::region::Region;
use crate::outcome::Outcome;
use crate::outcome::verdict::Verdict;
use crate::report::Report;
use list::Listed;

/// What to find out, and how.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    ask: ask::Args,
    /// Most runs against the endpoint, a quarter of a second apart.
    #[arg(long, value_name = "RUNS", default_value_t = 20, value_parser = clap::value_parser!(u16).range(8..=60))]
    budget: u16,
    /// Where the deployment is that the URL names, so that its list of allowed domains is read: a
    /// name of AWS, a domain, or what the messenger's snippet says [default: as the host says].
    #[arg(long, value_name = "REGION", value_parser = region)]
    region: Option<Region>,
}

fn region(text: &str) -> Result<Region, String> {
    Region::from_text(text).map_err(|error| error.to_string())
}

/// Asks around for each page that ought to get in, and says what to change.
pub fn diagnose(args: Args) -> ExitCode {
    let (as_json, budget, region) = (args.ask.json, usize::from(args.budget), args.region);
    let session = match Session::begin(args.ask) {
        Ok(session) => session,
        Err(status) => return status,
    };
    let Session { question, prober, runtime, .. } = &session;
    let pages: Vec<_> = question.checks.iter().filter(|check| asks_for_a_page(check)).collect();
    let mut diagnoses = Vec::with_capacity(pages.len());
    for check in &pages {
        let others = others(check, &pages);
        if !as_json {
            anstream::print!("{}", Asking { check, budget });
        }
        let told = |spelling, origin: &Origin, outcome: &Outcome| {
            if !as_json {
                anstream::print!("{}", Line { spelling, origin, outcome });
            }
        };
        let diagnosis = session.wait_for(ask_around(prober, check, &others, budget, told));
        let listed = list::listed(runtime, question.genesys.clone(), region, &diagnosis);
        if !as_json {
            anstream::print!("{}", Screen(&diagnosis));
            if let Some(listed) = &listed {
                anstream::print!("{listed}");
            }
        }
        diagnoses.push((diagnosis, listed));
    }
    if !as_json && diagnoses.is_empty() {
        anstream::eprintln!("watchpost: no page wants to get in there; `watchpost check` tries it");
    }
    let strangers = question.checks.iter().filter(|check| check.expect() == Expect::Deny).count();
    if !as_json && strangers > 0 {
        anstream::println!(
            "{DIM}{strangers} that must be refused: `watchpost check` tries them too{DIM:#}"
        );
    }
    let verdicts: Vec<_> = diagnoses.iter().map(|(diagnosis, _)| verdict(diagnosis)).collect();
    if as_json {
        json::print(
            &diagnoses
                .into_iter()
                .map(|(diagnosis, listed)| DiagnosisReport::new(&diagnosis, listed))
                .collect::<Vec<_>>(),
        );
    }
    exit::status(&verdicts)
}

/// Whether a page stands behind it that wants to get in.
fn asks_for_a_page(check: &Check) -> bool {
    check.expect() == Expect::Allow && check.origin.is_some()
}

/// Who else must get in where this page must.
fn others(check: &Check, pages: &[&Arc<Check>]) -> Vec<Origin> {
    let beside = pages.iter().filter(|other| {
        other.endpoint.name == check.endpoint.name && other.probe.kind() == check.probe.kind()
    });
    beside.filter_map(|other| Some(other.origin.as_ref()?.origin.clone())).collect()
}

/// What the page itself would say.
fn verdict(diagnosis: &Diagnosis) -> Verdict {
    match diagnosis.conclusion {
        Conclusion::LetIn => Verdict::Pass,
        Conclusion::Inconclusive | Conclusion::Throttled => Verdict::Inconclusive,
        _ => Verdict::Fail,
    }
}

struct Asking<'a> {
    check: &'a Check,
    budget: usize,
}

impl fmt::Display for Asking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, budget } = self;
        writeln!(f, "{BOLD}{}{BOLD:#}  {DIM}at most {budget} runs{DIM:#}", check.endpoint.target)?;
        match check.origin.as_ref().map(|rule| rule.origin.header()) {
            Some(Some(origin)) => writeln!(f, "the page sends  Origin: {origin}\n"),
            Some(None) => writeln!(f, "the client sends no Origin\n"),
            None => writeln!(f),
        }
    }
}

/// One run.
struct Line<'a> {
    spelling: Spelling,
    origin: &'a Origin,
    outcome: &'a Outcome,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spelling, origin, outcome } = self;
        let (style, mark) = style::of(outcome.verdict);
        let seen = &outcome.observation;
        let good = if seen.upgraded { "let in" } else { "may read" };
        let told = outcome.failure.as_ref().map_or(good, |failure| failure.reason().code());
        let status = seen.http_status.map_or(String::new(), |status| format!(" {status}"));
        let spelling = spelling.as_str().replace('_', " ");
        write!(
            f,
            "  {style}{mark}{style:#} {spelling:<15} {:<40} {told}{status}",
            origin.to_string()
        )?;
        match seen.address {
            Some(address) if seen.addresses > 1 => writeln!(f, "  {DIM}{address}{DIM:#}"),
            _ => writeln!(f),
        }
    }
}

/// What follows.
struct Screen<'a>(&'a Diagnosis);

impl fmt::Display for Screen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnosis { check, asked, conclusion, lessons, advice, mend, .. } = self.0;
        let (style, _) = style::of(verdict(self.0));
        writeln!(f, "\n{style}{}{style:#}", conclusion.sentence())?;
        let failed = asked.iter().find(|outcome| outcome.failure.is_some());
        if let Some((outcome, failure)) = failed.and_then(|one| Some((one, one.failure.as_ref()?)))
        {
            screen::reason(f, failure)?;
            certificate(f, outcome)?;
        }
        if let Some(mend) = mend {
            missing(f, mend)?;
        }
        for sentence in lessons {
            writeln!(f, "  why: {sentence}")?;
        }
        for sentence in advice {
            writeln!(f, "  do: {sentence}")?;
        }
        let opened = matches!(conclusion, Conclusion::LetIn);
        if check.probe.kind().is_of_a_socket() && !opened {
            writeln!(
                f,
                "  not CORS: a WebSocket is not subject to it, whatever the page's console says; \
                 no Access-Control header can mend this"
            )?;
        }
        writeln!(f)
    }
}

/// The header that is missing, and what must stand there.
fn missing(f: &mut fmt::Formatter<'_>, mend: &Mend) -> fmt::Result {
    let answer = if mend.of_preflight { "the answer to OPTIONS" } else { "the answer" };
    if let Some(header) = mend.header {
        writeln!(f, "  wrong: {header} in {answer}")?;
    }
    if !mend.lines.is_empty() {
        writeln!(f, "  do: Send this with {answer}:")?;
    }
    for line in &mend.lines {
        writeln!(f, "        {BOLD}{line}{BOLD:#}")?;
    }
    for note in &mend.notes {
        writeln!(f, "  do: {note}")?;
    }
    Ok(())
}

/// The certificate that has to be replaced, where one is at fault.
fn certificate(f: &mut fmt::Formatter<'_>, outcome: &Outcome) -> fmt::Result {
    let Some(chain) = outcome.observation.chain.as_deref() else { return Ok(()) };
    if chain.verification.failures.is_empty() {
        return Ok(());
    }
    let now = clock::now();
    let out_of_date = chain.certificates.iter().find(|certificate| {
        let facts = certificate.facts.as_ref();
        facts.is_some_and(|facts| facts.not_after < now || facts.not_before > now)
    });
    let Some(certificate) = out_of_date.or(chain.leaf()) else { return Ok(()) };
    if let Some(facts) = &certificate.facts {
        writeln!(
            f,
            "  certificate: {}, by {}, serial {}",
            facts.subject, facts.issuer, facts.serial
        )?;
    }
    let address = outcome.observation.address.map_or(String::new(), |at| format!(", at {at}"));
    writeln!(f, "  SHA-256: {}{address}", certificate.fingerprint)
}

/// A diagnosis as JSON. A contract, as that of `check --json`.
#[derive(Serialize)]
struct DiagnosisReport {
    endpoint: String,
    url: String,
    origin: String,
    conclusion: Conclusion,
    message: &'static str,
    lessons: Vec<&'static str>,
    advice: Vec<String>,
    mend: Option<Mend>,
    asked: Vec<Report>,
    tried: Vec<TriedReport>,
    /// What the published list says; only where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    listed: Option<Listed>,
}

#[derive(Serialize)]
struct TriedReport {
    spelling: &'static str,
    origin: String,
    verdict: Verdict,
    reason: Option<&'static str>,
    http_status: Option<u16>,
}

impl DiagnosisReport {
    fn new(diagnosis: &Diagnosis, listed: Option<Listed>) -> Self {
        Self {
            listed,
            endpoint: diagnosis.check.endpoint.name.to_string(),
            url: diagnosis.check.endpoint.target.to_string(),
            origin: diagnosis.origin.to_string(),
            conclusion: diagnosis.conclusion,
            message: diagnosis.conclusion.sentence(),
            lessons: diagnosis.lessons.clone(),
            advice: diagnosis.advice.clone(),
            mend: diagnosis.mend.clone(),
            asked: diagnosis.asked.iter().map(|one| Report::new(&diagnosis.check, one)).collect(),
            tried: diagnosis.tried.iter().map(TriedReport::new).collect(),
        }
    }
}

impl TriedReport {
    fn new(tried: &Tried) -> Self {
        Self {
            spelling: tried.near_miss.spelling.as_str(),
            origin: tried.near_miss.origin.to_string(),
            verdict: tried.outcome.verdict,
            reason: tried.outcome.failure.as_ref().map(|failure| failure.reason().code()),
            http_status: tried.outcome.observation.http_status,
        }
    }
}

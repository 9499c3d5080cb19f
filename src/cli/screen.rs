//! One run, or a few, on one screen.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::style::{self, BAD, BOLD, DIM, GOOD, UNSURE};
use crate::check::Check;
use crate::check::messaging::Level;
use crate::outcome::chain::Chain;
use crate::outcome::chain::certificate::Facts;
use crate::outcome::chain::staple::Staple;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::verdict::{self, Verdict};
use crate::outcome::warning::Remark;
use crate::outcome::{Observation, Outcome};

/// Columns of the longest bar.
const BAR: usize = 32;

/// Names of a certificate that are shown.
const MAX_NAMES: usize = 4;

/// What the terminal shows of runs against one endpoint.
pub struct Screen<'a> {
    /// The runs, one for each origin and address.
    pub runs: &'a [(Arc<Check>, Outcome)],
    /// The time from which days are counted.
    pub now: Timestamp,
}

impl fmt::Display for Screen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (check, outcome) in self.runs {
            headline(f, check, outcome)?;
        }
        // The first run that has something to explain, or else the first.
        let telling = self.runs.iter().find(|(_, outcome)| outcome.verdict != Verdict::Pass);
        if let Some((_, outcome)) = telling.or(self.runs.first()) {
            if self.runs.len() > 1 {
                writeln!(f, "\n{DIM}the run in line {} in detail:{DIM:#}", self.line_of(outcome))?;
            }
            phases(f, &outcome.observation)?;
            if let Some(chain) = &outcome.observation.chain {
                tls(f, &outcome.observation, chain, self.now)?;
            }
            if let Some(failure) = &outcome.failure {
                explanation(f, outcome, failure)?;
            }
            for remark in &outcome.remarks {
                warning(f, remark)?;
            }
        }
        Ok(())
    }
}

impl Screen<'_> {
    fn line_of(&self, outcome: &Outcome) -> usize {
        self.runs.iter().take_while(|(_, other)| !std::ptr::eq(other, outcome)).count() + 1
    }
}

fn headline(f: &mut fmt::Formatter<'_>, check: &Check, outcome: &Outcome) -> fmt::Result {
    let (style, mark) = style::of(outcome.verdict);
    let word = match outcome.verdict {
        Verdict::Fail => "FAIL",
        verdict => verdict.as_str(),
    };
    write!(f, "{style}{mark} {word}{style:#}  {}", check.endpoint.target)?;
    if let Some(rule) = &check.origin {
        match rule.origin.header() {
            Some(origin) => write!(f, "  as {origin}")?,
            None => write!(f, "  without an origin")?,
        }
    }
    let seen = &outcome.observation;
    let told = match (&outcome.failure, &seen.refusal) {
        (Some(failure), _) => failure.reason().code().to_owned(),
        (None, Some(refusal)) if seen.cors.is_some() => {
            format!("kept from the page, status {}, as it must be", refusal.status)
        }
        (None, Some(refusal)) => format!("refused with {}, as it must be", refusal.status),
        (None, None) if seen.cors.is_some() => match seen.phases.get(Phase::Request) {
            Some(_) => format!(
                "the page may read the answer, status {}",
                seen.http_status.unwrap_or_default()
            ),
            None => "the page may ask".to_owned(),
        },
        (None, None) if seen.messaging.is_some() => {
            let reached = seen.messaging.as_ref().and_then(|seen| seen.reached);
            format!("the door opened, up to {}", reached.unwrap_or(Level::Upgrade))
        }
        (None, None) if seen.upgraded => match &seen.subprotocol {
            Some(subprotocol) => format!("the door opened, subprotocol {subprotocol}"),
            None => "the door opened".to_owned(),
        },
        (None, None) => match seen.http_status {
            Some(status) => format!("answered as expected, status {status}"),
            None => "the chain is trusted".to_owned(),
        },
    };
    writeln!(f, "  {BOLD}{told}{BOLD:#}")
}

fn phases(f: &mut fmt::Formatter<'_>, seen: &Observation) -> fmt::Result {
    writeln!(f)?;
    let total = seen.phases.total();
    for (phase, time) in seen.phases.iter() {
        let share = time.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE);
        let bar = "█".repeat((share * BAR as f64).round() as usize);
        writeln!(f, "  {:<9}{:>10}  {DIM}{bar}{DIM:#}", phase.as_str(), millis(time))?;
    }
    write!(f, "  {:<9}{:>10}", "total", millis(total))?;
    if let Some(address) = seen.address {
        write!(f, "  {DIM}to {address}")?;
        if seen.addresses > 1 {
            write!(f, ", one of {} addresses", seen.addresses)?;
        }
        write!(f, "{DIM:#}")?;
    }
    writeln!(f)
}

fn tls(
    f: &mut fmt::Formatter<'_>,
    seen: &Observation,
    chain: &Chain,
    now: Timestamp,
) -> fmt::Result {
    writeln!(f)?;
    if let Some(session) = &seen.session {
        write!(f, "  {}, {}", session.version, session.cipher)?;
        if let Some(group) = &session.key_exchange {
            write!(f, ", {group}")?;
        }
        writeln!(
            f,
            "{}",
            if session.hello_retry { ", after a retry that cost a round trip" } else { "" }
        )?;
    }
    let last = chain.certificates.len().saturating_sub(1);
    for (position, certificate) in chain.certificates.iter().enumerate() {
        let (branch, trunk) = if position == last { ("└─", "  ") } else { ("├─", "│ ") };
        let Some(facts) = &certificate.facts else {
            writeln!(
                f,
                "  {branch} {BAD}cannot be read{BAD:#}  {DIM}{}{DIM:#}",
                certificate.fingerprint
            )?;
            continue;
        };
        writeln!(f, "  {branch} {BOLD}{}{BOLD:#}  {}", facts.subject, life(facts, now))?;
        writeln!(
            f,
            "  {trunk} {DIM}by {}, {} {}{DIM:#}",
            facts.issuer, facts.key.kind, facts.key.bits
        )?;
        if position == 0 && !facts.names.is_empty() {
            let shown: Vec<_> =
                facts.names.iter().take(MAX_NAMES).map(|name| name.as_str()).collect();
            let more = facts.names.len().saturating_sub(MAX_NAMES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            writeln!(f, "  {trunk} {DIM}for {}{more}{DIM:#}", shown.join(", "))?;
        }
    }
    if let Some(Staple::Answer { status, next_update, .. }) = &chain.staple {
        writeln!(f, "  {DIM}stapled: {}, until {}{DIM:#}", status.as_str(), day(*next_update))?;
    }
    match chain.verification.path.as_ref().filter(|_| chain.verification.failures.is_empty()) {
        Some(path) => writeln!(f, "  {GOOD}trusted{GOOD:#} until {}", day(path.not_after)),
        None => {
            let labels: Vec<_> =
                chain.verification.failures.iter().map(|failure| failure.label()).collect();
            writeln!(f, "  {BAD}not trusted{BAD:#}: {}", labels.join(", "))
        }
    }
}

/// `61 d left  ██████░░░░ 68 %`
fn life(facts: &Facts, now: Timestamp) -> String {
    let left = facts.life_left(now);
    let full = (left * 10.0).round() as usize;
    let bar = format!("{}{}", "█".repeat(full), "░".repeat(10 - full.min(10)));
    let until = now.duration_until(facts.not_after);
    if facts.not_before > now {
        return format!("{BAD}valid only from {}{BAD:#}", day(facts.not_before));
    }
    if until < SignedDuration::ZERO {
        return format!(
            "{BAD}expired {} ago, on {}{BAD:#}",
            days(until.abs()),
            day(facts.not_after)
        );
    }
    let style = if left > 0.34 {
        GOOD
    } else if left > 0.1 {
        UNSURE
    } else {
        BAD
    };
    format!("{} left  {style}{bar}{style:#} {:.0} % of its life", days(until), left * 100.0)
}

/// Why it did not pass, and what was seen.
pub(super) fn reason(f: &mut fmt::Formatter<'_>, failure: &Failure) -> fmt::Result {
    let reason = failure.reason();
    let place = failure.phase().map_or(String::new(), |phase| format!(" in {phase}"));
    writeln!(f, "  {BOLD}{reason}{BOLD:#}{place}: {}", reason.sentence())?;
    seen(f, &failure.evidence())
}

fn seen(f: &mut fmt::Formatter<'_>, evidence: &str) -> fmt::Result {
    if evidence.is_empty() { Ok(()) } else { writeln!(f, "  seen: {evidence}") }
}

fn explanation(f: &mut fmt::Formatter<'_>, outcome: &Outcome, failure: &Failure) -> fmt::Result {
    writeln!(f)?;
    reason(f, failure)?;
    let whose = verdict::whose(outcome.verdict, failure);
    writeln!(f, "  whose: {whose}")?;
    writeln!(f, "  do: {}", failure.reason().fix())
}

fn warning(f: &mut fmt::Formatter<'_>, remark: &Remark) -> fmt::Result {
    let warning = remark.warning;
    writeln!(f, "\n  {UNSURE}warning{UNSURE:#} {BOLD}{warning}{BOLD:#}: {}", warning.sentence())?;
    seen(f, &remark.evidence)?;
    writeln!(f, "  do: {}", warning.fix())
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn days(duration: SignedDuration) -> String {
    match duration.as_hours() {
        hours @ 0..48 => format!("{hours} h"),
        hours => format!("{} d", hours / 24),
    }
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

//! The pages for a terminal: `curl host:9720`.

use std::fmt::Write;

use jiff::Timestamp;

use super::triage::{KINDS, NOT_KNOWN, Triage};
use super::{Beside, age, counts, drill, sorted, unproven, users};
use crate::casebook::changes::Changes;
use crate::check::origin::Expect;
use crate::health::State as Health;
use crate::http::chains::Held;
use crate::http::portrait::Portrait;
use crate::incident::record::Incident;
use crate::outcome::{Outcome, verdict};
use crate::record::snapshot::{CheckRecord, Snapshot};
use crate::tenant::report::Found;

/// Checks that are told of at the most, what is wrong first.
const MAX_CHECKS: usize = 300;

/// The overview.
pub fn overview(snapshot: &Snapshot, beside: &Beside) -> String {
    let now = snapshot.taken_at;
    let (down, unknown, up) = counts(&snapshot.checks);
    let mut text = Text::default();
    text.line(format_args!(
        "{down} down, {unknown} unknown, {up} up, as of {}",
        now.strftime("%Y-%m-%d %H:%M:%S UTC")
    ));
    if let Some(drill) = &beside.drill {
        text.line(format_args!("{}", drill::line(drill)));
    }
    let triage = Triage::of(snapshot);
    text.line(format_args!("{}", triage.sentence()));
    for (fault, name) in KINDS {
        if let Some(named) = triage.named(fault) {
            text.line(format_args!("  {name}: {named}"));
        }
    }
    if let Some(named) = triage.unnamed() {
        text.line(format_args!("  {NOT_KNOWN}: {named}"));
    }
    if let Some(unproven) = unproven(&snapshot.checks) {
        text.line(format_args!("{unproven}"));
    }
    if let Some(heard) = users::heard(&beside.arrivals, now) {
        text.line(format_args!("{heard}"));
    }
    open(&mut text, &beside.open, now);
    text.line(format_args!(""));
    let records = sorted(snapshot);
    for record in records.iter().take(MAX_CHECKS) {
        check(&mut text, record);
    }
    let left = records.len().saturating_sub(MAX_CHECKS);
    if left > 0 {
        text.line(format_args!("{left} more, which are not worse: /api/v1/checks"));
    }
    changed(&mut text, &beside.changes, now);
    text.0
}

/// Incidents that are open, and what they wait for.
fn open(text: &mut Text, open: &[Incident], now: Timestamp) {
    for incident in open {
        let (title, id) = (incident.title(), &incident.id);
        let ago = age(incident.began_at, now);
        text.line(format_args!("\nincident, for {ago}: {title}\n  /incident/{id}"));
        if let Some(waits) = incident.waits() {
            text.line(format_args!("  {waits}"));
        }
    }
}

/// What was changed lately.
fn changed(text: &mut Text, changes: &Changes, now: Timestamp) {
    if !changes.changes.is_empty() {
        text.line(format_args!("\nWhat changed:"));
    }
    for change in &changes.changes {
        let who = change.who.as_ref().map_or(String::new(), |who| format!(", by {who}"));
        let of = change.endpoint.as_ref().map_or(String::new(), |name| format!(", {name}"));
        let (ago, source) = (age(change.at, now), change.source.as_str());
        text.line(format_args!("  {ago} ago{of}, {source}: {}{who}", change.what));
    }
}

/// An endpoint.
pub fn endpoint(portrait: &Portrait, beside: &Beside) -> String {
    let now = portrait.taken_at;
    let mut text = Text::default();
    if let Some(drill) = &beside.drill {
        text.line(format_args!("{}", drill::line(drill)));
    }
    text.line(format_args!("{} {}", portrait.endpoint, portrait.url));
    text.line(format_args!("as of {}", now.strftime("%Y-%m-%d %H:%M:%S UTC")));
    if let Some(unproven) = unproven(&portrait.records) {
        text.line(format_args!("{unproven}"));
    }
    if let Some(judged) = users::judged(&beside.arrivals, now) {
        text.line(format_args!("{judged}"));
    }
    open(&mut text, &beside.open, now);
    text.line(format_args!(""));
    for Found { finding, origin, sentence, fix, .. } in &beside.findings {
        text.line(format_args!("at Genesys Cloud: {finding} {origin}: {sentence}\n         {fix}"));
    }
    for (record, days) in portrait.records.iter().zip(&portrait.checks) {
        check(&mut text, record);
        match &days.day {
            Some(day) => text.line(format_args!("         24 h: {}", day.words())),
            None => text.line(format_args!("         24 h: the past cannot be read")),
        }
        if let Some(total) = record.recent.total() {
            text.line(format_args!(
                "         last {} runs: median {:.1} ms, 95 % {:.1} ms",
                record.recent.len(),
                total.p50.as_secs_f64() * 1e3,
                total.p95.as_secs_f64() * 1e3
            ));
        }
    }
    if !portrait.chains.is_empty() {
        text.line(format_args!(""));
    }
    for held in &portrait.chains {
        certificate(&mut text, held, now);
    }
    changed(&mut text, &beside.changes, now);
    text.0
}

/// The certificates, what ends first on top.
pub fn certificates(snapshot: &Snapshot) -> String {
    let mut text = Text::default();
    for held in Held::all(snapshot) {
        certificate(&mut text, &held, snapshot.taken_at);
    }
    if text.0.is_empty() {
        text.line(format_args!("no run over TLS has seen a certificate yet"));
    }
    text.0
}

fn certificate(text: &mut Text, held: &Held, now: Timestamp) {
    let trust = match held.trusted {
        true => "trusted".to_owned(),
        false => format!("NOT TRUSTED ({})", held.failures.join(", ")),
    };
    let addresses: Vec<_> = held.addresses.iter().map(ToString::to_string).collect();
    let place = addresses.join(", ");
    match held.leaf() {
        Some(leaf) if leaf.not_after > now => text.line(format_args!(
            "{:<24} {:>6} left ({:.0} %), {trust}, {place}",
            held.endpoint,
            age(now, leaf.not_after),
            leaf.life_left * 100.0
        )),
        Some(leaf) => text.line(format_args!(
            "{:<24} ENDED {} ago, {trust}, {place}",
            held.endpoint,
            age(leaf.not_after, now)
        )),
        None => text.line(format_args!("{:<24} cannot be read, {trust}, {place}", held.endpoint)),
    }
}

fn check(text: &mut Text, record: &CheckRecord) {
    let check = &record.check;
    let word = match record.health.state() {
        Health::Down => "DOWN",
        Health::Unknown => "unknown",
        Health::Up => "up",
    };
    let page = check.origin.as_ref().map_or("", |rule| &rule.name);
    let deny = if check.expect() == Expect::Deny { " (must be refused)" } else { "" };
    let kind = check.probe.kind();
    text.line(format_args!("{word:<8} {} {kind} {page}{deny}", &*check.endpoint.name));
    let failed = record.last_failed.as_deref().filter(|_| record.failing.is_some());
    match (failed, record.failing) {
        (Some(Outcome { verdict, failure: Some(failure), .. }), _) => {
            let (reason, evidence) = (failure.reason(), failure.evidence());
            text.line(format_args!("         {reason}: {}", reason.sentence()));
            if !evidence.is_empty() {
                text.line(format_args!("         seen: {evidence}"));
            }
            let whose = verdict::whose(*verdict, failure);
            text.line(format_args!("         whose: {whose}. {}", reason.fix()));
        }
        (None, Some((_, reason))) => {
            text.line(format_args!("         {reason}: {} {}", reason.sentence(), reason.fix()));
        }
        (_, _) => {}
    }
    for remark in record.last.iter().flat_map(|outcome| &outcome.remarks) {
        let (warning, evidence) = (remark.warning, &remark.evidence);
        let (sentence, fix) = (warning.sentence(), warning.fix());
        text.line(format_args!("         warning {warning}: {sentence} {fix}"));
        if !evidence.is_empty() {
            text.line(format_args!("         seen: {evidence}"));
        }
    }
}

/// Lines.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        writeln!(self.0, "{arguments}").ok();
    }
}

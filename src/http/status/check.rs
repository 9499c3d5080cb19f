//! A check in a row: how it is, what is wrong, whose trouble that is, what to do.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{age, endpoint_path};
use crate::check::messaging::Level;
use crate::check::origin::Expect;
use crate::check::probe::Probe;
use crate::health::State as Health;
use crate::outcome::Outcome;
use crate::outcome::verdict::{self, Verdict};
use crate::record::snapshot::{CheckRecord, Snapshot};

/// A class, and a word with a shape: colour alone tells nobody anything.
pub fn word(state: Health) -> (&'static str, &'static str) {
    match state {
        Health::Up => ("up", "▲ up"),
        Health::Down => ("down", "▼ down"),
        Health::Unknown => ("unknown", "? unknown"),
    }
}

/// Its row in the table.
pub fn row(snapshot: &Snapshot, record: &CheckRecord, now: Timestamp) -> Markup {
    let check = &record.check;
    let (class, word) = word(record.health.state());
    html! {
        tr {
            td class=(class) { (word) br; small { "for " (age(record.health.since(), now)) } }
            td class="door" {
                a href=(endpoint_path(&check.endpoint.name)) { b { (&*check.endpoint.name) } }
                " " (check.probe.kind()) br; small { (check.endpoint.target) }
            }
            td class="page" {
                @if let Some(rule) = &check.origin {
                    (rule.name)
                    @if rule.expect == Expect::Deny { br; em { "must be refused" } }
                }
            }
            td { (trouble(record)) (guest(record)) }
            td class="figure" {
                @if let Some(total) = record.recent.total() {
                    (format!("{:.1} ms", total.p50.as_secs_f64() * 1e3))
                }
            }
            td class="figure" { @if let Some(at) = record.last_run_at { (age(at, now)) " ago" } @else { "not yet" } }
            td { (certificate(snapshot, record, now)) }
        }
    }
}

/// Why the check fails; under it, what became of the last run where that is another matter.
pub fn trouble(record: &CheckRecord) -> Markup {
    let last = record.last.as_deref();
    let failed = record.last_failed.as_deref().filter(|_| record.failing.is_some());
    let aside = last.filter(|outcome| outcome.verdict == Verdict::Inconclusive);
    html! {
        @match (failed, record.failing) {
            (Some(outcome), _) => { (explained(outcome)) }
            // Known from before a restart: the run itself is not kept.
            (None, Some((phase, reason))) => {
                b { (reason) } @if let Some(phase) = phase { " in " (phase) }
                br; (reason.sentence())
                br; small { (reason.fix()) }
            }
            (None, None) => {}
        }
        @if record.health.state() == Health::Down && record.health.passes() > 0 {
            p {
                "Recovering: " (record.health.passes()) " of "
                (record.check.endpoint.health.up_after()) " passes in a row."
            }
        }
        @if let Some(outcome) = aside {
            @if failed.is_some() { p { "The last run said nothing:" } }
            (explained(outcome))
        }
        @for remark in last.iter().flat_map(|outcome| &outcome.remarks) {
            p {
                "Warning: " b { (remark.warning) } br; (remark.warning.sentence())
                @if !remark.evidence.is_empty() { br; "Seen: " bdi { (remark.evidence) } }
                br; small { (remark.warning.fix()) }
            }
        }
    }
}

/// How far up the guest of a messenger came in the last run.
pub fn guest(record: &CheckRecord) -> Markup {
    let (Probe::Messaging(messaging), Some(last)) = (&*record.check.probe, &record.last) else {
        return html! {};
    };
    // Nothing was asked at all.
    if last.failure.as_ref().is_some_and(|failure| failure.phase().is_none()) {
        return html! {};
    }
    let reached = last.observation.messaging.as_ref().and_then(|seen| seen.reached);
    html! {
        p {
            "Guest: " b { "L" (reached.map_or(0, Level::number)) }
            // A page that must be refused goes no further than it must to be.
            @if record.check.expect() == Expect::Allow { " of L" (messaging.level.number()) }
            ": " (reached.map_or("the socket did not open", Level::sentence))
        }
    }
}

fn explained(outcome: &Outcome) -> Markup {
    let Some(failure) = &outcome.failure else { return html! {} };
    let (reason, evidence) = (failure.reason(), failure.evidence());
    html! {
        b { (reason) } @if let Some(phase) = failure.phase() { " in " (phase) }
        br; (reason.sentence())
        @if !evidence.is_empty() { br; "Seen: " bdi { (evidence) } }
        br; small { "Whose: " (verdict::whose(outcome.verdict, failure)) ". " (reason.fix()) }
    }
}

fn certificate(snapshot: &Snapshot, record: &CheckRecord, now: Timestamp) -> Markup {
    let name = &record.check.endpoint.name;
    let presented = snapshot.endpoints.iter().find(|endpoint| endpoint.endpoint.name == *name);
    let leaves = presented.iter().flat_map(|endpoint| endpoint.presented.iter());
    let facts = leaves.filter_map(|at| at.chain.leaf()?.facts.as_ref());
    let Some(facts) = facts.min_by_key(|facts| facts.not_after) else { return html! {} };
    // The tenth of a lifetime is when automation should have renewed it long ago.
    let class = if facts.life_left(now) < 0.1 { "down" } else { "" };
    html! {
        span class=(class) {
            @if facts.not_after > now { (age(now, facts.not_after)) " left" }
            @else { "expired " (age(facts.not_after, now)) " ago" }
        }
    }
}

//! `GET /`: what is open, and every check in one table, for people.

mod changes;
mod deployments;
mod incidents;
mod news;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, StatusCode};
use jiff::{SignedDuration, Timestamp};
use maud::{DOCTYPE, Markup, html};
use tokio::time::timeout;

use super::Context;
use crate::casebook::archive::Filter;
use crate::casebook::changes::{ChangeFilter, Changes};
use crate::casebook::question::Question;
use crate::check::messaging::Level;
use crate::check::origin::Expect;
use crate::check::probe::Probe;
use crate::health::State as Health;
use crate::incident::record::Incident;
use crate::outcome::Outcome;
use crate::outcome::verdict::{self, Verdict};
use crate::record::snapshot::{CheckRecord, Snapshot};
use crate::tenant::view::View;

/// Nothing from elsewhere, and no script at all.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// Open incidents that are shown: an endpoint has one at a time.
const MAX_INCIDENTS: usize = 100;

/// Changes that are shown: of a day, the newest.
const MAX_CHANGES: usize = 20;

/// How old they may be.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// How long the page waits for them: a disk that hangs must not take the page with it.
const PATIENCE: Duration = Duration::from_secs(1);

const STYLE: &str = include_str!("status.css");

/// The page.
pub async fn page(State(context): State<Context>) -> Response {
    let Some(snapshot) = context.reader.look().await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the recorder has ended\n").into_response();
    };
    // Without them the page still says what is up and down.
    let wanted = Filter { open: Some(true), limit: MAX_INCIDENTS, ..Filter::default() };
    let asked = context.casebook.ask(|answer| Question::Incidents(wanted, answer));
    let since = snapshot.taken_at.saturating_sub(RECENT).ok();
    let lately = ChangeFilter { since, limit: MAX_CHANGES, ..ChangeFilter::default() };
    let changes = context.casebook.ask(|answer| Question::Changes(lately, answer));
    let both = async { (asked.await.flatten(), changes.await.flatten()) };
    let (open, changes) = timeout(PATIENCE, both).await.unwrap_or_default();
    let tenant = context.tenant.borrow().clone();
    let (open, changes) = (open.unwrap_or_default(), changes.unwrap_or_default());
    let beside = Beside { open, changes, tenant };
    let headers: [(HeaderName, &str); 4] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, render(&snapshot, &beside)).into_response()
}

/// What the page shows beside the checks.
#[derive(Debug, Default)]
pub struct Beside {
    /// Incidents that are open.
    pub open: Vec<Incident>,
    /// What was changed lately.
    pub changes: Changes,
    /// What is known of the organisation at Genesys Cloud.
    pub tenant: Arc<View>,
}

/// Renders a snapshot, and what is shown beside it.
pub fn render(snapshot: &Snapshot, beside: &Beside) -> Markup {
    let now = snapshot.taken_at;
    let mut records: Vec<_> = snapshot.checks.iter().map(AsRef::as_ref).collect();
    // What is wrong first; otherwise in the order of the config.
    records.sort_by_key(|record: &&CheckRecord| match record.health.state() {
        Health::Down => 0,
        Health::Unknown => 1,
        Health::Up => 2,
    });
    let count = |state| records.iter().filter(|record| record.health.state() == state).count();
    let (down, unknown, up) = (count(Health::Down), count(Health::Unknown), count(Health::Up));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="15";
                title {
                    "Watchpost: "
                    @if snapshot.sight.blind().is_some() { "blind" } @else { (down) " down" }
                }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Watchpost" }
                    p {
                        strong { (down) " down" } ", " (unknown) " unknown, " (up) " up, as of "
                        time { (now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()) } "."
                    }
                }
                @if let Some(blind) = blindness(snapshot) { (blind) }
                (incidents::open(&beside.open, now))
                (news::heard(&beside.tenant, now))
                main {
                    table {
                        thead {
                            tr {
                                th { "Health" } th { "Endpoint" } th { "Page" } th { "What is wrong" }
                                th { "Median" } th { "Last run" } th { "Certificate" }
                            }
                        }
                        tbody { @for record in records { (row(snapshot, record, now)) } }
                    }
                }
                (deployments::known(snapshot, &beside.tenant))
                (changes::lately(&beside.changes, now))
                footer {
                    a href="/metrics" { "/metrics" } " · "
                    a href="/api/v1/checks" { "/api/v1/checks" } " · "
                    a href="/api/v1/incidents" { "/api/v1/incidents" } " · "
                    a href="/api/v1/changes" { "/api/v1/changes" } " · "
                    a href="/api/v1/deployments" { "/api/v1/deployments" } " · "
                    a href="/api/v1/correlations" { "/api/v1/correlations" } " · "
                    a href="/api/v1/events" { "/api/v1/events" } " · "
                    a href="/api/v1/news" { "/api/v1/news" }
                }
            }
        }
    }
}

/// In big words, above all else.
fn blindness(snapshot: &Snapshot) -> Option<Markup> {
    snapshot.sight.blind()?;
    Some(html! {
        section class="blind" role="alert" {
            h2 { "This monitor is blind" }
            p { "It cannot tell good from bad: nothing below is known to be up or down. What fails:" }
            ul {
                @for (check, trouble) in snapshot.sight.red() {
                    li { b { (check.name()) } ": " bdi { (trouble) } " (" (check.sentence()) ")" }
                }
            }
            p { "It recovers by itself once these pass." }
        }
    })
}

fn row(snapshot: &Snapshot, record: &CheckRecord, now: Timestamp) -> Markup {
    let check = &record.check;
    let (class, word) = match record.health.state() {
        Health::Up => ("up", "▲ up"),
        Health::Down => ("down", "▼ down"),
        Health::Unknown => ("unknown", "? unknown"),
    };
    html! {
        tr {
            td class=(class) { (word) br; small { "for " (age(record.health.since(), now)) } }
            td { b { (&*check.endpoint.name) } " " (check.probe.kind()) br; small { (check.endpoint.target) } }
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
fn trouble(record: &CheckRecord) -> Markup {
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
fn guest(record: &CheckRecord) -> Markup {
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
            // A page that must be refused says nothing, even where it gets in.
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

/// `12 s`, `3 min`, `5 h`, `89 d`.
fn age(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).max(SignedDuration::ZERO).as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

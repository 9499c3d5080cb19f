//! The pages for people: what is open, every check, one endpoint, one incident, all certificates.
//!
//! Each is made anew for whoever asks, out of a snapshot; as text for a terminal, and with JSON
//! beside it.

mod certificates;
mod chains;
mod changes;
mod check;
mod deployments;
mod drill;
mod endpoint;
mod frame;
mod incident;
mod incidents;
mod matrix;
mod news;
mod pictures;
mod space;
mod text;
mod triage;
mod users;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use tokio::time::timeout;

use super::Context;
use super::api;
use crate::casebook::archive::Filter;
use crate::casebook::changes::{ChangeFilter, Changes};
use crate::casebook::question::Question;
use crate::casebook::question::arrivals::Arrivals;
use crate::check::endpoint::EndpointName;
use crate::check::origin::Expect;
use crate::drill::Drill;
use crate::health::State as Health;
use crate::incident::record::Incident;
use crate::incident::words;
use crate::outcome::Outcome;
use crate::outcome::reason::Fault;
use crate::outcome::verdict::Verdict;
use crate::record::snapshot::{CheckRecord, Snapshot};
use crate::tenant::report::Found;
use crate::tenant::view::View;
pub use certificates::page as certificates;
pub use drill::for_ticket as drill_for_ticket;
pub use endpoint::page as endpoint;
use frame::{Page, Wanted};
pub use incident::page as incident;
use space::fitting;
use triage::Triage;

/// Open incidents that are shown: an endpoint has one at a time.
const MAX_INCIDENTS: usize = 100;

/// Changes that are shown: of a day, the newest.
const MAX_CHANGES: usize = 20;

/// How old they may be.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// How long a page waits for what is in files: a disk that hangs must not take the page with it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Bytes that the table of checks may take.
const CHECK_BYTES: usize = 14_000;

/// `GET /`
pub async fn page(State(context): State<Context>, headers: HeaderMap) -> Response {
    let wanted = Wanted::of(&headers);
    if wanted == Wanted::Json {
        return api::checks(State(context)).await;
    }
    let Some(snapshot) = context.reader.look().await else {
        return frame::unavailable("the recorder has ended\n");
    };
    let beside = Beside::of(&context, None, snapshot.taken_at).await;
    match wanted {
        Wanted::Text => frame::text(text::overview(&snapshot, &beside)),
        _ => overview(&snapshot, &beside).into_response(),
    }
}

/// What a page shows beside the checks.
#[derive(Debug, Default)]
pub struct Beside {
    /// Incidents that are open.
    pub open: Vec<Incident>,
    /// What was changed lately.
    pub changes: Changes,
    /// What is heard of users.
    pub arrivals: Arrivals,
    /// What is known of the organisation at Genesys Cloud.
    pub tenant: Arc<View>,
    /// What is wrong with the endpoint's pages there.
    pub findings: Vec<Found>,
    /// The drill that goes on.
    pub drill: Option<Arc<Drill>>,
}

impl Beside {
    /// As far as it is told in time: without it a page still says what is up and down.
    async fn of(context: &Context, endpoint: Option<&EndpointName>, now: Timestamp) -> Self {
        let endpoint = endpoint.cloned();
        let wanted = Filter {
            endpoint: endpoint.clone(),
            open: Some(true),
            limit: MAX_INCIDENTS,
            ..Filter::default()
        };
        let asked = context.casebook.ask(|answer| Question::Incidents(wanted, answer));
        let since = now.saturating_sub(RECENT).ok();
        let whose = endpoint.clone();
        let heard = context.casebook.ask(|answer| Question::Arrivals(whose, now, answer));
        let lately =
            ChangeFilter { endpoint, since, limit: MAX_CHANGES, ..ChangeFilter::default() };
        let changes = context.casebook.ask(|answer| Question::Changes(lately, answer));
        let all = async { (asked.await.flatten(), changes.await.flatten(), heard.await.flatten()) };
        let (open, changes, arrivals) = timeout(PATIENCE, all).await.unwrap_or_default();
        let (open, changes) = (open.unwrap_or_default(), changes.unwrap_or_default());
        let arrivals = arrivals.unwrap_or_default();
        let tenant = context.tenant.borrow().clone();
        let drill = context.drills.under_way(now);
        Self { open, changes, arrivals, tenant, findings: Vec::new(), drill }
    }
}

/// Renders a snapshot, and what is shown beside it.
pub fn render(snapshot: &Snapshot, beside: &Beside) -> Markup {
    overview(snapshot, beside).markup()
}

fn overview(snapshot: &Snapshot, beside: &Beside) -> Page {
    let now = snapshot.taken_at;
    let records = sorted(snapshot);
    let (down, unknown, up) = counts(&snapshot.checks);
    let title = match snapshot.sight.blind() {
        Some(_) => "blind".to_owned(),
        None => format!("{down} down"),
    };
    let (rows, left) = fitting(records, CHECK_BYTES, |record| check::row(snapshot, record, now));
    Page {
        title,
        summary: format!("{down} down, {unknown} unknown, {up} up"),
        at: now,
        json: "/api/v1/checks".to_owned(),
        main: html! {
            @if let Some(drill) = &beside.drill { (drill::banner(drill)) }
            @if let Some(blind) = blindness(snapshot) { (blind) }
            (triage::shown(&Triage::of(snapshot), &beside.open))
            @if let Some(unproven) = unproven(&snapshot.checks) { p { (unproven) } }
            @if let Some(heard) = users::heard(&beside.arrivals, now) { p { (heard) } }
            (incidents::open(&beside.open, now))
            (news::heard(&beside.tenant, now))
            (matrix::shown(snapshot))
            section aria-labelledby="checks" {
                h2 id="checks" { "Checks" }
                table class="cards checks" {
                    thead {
                        tr {
                            th scope="col" { "Health" } th scope="col" { "Endpoint" }
                            th scope="col" { "Page" } th scope="col" { "What is wrong" }
                            th scope="col" { "Median" } th scope="col" { "Last run" }
                            th scope="col" { "Certificate" }
                        }
                    }
                    tbody { @for row in rows { (row) } }
                }
                @if left > 0 {
                    p { (left) " more checks, which are not worse: each endpoint has a page above." }
                }
            }
            (deployments::known(snapshot, &beside.tenant))
            (changes::lately(&beside.changes, now))
        },
    }
}

/// What is wrong first; otherwise in the order of the config.
fn sorted(snapshot: &Snapshot) -> Vec<&CheckRecord> {
    let mut records: Vec<_> = snapshot.checks.iter().map(AsRef::as_ref).collect();
    records.sort_by_key(|record: &&CheckRecord| record.health.state().turn());
    records
}

/// Down, unknown, up.
fn counts(records: &[Arc<CheckRecord>]) -> (usize, usize, usize) {
    let of = |state| records.iter().filter(|record| record.health.state() == state).count();
    (of(Health::Down), of(Health::Unknown), of(Health::Up))
}

/// What it means that pages which must be refused are unknown; nothing where none is.
fn unproven(records: &[Arc<CheckRecord>]) -> Option<String> {
    let is_unproven = |record: &&Arc<CheckRecord>| {
        let said_nothing = |outcome: &Arc<Outcome>| {
            let ours = outcome.failure.as_ref().is_some_and(|why| why.fault() == Fault::Monitor);
            outcome.verdict == Verdict::Inconclusive && !ours
        };
        record.health.state() == Health::Unknown
            && record.check.expect() == Expect::Deny
            && record.last.as_ref().is_some_and(said_nothing)
    };
    match records.iter().filter(is_unproven).count() {
        0 => None,
        n => Some(format!(
            "Unknown: {} of a page that must be refused, at a door that lets nobody in: that \
             proves no allow list.",
            words::count(n as u64, "check")
        )),
    }
}

/// Where the page of an endpoint is: its name is safe in a path.
fn endpoint_path(name: &EndpointName) -> String {
    format!("/endpoint/{}", &**name)
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

#[cfg(test)]
mod tests;

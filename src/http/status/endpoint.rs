//! `GET /endpoint/{name}`: one endpoint, page by page, phase by phase, over the last day.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::{self, Page, Wanted};
use super::space::fitting;
use super::{
    Beside, age, chains, changes, check, counts, deployments, incidents, pictures, text, unproven,
    users,
};
use crate::check::endpoint::EndpointName;
use crate::check::origin::Expect;
use crate::drill;
use crate::http::Context;
use crate::http::portrait::{Days, Portrait};
use crate::outcome::phase::Phase;
use crate::record::recent::Percentiles;
use crate::record::snapshot::CheckRecord;
use crate::tenant::report::Found;

/// Bytes that its checks, its heatmaps and its chains may take.
const CHECK_BYTES: usize = 16_000;
const MAP_BYTES: usize = 9_000;
const CHAIN_BYTES: usize = 6_000;

/// The page.
pub async fn page(
    State(context): State<Context>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(snapshot) = context.reader.look().await else {
        return frame::unavailable("the recorder has ended\n");
    };
    // Whoever is woken by a drill comes by its name.
    let name = drill::endpoint_of(&name).unwrap_or(&name).to_owned();
    let Ok(name) = EndpointName::try_from(name) else { return frame::missing("endpoint") };
    let drill = context.drills.under_way(snapshot.taken_at);
    let drill = drill.filter(|drill| drill.endpoint.name == name);
    let Some(portrait) = Portrait::of(&snapshot, &name, &context.drawings).await else {
        return frame::missing("endpoint");
    };
    let wanted = Wanted::of(&headers);
    if wanted == Wanted::Json {
        return Json(portrait).into_response();
    }
    let beside = Beside::of(&context, Some(&name), snapshot.taken_at).await;
    let findings = Found::wrong_at(&name, &snapshot, &beside.tenant);
    let beside = Beside { drill, findings, ..beside };
    match wanted {
        Wanted::Text => frame::text(text::endpoint(&portrait, &beside)),
        _ => render(&portrait, &beside).into_response(),
    }
}

/// Renders it.
pub fn render(portrait: &Portrait, beside: &Beside) -> Page {
    let now = portrait.taken_at;
    let each = portrait.records.iter().zip(&portrait.checks);
    let (checks, more) = fitting(each, CHECK_BYTES, |(record, days)| one(record, days, now));
    let (maps, hidden) = fitting(&portrait.latency, MAP_BYTES, |times| {
        html! {
            h3 { "Probe " (times.probe) }
            div class="wide" role="region" tabindex="0" aria-label={ "Times of probe " (times.probe) } {
                @if let Some(map) = pictures::heatmap(&times.day) { (map) }
            }
        }
    });
    let (chains, others) = fitting(&portrait.chains, CHAIN_BYTES, |held| chains::chain(held, now));
    let (down, unknown, up) = counts(&portrait.records);
    let json = format!("/api/v1/endpoints/{}", portrait.endpoint);
    Page {
        title: format!("{}: {down} down", portrait.endpoint),
        summary: format!("{}: {down} down, {unknown} unknown, {up} up", portrait.endpoint),
        at: now,
        main: html! {
            @if let Some(drill) = &beside.drill { (super::drill::banner(drill)) }
            p { (portrait.url) }
            @if let Some(unproven) = unproven(&portrait.records) { p { (unproven) } }
            @if let Some(judged) = users::judged(&beside.arrivals, now) { p { (judged) } }
            (incidents::open(&beside.open, now))
            (deployments::wrong(&beside.findings))
            @if !portrait.history { p { b { "The past cannot be read; the log says why." } } }
            section aria-labelledby="day" {
                h2 id="day" { "Checks and their last 24 hours" }
                p { small { "Left: 24 hours ago. Right: now. High: failed. Half high: some failed. Low: passed. A line: nothing known." } }
                @for check in checks { (check) }
                @if more > 0 { p { (more) " more checks: " a href=(json) { (json) } } }
            }
            @if !portrait.latency.is_empty() {
                section aria-labelledby="times" {
                    h2 id="times" { "How long runs took, over 24 hours (UTC)" }
                    p { small { "The darker, the more runs; failed ones are among them." } }
                    @for map in maps { (map) }
                    @if hidden > 0 { p { (hidden) " more: " a href=(json) { (json) } } }
                }
            }
            @if !portrait.chains.is_empty() {
                section aria-labelledby="chains" {
                    h2 id="chains" { "Certificates" }
                    @for chain in chains { (chain) }
                    @if others > 0 { p { (others) " more: " a href="/certificates" { "/certificates" } } }
                }
            }
            (changes::lately(&beside.changes, now))
        },
        json,
    }
}

fn one(record: &CheckRecord, days: &Days, now: Timestamp) -> Markup {
    let (class, word) = check::word(record.health.state());
    html! {
        article {
            h3 {
                span class=(class) { (word) } " " (record.check.probe.kind())
                @if let Some(rule) = &record.check.origin {
                    " " bdi { (rule.name) } @if rule.expect == Expect::Deny { ", must be refused" }
                }
            }
            p {
                "For " (age(record.health.since(), now)) ", every "
                (record.check.cadence.interval().as_secs_f64()) " s; last run "
                @if let Some(at) = record.last_run_at { (age(at, now)) " ago." } @else { "not yet." }
            }
            (check::trouble(record))
            (check::guest(record))
            @if let Some(day) = &days.day { (pictures::day(day)) p { small { (day.words()) "." } } }
            (phases(record))
        }
    }
}

/// What the last runs took, phase by phase.
fn phases(record: &CheckRecord) -> Markup {
    let Some(total) = record.recent.total() else { return html! {} };
    let each = Phase::ALL.iter().filter_map(|phase| Some((*phase, record.recent.phase(*phase)?)));
    let whole = total.p95.as_secs_f64().max(f64::MIN_POSITIVE);
    let row = |name: &str, times: Percentiles| {
        let micros = |time: std::time::Duration| {
            pictures::time(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
        };
        let share = times.p95.as_secs_f64() / whole;
        html! {
            tr {
                th scope="row" { (name) }
                td class="figure" { (micros(times.p50)) }
                td class="figure" { (micros(times.p95)) }
                td class="figure" { (micros(times.p99)) }
                td { (pictures::bar(share, false, &format!("{:.0} % of the whole", share * 100.0))) }
            }
        }
    };
    html! {
        details {
            summary { "Phases of its last " (record.recent.len()) " runs" }
            table {
                thead {
                    tr {
                        th scope="col" { "Phase" } th scope="col" { "Half" }
                        th scope="col" { "95 %" } th scope="col" { "99 %" }
                        th scope="col" { "Share of the whole" }
                    }
                }
                tbody {
                    @for (phase, times) in each { (row(phase.as_str(), times)) }
                    (row("whole", total))
                }
            }
        }
    }
}

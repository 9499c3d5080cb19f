//! `GET /incident/{id}`: what happened, whose trouble it is, whom it hurts.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use tokio::time::timeout;

use super::frame::{self, Page, Wanted};
use super::space::fitting;
use super::{PATIENCE, age, endpoint_path, pictures};
use crate::casebook::question::Question;
use crate::clock;
use crate::http::{Context, drill};
use crate::incident::id::IncidentId;
use crate::incident::record::{Exhibit, Incident, Standing, Stricken};
use crate::incident::timeline::{Entry, What};
use crate::incident::view::Detail;
use crate::incident::{plain, words};

/// Bytes that its timeline, its minutes, its checks, its evidence and its severity may take.
const STORY_BYTES: usize = 15_000;
const MINUTE_BYTES: usize = 9_000;
const DOWN_BYTES: usize = 6_000;
const OVER_BYTES: usize = 2_000;
const EVIDENCE_BYTES: usize = 4_500;
const WEIGHT_BYTES: usize = 3_000;

/// The page.
pub async fn page(
    State(context): State<Context>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let id = IncidentId::from_text(&id);
    let Ok(Ok(drill)) = timeout(PATIENCE, drill::known(&context, &id)).await else {
        return frame::unavailable("the events file cannot be read; see the log\n");
    };
    if let Some(drill) = drill {
        return super::drill::page(drill, Wanted::of(&headers), clock::now());
    }
    let asked = context.casebook.ask(|answer| Question::Incident(id, answer));
    let Ok(Some(Some(found))) = timeout(PATIENCE, asked).await else {
        return frame::unavailable("the events file cannot be read; see the log\n");
    };
    let Some(incident) = found else { return frame::missing("incident") };
    match Wanted::of(&headers) {
        Wanted::Json => Json(Detail::of(&incident)).into_response(),
        Wanted::Text => frame::text(plain::page(&incident)),
        Wanted::Html => render(&incident, clock::now()).into_response(),
    }
}

/// Renders it.
pub fn render(incident: &Incident, now: jiff::Timestamp) -> Page {
    let state = match incident.closed {
        None => format!("open for {}", age(incident.began_at, now)),
        Some(closed) => {
            format!(
                "closed {} ago, lasted {}",
                age(closed.at, now),
                age(incident.began_at, closed.at)
            )
        }
    };
    let story = incident.story();
    let told: Vec<_> =
        story.iter().filter(|entry| !matches!(entry.what, What::Users { .. })).collect();
    // The newest first: what is happening now matters more than how it began.
    let (rows, left) = fitting(told.iter().rev(), STORY_BYTES, |entry| happened(entry));
    let left = left as u64 + incident.timeline.omitted;
    let (down, more_down) = fitting(incident.held_by(), DOWN_BYTES, |one| check(one, now));
    let (over, more_over) = fitting(incident.over(), OVER_BYTES, |one| check(one, now));
    let json = format!("/api/v1/incidents/{}", incident.id);
    let (exhibits, unseen) =
        fitting(&incident.evidence, EVIDENCE_BYTES, |exhibit| shown(exhibit, &json));
    let (weights, _) = fitting(&incident.weights, WEIGHT_BYTES, |weight| {
        html! { li { (format!("{:+}", weight.points)) ": " bdi { (weight.because) } } }
    });
    Page {
        title: incident.title(),
        summary: state,
        at: now,
        main: html! {
            h2 { (incident.title()) }
            section class="triage" aria-labelledby="whose" {
                h2 id="whose" { "Whose trouble is it?" }
                @if let Some(waits) = incident.waits() { p { strong { (waits.to_string()) } } }
                @if down.is_empty() && !over.is_empty() {
                    p { "While something was down: " bdi { (words::whose(incident)) } }
                } @else {
                    p { strong { bdi { (words::whose(incident)) } } }
                }
                p { (words::affected(incident)) }
            }
            p {
                "Endpoint " a href=(endpoint_path(&incident.endpoint)) { (&*incident.endpoint) }
                @for (name, value) in owner(incident) { ", " (name) " " bdi { (value) } }
                ". " a href={ (json) "?format=markdown" } { "For a ticket" } "."
            }
            @if !down.is_empty() {
                section aria-labelledby="checks" {
                    h2 id="checks" { "What is down" }
                    ul { @for line in down { li { (line) } } }
                    @if more_down > 0 { p { (more_down) " more: " a href=(json) { (json) } } }
                }
            }
            @if !over.is_empty() {
                section aria-labelledby="over" {
                    h2 id="over" { "What was down" }
                    ul { @for line in over { li { (line) } } }
                    @if more_over > 0 { p { (more_over) " more: " a href=(json) { (json) } } }
                }
            }
            section aria-labelledby="story" {
                h2 id="story" { "What happened" }
                table class="cards" {
                    thead { tr { th scope="col" { "When (UTC)" } th scope="col" { "What" } } }
                    tbody { @for row in rows { (row) } }
                }
                @if left > 0 { p { (left) " earlier entries: " a href=(json) { (json) } } }
            }
            (minutes(incident))
            @if !incident.evidence.is_empty() {
                section aria-labelledby="evidence" {
                    h2 id="evidence" { "Evidence" }
                    ul { @for exhibit in exhibits { (exhibit) } }
                    @if unseen > 0 { p { (unseen) " more: " a href=(json) { (json) } } }
                }
            }
            section aria-labelledby="why" {
                h2 id="why" { "Why it is " (incident.severity.as_str()) }
                ul { @for weight in weights { (weight) } }
            }
        },
        json,
    }
}

fn owner(incident: &Incident) -> impl Iterator<Item = (&'static str, &String)> {
    let owner = &incident.owner;
    let all = [("team", &owner.team), ("tier", &owner.tier), ("runbook", &owner.runbook)];
    all.into_iter().filter(|(_, value)| !value.is_empty())
}

fn clock_of(at: jiff::Timestamp) -> String {
    at.strftime("%m-%d %H:%M:%S").to_string()
}

fn check((id, check): (&String, &Stricken), now: jiff::Timestamp) -> Markup {
    let (class, word) = match check.standing {
        Standing::Down => ("down", "▼ down"),
        Standing::NotSeen => ("unknown", "? not seen"),
        Standing::Up => ("up", "▲ up again"),
        Standing::Removed => ("unknown", "? taken out"),
    };
    // Nothing is to be done about what is over.
    let reason = check.cause.and_then(|cause| cause.reason).filter(|_| check.is_held());
    html! {
        span class=(class) { (word) } " " bdi { (id) } " for " (age(check.since, now))
        @if let Some(cause) = check.cause {
            @if check.is_held() { ": " b { (cause) } } @else { "; it was " (cause) }
        }
        @if let Some(reason) = reason { br; (reason.sentence()) br; small { (reason.fix()) } }
    }
}

fn shown(exhibit: &Exhibit, json: &str) -> Markup {
    html! {
        li {
            a href={ (json) "/evidence/" (exhibit.n) } { "run " (exhibit.n) }
            ", " (clock_of(exhibit.at)) ", " bdi { (exhibit.check) }
            @if let Some(cause) = exhibit.cause { ": " (cause) }
        }
    }
}

fn happened(entry: &Entry) -> Markup {
    let changed = matches!(entry.what, What::Change { .. });
    let line = words::told(entry, |text| text.to_owned());
    html! {
        tr {
            td class="figure" { (clock_of(entry.at)) }
            td { @if changed { b { bdi { (line) } } } @else { bdi { (line) } } }
        }
    }
}

/// How the users fared.
fn minutes(incident: &Incident) -> Markup {
    let all: Vec<_> = incident.minutes.iter().rev().collect();
    let most = all.iter().map(|minute| minute.ended).max().unwrap_or(0).max(1);
    let (rows, left) = fitting(&all, MINUTE_BYTES, |minute| {
        let share = f64::from(minute.failed) / f64::from(most);
        html! {
            tr {
                td class="figure" { (minute.at.strftime("%m-%d %H:%M").to_string()) }
                td class="figure" { (minute.failed) " of " (minute.ended) }
                td { (pictures::bar(share, true, &format!("{} failed", minute.failed))) }
                td { (minute.correlation) }
            }
        }
    });
    html! {
        @if !all.is_empty() {
            section aria-labelledby="minutes" {
                h2 id="minutes" { "Conversations, minute by minute" }
                div class="wide" role="region" aria-label="Table of minutes" tabindex="0" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Minute (UTC)" } th scope="col" { "Failed" }
                            th scope="col" { "Of the busiest minute" }
                            th scope="col" { "Probes and users" }
                        }
                    }
                    tbody { @for row in rows { (row) } }
                }
                }
                @if left > 0 { p { (left) " earlier minutes." } }
            }
        }
    }
}

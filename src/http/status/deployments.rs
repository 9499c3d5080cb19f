//! The deployments at Genesys Cloud, under the table of checks.

use jiff::Timestamp;
use maud::{Markup, html};

use super::age;
use super::space::fitting;
use crate::record::snapshot::Snapshot;
use crate::tenant::report::{Deployment, Deployments, Found, SourceView};
use crate::tenant::view::View;

/// Bytes that deployments may take: those with trouble first.
const BYTES: usize = 7_000;

/// Entries of a list, oddities and pages of one that are shown.
const MAX_EACH: usize = 5;

/// Those that are known; nothing where no organisation is configured.
pub fn known(snapshot: &Snapshot, view: &View) -> Markup {
    if view.organisation.is_none() {
        return html! {};
    }
    let report = Deployments::new(snapshot, view);
    let now = report.taken_at;
    let mut shown: Vec<&Deployment> = report.deployments.iter().collect();
    shown.sort_by_key(|deployment| !is_wrong(deployment));
    let (rows, left) = fitting(shown, BYTES, |deployment| one(deployment, now));
    html! {
        section {
            h2 { "Deployments" }
            p {
                "Genesys Cloud, " (report.region.unwrap_or_default()) ". "
                @match report.round.ended_at {
                    Some(at) => { "Asked " (age(at, now)) " ago." }
                    None => { "Not asked yet since the daemon began." }
                }
                @if let Some(trouble) = &report.round.trouble {
                    br; b { (trouble.code) } ": " bdi { (trouble.sentence) }
                    ". What was known last is shown."
                }
                @if let Some(cut) = &report.round.cut {
                    br; b { (cut.code) } ": " (cut.sentence) "."
                }
            }
            ul { @for row in rows { (row) } }
            @if left > 0 {
                p { (left) " more: " a href="/api/v1/deployments" { "/api/v1/deployments" } }
            }
        }
    }
}

fn is_wrong(deployment: &Deployment) -> bool {
    !deployment.contradictions.is_empty() || deployment.findings.iter().any(Found::is_wrong)
}

/// What is wrong with the pages of one endpoint.
pub fn wrong(found: &[Found]) -> Markup {
    html! {
        @if !found.is_empty() {
            section aria-labelledby="findings" {
                h2 id="findings" { "At Genesys Cloud" }
                @for found in found.iter().take(MAX_EACH) { p { (finding(found)) } }
                @if found.len() > MAX_EACH {
                    p { (found.len() - MAX_EACH) " more: " a href="/api/v1/deployments" { "/api/v1/deployments" } }
                }
            }
        }
    }
}

fn finding(found: &Found) -> Markup {
    html! {
        span class=(if found.is_wrong() { "down" } else { "up" }) { (found.finding) }
        " " (found.endpoint) " " (found.origin)
        @if found.is_wrong() { br; (found.sentence) br; small { (found.fix) } }
    }
}

fn one(deployment: &Deployment, now: Timestamp) -> Markup {
    let sources = &deployment.sources;
    html! {
        li {
            @if let Some(name) = &deployment.name { b { bdi { (name) } } " " }
            small { (deployment.id) } ", "
            (deployment.status.map_or("status unknown", |status| status.as_str()))
            @if let Some(version) = &deployment.configuration_version {
                ", configuration version " (version)
            }
            br; (list(deployment))
            br; small {
                "API " (told(&sources.api, now)) ", domains.json " (told(&sources.domains, now))
                ", config.json " (told(&sources.config, now))
            }
            @if let Some(skip) = deployment.skipped { br; "No endpoint: " (skip.sentence()) }
            @for difference in &deployment.contradictions { p { b { "differs" } ": " bdi { (difference) } } }
            @for remark in deployment.oddities.iter().take(MAX_EACH) {
                p {
                    b { (remark.oddity) }
                    @if let Some(entry) = &remark.entry { " " bdi { (entry) } }
                    ": " (remark.sentence) br; small { (remark.fix)
                        @if let Some(instead) = &remark.instead { " " bdi { (instead) } } }
                }
            }
            @for found in deployment.findings.iter().take(MAX_EACH) {
                p { (finding(found)) }
            }
            @if deployment.oddities.len().max(deployment.findings.len()) > MAX_EACH {
                p { "There is more: " a href="/api/v1/deployments" { "/api/v1/deployments" } }
            }
        }
    }
}

fn list(deployment: &Deployment) -> Markup {
    html! {
        @match (&deployment.allow_all_domains, &deployment.allowed_domains) {
            (Some(true), _) => { "all domains allowed" }
            (_, Some(entries)) => {
                "allowed domains: "
                @for (n, entry) in entries.iter().take(MAX_EACH).enumerate() {
                    @if n > 0 { ", " } bdi { (entry) }
                }
                @if entries.is_empty() { "none" }
                @if entries.len() > MAX_EACH { " and " (entries.len() - MAX_EACH) " more" }
            }
            _ => { "allowed domains unknown" }
        }
    }
}

fn told(source: &SourceView, now: Timestamp) -> Markup {
    html! {
        @match (source.answer, source.said_at) {
            ("not_asked", _) => { "not asked" }
            ("absent", _) => { "has none of this id" }
            (_, Some(at)) => { (age(at, now)) " ago" }
            (_, None) => { "never answered" }
        }
        @if source.stale { " " b { "stale" } @if let Some(why) = &source.trouble { " (" bdi { (why) } ")" } }
        @if !source.warnings.is_empty() { " " bdi { (source.warnings.join(", ")) } }
    }
}

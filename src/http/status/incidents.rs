//! What is open, above the table of checks: what happens, since when, whom it hurts.

use jiff::Timestamp;
use maud::{Markup, html};

use super::age;
use super::space::fitting;
use crate::incident::record::Incident;
use crate::incident::words::count;

/// Bytes that they may take.
const BYTES: usize = 4_500;

/// Open incidents, the worst first; nothing where there are none.
pub fn open(incidents: &[Incident], now: Timestamp) -> Markup {
    let mut open: Vec<_> = incidents.iter().collect();
    open.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.opened_at.cmp(&b.opened_at)));
    let (rows, left) = fitting(&open, BYTES, |incident| line(incident, now));
    html! {
        @if !open.is_empty() {
            section {
                h2 { "Open incidents" }
                ul { @for row in rows { (row) } }
                @if left > 0 {
                    p { (left) " more: " a href="/api/v1/incidents?state=open" { "/api/v1/incidents" } }
                }
            }
        }
    }
}

fn line(incident: &Incident, now: Timestamp) -> Markup {
    let failed = incident.affected().failed;
    html! {
        li {
            a href={ "/incident/" (incident.id) } { (incident.title()) }
            ", for " (age(incident.began_at, now))
            @if failed > 0 { ", " (count(failed, "conversation")) " failed" }
            @if let Some(waits) = incident.waits() { br; small { (waits.to_string()) } }
        }
    }
}

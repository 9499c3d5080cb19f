//! What was changed lately, under the table of checks.

use jiff::Timestamp;
use maud::{Markup, html};

use super::age;
use super::space::fitting;
use crate::casebook::changes::Changes;
use crate::incident::ChangeEvent;

/// Bytes that they may take.
const BYTES: usize = 4_500;

/// The changes of a day, the newest first; nothing where there are none.
pub fn lately(lately: &Changes, now: Timestamp) -> Markup {
    let (rows, left) = fitting(&lately.changes, BYTES, |change| one(change, now));
    html! {
        @if !lately.changes.is_empty() {
            section {
                h2 { "What changed" }
                ul { @for row in rows { (row) } }
                @if left > 0 || lately.next.is_some() {
                    p { "There are more: " a href="/api/v1/changes" { "/api/v1/changes" } }
                }
            }
        }
    }
}

fn one(change: &ChangeEvent, now: Timestamp) -> Markup {
    html! {
        li {
            (age(change.at, now)) " ago, "
            @if let Some(endpoint) = &change.endpoint { b { (&**endpoint) } ", " }
            (change.source.as_str()) ": " bdi { (change.what) }
            @if let Some(who) = &change.who { ", by " bdi { (who) } }
        }
    }
}

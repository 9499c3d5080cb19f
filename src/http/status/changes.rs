//! What was changed lately, under the table of checks.

use jiff::Timestamp;
use maud::{Markup, html};

use super::age;
use crate::casebook::changes::Changes;

/// The changes of a day, the newest first; nothing where there are none.
pub fn lately(lately: &Changes, now: Timestamp) -> Markup {
    html! {
        @if !lately.changes.is_empty() {
            section {
                h2 { "What changed" }
                ul {
                    @for change in &lately.changes {
                        li {
                            (age(change.at, now)) " ago, "
                            @if let Some(endpoint) = &change.endpoint { b { (&**endpoint) } ", " }
                            (change.source.as_str()) ": " bdi { (change.what) }
                            @if let Some(who) = &change.who { ", by " bdi { (who) } }
                        }
                    }
                }
                @if lately.next.is_some() {
                    p { "There are more: " a href="/api/v1/changes" { "/api/v1/changes" } }
                }
            }
        }
    }
}

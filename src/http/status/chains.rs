//! Chains with what is left of their lives.

use jiff::Timestamp;
use maud::{Markup, html};

use super::space::fitting;
use super::{age, pictures};
use crate::http::chains::{Certified, Held, Told};

/// Bytes that the certificates of one chain may take.
const BYTES: usize = 4_500;

/// Addresses of a chain that are shown.
const MAX_PLACES: usize = 16;

/// Characters of a name that are shown.
const MAX_NAME: usize = 80;

/// A chain, certificate by certificate.
pub fn chain(held: &Held, now: Timestamp) -> Markup {
    let (rows, left) = fitting(&held.certificates, BYTES, |one| row(one, now));
    let (places, more) = places(held);
    html! {
        h3 {
            (places.join(", "))
            @if more > 0 { " and " (more) " more" }
        }
        p {
            (trust(held)) ", seen " (age(held.seen_at, now)) " ago"
            @if let Some(session) = &held.session { ", " (session.version) ", " (session.cipher) }
        }
        @for evidence in held.evidence.iter().filter(|evidence| !evidence.is_empty()).take(3) {
            p { "Seen: " bdi { (evidence) } }
        }
        table class="cards chain" {
            thead {
                tr {
                    th scope="col" { "Subject" } th scope="col" { "Issuer" }
                    th scope="col" { "Valid" } th scope="col" { "Life left" }
                }
            }
            tbody {
                @for row in rows { (row) }
            }
        }
        @if left > 0 { p { (left) " more certificates: " a href="/api/v1/certificates" { "/api/v1/certificates" } } }
    }
}

/// The first addresses that present it, and how many more do.
pub fn places(held: &Held) -> (Vec<String>, usize) {
    let shown = held.addresses.iter().take(MAX_PLACES).map(ToString::to_string).collect();
    (shown, held.addresses.len().saturating_sub(MAX_PLACES))
}

fn row(one: &Certified, now: Timestamp) -> Markup {
    html! {
        @match &one.facts {
            Some(told) => {
                tr {
                    td { bdi { (short(told.subject.as_str())) } br; small { (names(told)) } }
                    td class="issuer" { bdi { (short(told.issuer.as_str())) } }
                    td { (dates(told)) }
                    td { (life(told, now)) }
                }
            }
            None => { tr { td colspan="4" { "A certificate that cannot be read" } } }
        }
    }
}

/// As much of a name as anybody reads.
pub fn short(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME) {
        Some((at, _)) => format!("{}…", name.get(..at).unwrap_or_default()),
        None => name.to_owned(),
    }
}

/// Whether browsers trust it.
pub fn trust(held: &Held) -> Markup {
    html! {
        @if held.trusted { span class="up" { "▲ trusted" } }
        @else { span class="down" { "▼ not trusted: " (held.failures.join(", ")) } }
        @if held.distinct_leaves > 1 {
            ", " b { "one of " (held.distinct_leaves) " different certificates of this endpoint" }
        }
    }
}

/// The names that it is for.
pub fn names(told: &Told) -> Markup {
    html! {
        @for (n, name) in told.names.iter().enumerate() { @if n > 0 { ", " } bdi { (short(name.as_str())) } }
    }
}

fn dates(told: &Told) -> Markup {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
    html! { (day(told.not_before)) br; "to " (day(told.not_after)) }
}

/// What is left of its life, in words and as a bar.
pub fn life(told: &Told, now: Timestamp) -> Markup {
    let share = format!("{:.0} %", told.life_left * 100.0);
    let overdue = now > told.renewal_overdue;
    let words = match told.not_after > now {
        true => format!("{} left, {share} of its life", age(now, told.not_after)),
        false => format!("ended {} ago", age(told.not_after, now)),
    };
    html! {
        span class=(if overdue { "down" } else { "" }) { (words) }
        (pictures::bar(told.life_left, overdue, &share))
        small {
            @if now < told.renewal_due { "renewal due in " (age(now, told.renewal_due)) }
            @else if overdue { "renewal overdue" }
            @else { "renewal due since " (age(told.renewal_due, now)) }
        }
    }
}

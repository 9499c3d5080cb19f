//! `GET /certificates`: which ends first?

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::{self, Page, Wanted};
use super::space::fitting;
use super::{age, chains, text};
use crate::http::Context;
use crate::http::api;
use crate::http::chains::Held;

/// Bytes that its rows may take.
const BYTES: usize = 40_000;

/// The page.
pub async fn page(State(context): State<Context>, headers: HeaderMap) -> Response {
    let Some(snapshot) = context.reader.look().await else {
        return frame::unavailable("the recorder has ended\n");
    };
    match Wanted::of(&headers) {
        Wanted::Html => shown(&Held::all(&snapshot), snapshot.taken_at).into_response(),
        Wanted::Text => frame::text(text::certificates(&snapshot)),
        Wanted::Json => Json(api::certificates::view(&snapshot)).into_response(),
    }
}

/// Renders them, in their order.
pub fn shown(all: &[Held], now: Timestamp) -> Page {
    let untrusted = all.iter().filter(|held| !held.trusted).count();
    let (rows, left) = fitting(all, BYTES, |held| row(held, now));
    Page {
        title: "certificates".to_owned(),
        summary: summary(all, untrusted, now),
        at: now,
        json: "/api/v1/certificates".to_owned(),
        main: html! {
            h2 { "Certificates" }
            @if all.is_empty() { p { "No run over TLS has seen one yet." } }
            @else {
                table class="cards held" {
                    caption { "What is not trusted first, then what has the least of its life left." }
                    thead {
                        tr {
                            th scope="col" { "Endpoint" } th scope="col" { "Life left" }
                            th scope="col" { "Trust" } th scope="col" { "Names" }
                            th scope="col" { "Issuer" } th scope="col" { "Addresses" }
                        }
                    }
                    tbody { @for row in rows { (row) } }
                }
                @if left > 0 {
                    p { (left) " more, which last longer: " a href="/api/v1/certificates" { "/api/v1/certificates" } }
                }
            }
        },
    }
}

fn summary(all: &[Held], untrusted: usize, now: Timestamp) -> String {
    let first = all.iter().filter_map(|held| Some((held.leaf()?, &held.endpoint)));
    let first =
        first.filter(|(leaf, _)| leaf.not_after > now).min_by_key(|(leaf, _)| leaf.not_after);
    let ends = first.map_or(String::new(), |(leaf, endpoint)| {
        format!(", the next ends in {} ({endpoint})", age(now, leaf.not_after))
    });
    format!("{} certificates, {untrusted} not trusted{ends}", all.len())
}

fn row(held: &Held, now: Timestamp) -> Markup {
    let (places, more) = chains::places(held);
    html! {
        tr {
            th scope="row" { a href={ "/endpoint/" (held.endpoint) } { (held.endpoint) } }
            @match held.leaf() {
                Some(leaf) => {
                    td { (chains::life(leaf, now)) }
                    td { (chains::trust(held)) }
                    td class="names" { (chains::names(leaf)) }
                    td class="issuer" { bdi { (chains::short(leaf.issuer.as_str())) } }
                }
                None => { td {} td { (chains::trust(held)) } td {} td {} }
            }
            td {
                @for place in &places { (place) br; }
                @if more > 0 { "and " (more) " more" }
            }
        }
    }
}

//! A drill: what was told of it leads here, and nobody shall take it for an incident.

use axum::Json;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::{self, Page, Wanted};
use crate::casebook::drills::Delivery;
use crate::drill::Drill;
use crate::http::drill::{Last, Shown};
use crate::incident::markdown;

/// The page that its messages lead to.
pub fn page(drill: Shown, wanted: Wanted, now: Timestamp) -> Response {
    match wanted {
        Wanted::Json => Json(Last { drill: Some(drill) }).into_response(),
        Wanted::Text => frame::text(lines(&drill).join("\n") + "\n"),
        Wanted::Html => render(&drill, now).into_response(),
    }
}

/// The same for a ticket.
pub fn for_ticket(drill: &Shown) -> String {
    let lines: Vec<_> = lines(drill).iter().map(|line| markdown::text(line)).collect();
    format!("# {}\n", lines.join("\n\n"))
}

/// Above all else while a drill goes on.
pub fn banner(drill: &Drill) -> Markup {
    html! {
        section class="blind drill" role="status" {
            h2 { "A drill is under way" }
            p {
                "Until " (clock_of(drill.ends)) ", " b { (&**drill.name()) } " is down for "
                a href={ "/incident/" (drill.id) } { "a drill" }
                ". It watches nothing, and is not on this page: all below is real."
            }
        }
    }
}

/// The same for a terminal.
pub fn line(drill: &Drill) -> String {
    let (name, ends) = (drill.name(), clock_of(drill.ends));
    format!("A drill is under way until {ends}: {name} is down, and not below. All below is real.")
}

/// What there is to say, the most important first.
fn lines(drill: &Shown) -> Vec<String> {
    let Shown { endpoint, label, .. } = drill;
    let mut lines = vec![
        match drill.over {
            false => "This is a drill, and no incident.".to_owned(),
            true => "This was a drill, and no incident.".to_owned(),
        },
        format!(
            "It tries whether whoever is to be told of {endpoint} is told. What is red in it is \
             {label}, which watches nothing; how {endpoint} is, is at /endpoint/{endpoint}."
        ),
    ];
    let began = drill.began_at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let ends = match (drill.ends_at, drill.over) {
        (Some(ends), false) => format!("; it ends at {}", clock_of(ends)),
        (Some(ends), true) => format!(" and ended at {}", clock_of(ends)),
        (None, _) => ". When it ended is not known any more".to_owned(),
    };
    lines.push(format!("It began at {began}{ends}."));
    if let Some(by) = &drill.by {
        lines.push(format!("Who asked for it, as they say: {by}"));
    }
    if drill.told.is_empty() {
        lines.push(
            "Whom the daemon told is not known: nobody, or it is more than a day ago.".into(),
        );
    }
    lines.extend(drill.told.iter().map(Delivery::to_string));
    lines
}

fn render(drill: &Shown, now: Timestamp) -> Page {
    let lines = lines(drill);
    let (first, rest) = lines.split_first().map_or(("", [].as_slice()), |(a, b)| (a.as_str(), b));
    Page {
        title: format!("drill for {}", drill.endpoint),
        summary: first.to_owned(),
        at: now,
        json: format!("/api/v1/incidents/{}", drill.id),
        main: html! {
            section class="blind drill" {
                h2 { (if drill.over { "This was a drill" } else { "This is a drill" }) }
                @for line in rest { p { bdi { (line) } } }
                p { a href={ "/endpoint/" (drill.endpoint) } { "How " (drill.endpoint) " is" } }
            }
        },
    }
}

fn clock_of(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}

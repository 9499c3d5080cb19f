//! An incident for a terminal.

use std::fmt::Write;

use jiff::Timestamp;

use super::record::Incident;
use super::words;

/// Lines of the timeline that are shown, so that the end stays on the screen.
const MAX_LINES: usize = 30;

/// The page; its first line is the title. Everything in it was made harmless where it came in.
pub fn page(incident: &Incident) -> String {
    let mut text = format!("{}\n", incident.title());
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        // Writing to a `String` cannot fail.
        writeln!(text, "  {arguments}").ok();
    };
    let began = utc(incident.began_at);
    match incident.closed {
        None => line(format_args!("open, began {began}")),
        Some(closed) => {
            let lasted = words::span(incident.began_at, closed.at);
            line(format_args!("closed {}, began {began}, lasted {lasted}", utc(closed.at)));
        }
    }
    if let Some(waits) = incident.waits() {
        line(format_args!("{waits}"));
    }
    line(format_args!("whose: {}", words::whose(incident)));
    line(format_args!("users: {}", words::affected(incident)));
    let sum: i32 = incident.weights.iter().map(|weight| weight.points).sum();
    let weights = incident.weights.iter();
    let parts: Vec<_> =
        weights.map(|weight| format!("{:+} {}", weight.points, weight.because)).collect();
    line(format_args!("{sum} points: {}", parts.join("; ")));
    line(format_args!(""));
    let story = incident.story();
    let skipped = story.len().saturating_sub(MAX_LINES);
    if skipped > 0 {
        line(format_args!("{skipped} earlier entries: as JSON there are all"));
    }
    for entry in story.iter().skip(skipped) {
        line(format_args!("{}  {}", utc(entry.at), words::told(entry, str::to_owned)));
    }
    for exhibit in &incident.evidence {
        let because = exhibit.cause.map_or(String::new(), |cause| format!(": {cause}"));
        let (n, at) = (exhibit.n, utc(exhibit.at));
        line(format_args!("evidence {n}: {at}  {}{because}", exhibit.check));
    }
    for reason in incident.reasons() {
        line(format_args!("do: {}", reason.fix()));
    }
    text
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

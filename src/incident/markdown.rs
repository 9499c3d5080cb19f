//! An incident on one page, for a ticket or a review.

use std::fmt::Write;

use jiff::Timestamp;

use super::record::{Ended, Incident, Standing};
use super::timeline::What;
use super::words;
use crate::outcome::code::Code;

/// Longest text out of an incident in one place.
const MAX_CHARS: usize = 300;

/// Rows of the timeline, and of the minutes, at the most.
const MAX_ROWS: usize = 200;

/// The page.
pub fn page(incident: &Incident) -> String {
    let mut page = format!("# {}\n\n", text(&incident.title()));
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        // Writing to a `String` cannot fail.
        writeln!(page, "{arguments}").ok();
    };
    line(format_args!("- Incident: `{}`", incident.id));
    line(format_args!("- Began: {}", utc(incident.began_at)));
    line(format_args!("- Opened: {}", utc(incident.opened_at)));
    match incident.closed {
        None => line(format_args!("- Closed: not yet")),
        Some(closed) => {
            let why = match closed.why {
                Ended::Recovered => "recovered",
                Ended::EndpointRemoved => "the endpoint was taken out of the config",
            };
            let lasted = words::span(incident.began_at, closed.at);
            line(format_args!("- Closed: {}, {why}, after {lasted}", utc(closed.at)));
        }
    }
    if incident.reopened > 0 {
        let times = words::count(incident.reopened.into(), "time");
        line(format_args!("- Went on after its end: {times}"));
    }
    for (name, value) in [
        ("Team", &incident.owner.team),
        ("Tier", &incident.owner.tier),
        ("Runbook", &incident.owner.runbook),
    ] {
        if !value.is_empty() {
            line(format_args!("- {name}: {}", text(value)));
        }
    }
    line(format_args!("- Whose trouble: {}", text(&words::whose(incident))));

    line(format_args!("\n## Impact\n"));
    if let Some(waits) = incident.waits() {
        line(format_args!("{waits}\n"));
    }
    line(format_args!("{}\n", words::affected(incident)));
    for (id, check) in incident.held_by().chain(incident.over()) {
        let standing = match check.standing {
            Standing::Down => "down since",
            Standing::NotSeen => "was down, and not seen since",
            Standing::Up => "up again since",
            Standing::Removed => "taken out of the config at",
        };
        let because = check.cause.map_or(String::new(), |cause| format!(": `{cause}`"));
        line(format_args!("- {} {standing} {}{because}", text(id), utc(check.since)));
    }

    line(format_args!("\n## Severity\n"));
    let sum: i32 = incident.weights.iter().map(|weight| weight.points).sum();
    line(format_args!(
        "{}, at worst {}: {sum} points.\n",
        incident.severity.as_str(),
        incident.worst.as_str()
    ));
    for weight in &incident.weights {
        line(format_args!("- {:+}: {}", weight.points, text(&weight.because)));
    }

    let story = incident.story();
    line(format_args!("\n## Timeline (UTC)\n\n| when | what |\n|---|---|"));
    let events: Vec<_> =
        story.iter().filter(|entry| !matches!(entry.what, What::Users { .. })).collect();
    for entry in events.iter().take(MAX_ROWS) {
        line(format_args!("| {} | {} |", utc(entry.at), words::told(entry, text)));
    }
    let left = events.len().saturating_sub(MAX_ROWS) as u64 + incident.timeline.omitted;
    if left > 0 {
        line(format_args!("\nLeft out: {}.", words::count(left, "more line")));
    }

    let changes = story.iter().filter(|entry| matches!(entry.what, What::Change { .. }));
    // A repair caused nothing.
    let (before, since): (Vec<_>, Vec<_>) = changes.partition(|entry| entry.at < incident.began_at);
    line(format_args!("\n## What changed before\n"));
    if before.is_empty() {
        line(format_args!("Nothing that this monitor knows of, since half an hour before."));
    }
    for entry in before {
        line(format_args!("- {}: {}", utc(entry.at), words::told(entry, text)));
    }
    if !since.is_empty() {
        line(format_args!("\n## What changed since\n"));
    }
    for entry in since {
        line(format_args!("- {}: {}", utc(entry.at), words::told(entry, text)));
    }

    line(format_args!("\n## Conversations per minute (UTC)\n"));
    line(format_args!("| minute | ended | failed | probes and users |\n|---|---|---|---|"));
    for minute in incident.minutes.iter().rev().take(MAX_ROWS).rev() {
        let (ended, failed) = (minute.ended, minute.failed);
        line(format_args!("| {} | {ended} | {failed} | {} |", utc(minute.at), minute.correlation));
    }

    line(format_args!("\n## Evidence\n"));
    for exhibit in &incident.evidence {
        let because = exhibit.cause.map_or(String::new(), |cause| format!(": `{cause}`"));
        line(format_args!("{}. {} {}{because}", exhibit.n, utc(exhibit.at), text(&exhibit.check)));
    }
    if incident.evidence.is_empty() {
        line(format_args!("None."));
    }

    line(format_args!("\n## What to check next\n"));
    let fixes = incident.reasons();
    for reason in &fixes {
        let code = Code::Reason(*reason);
        line(format_args!("- `{}`: {} {}", reason, text(code.sentence()), text(code.fix())));
    }
    if fixes.is_empty() && incident.waits().is_some_and(|waits| waits.open_since.is_some()) {
        line(format_args!("- Nothing is down: {}", text(&words::affected(incident))));
    } else if fixes.is_empty() {
        line(format_args!(
            "- No probe says why: look at what is behind the door, at the queues, the flows and \
             what was changed."
        ));
    }
    page
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A text as plain text: it begins no link, table, list, heading, code, HTML or other line.
pub fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().take(MAX_CHARS) {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // So that no reader makes a link or a mention of it.
            '@' => escaped.push_str("&#64;"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => escaped.push('·'),
            // Round brackets make a link behind square ones alone.
            '(' if escaped.ends_with(']') => escaped.push_str("\\("),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    // Without its colon, no address is one.
    escaped.replace("://", "&#58;//")
}

//! `watchpost events list`

use std::process::ExitCode;

use serde::Serialize;

use super::{File, cannot, reader};
use crate::cli::style::{BOLD, DIM};
use crate::event::AnalyticsEvent;

/// An event as it is printed.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    receiver: &'a str,
    received_at: jiff::Timestamp,
    #[serde(flatten)]
    event: &'a AnalyticsEvent,
}

/// Prints the newest events.
pub fn list(file: &File, limit: usize, json: bool) -> Result<(), ExitCode> {
    let path = file.path()?;
    let events = reader(&path)?.newest(limit).map_err(|error| cannot(&path, &error.into()))?;
    for stored in &events {
        let arrival = &stored.arrival;
        let event = &arrival.event;
        if json {
            let (receiver, received_at) = (&*arrival.receiver, arrival.received_at);
            let line = Line { seq: stored.seq, receiver, received_at, event };
            // These are texts, numbers and times.
            anstream::println!("{}", serde_json::to_string(&line).unwrap_or_default());
            continue;
        }
        let at = event.at.strftime("%Y-%m-%d %H:%M:%S%.3f");
        let kind = event.kind.as_str();
        let conversation = event.conversation.as_ref().map_or("", |key| key.as_str());
        let receiver = &arrival.receiver;
        anstream::println!(
            "{DIM}{at}{DIM:#}  {BOLD}{kind:<14}{BOLD:#}  {conversation:<36}  {receiver}"
        );
    }
    if events.is_empty() && !json {
        anstream::eprintln!("there are none");
    }
    Ok(())
}

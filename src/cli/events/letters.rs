//! `watchpost events dead-letters`

use std::process::ExitCode;

use serde::Serialize;

use super::{File, cannot, reader};
use crate::cli::style::{BAD, DIM};
use crate::inbox::letter;
use crate::outcome::quoted::Quoted;

/// Characters of a body that are shown.
const SHOWN: usize = 100;

/// A letter as it is printed.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    receiver: &'a str,
    received_at: jiff::Timestamp,
    fault: &'a str,
    content_type: Option<&'a str>,
    body: &'a str,
}

/// Prints all of them.
pub fn list(file: &File, json: bool) -> Result<(), ExitCode> {
    let path = file.path()?;
    let reader = reader(&path)?;
    let letters = letter::all(reader.connection()).map_err(|error| cannot(&path, &error.into()))?;
    for buried in &letters {
        let letter = &buried.letter;
        let body = String::from_utf8_lossy(&letter.body);
        if json {
            let line = Line {
                seq: buried.seq,
                receiver: &letter.receiver,
                received_at: letter.received_at,
                fault: &letter.fault,
                content_type: letter.content_type.as_deref(),
                body: &body,
            };
            // These are texts, numbers and times.
            anstream::println!("{}", serde_json::to_string(&line).unwrap_or_default());
            continue;
        }
        let at = letter.received_at.strftime("%Y-%m-%d %H:%M:%S");
        let (receiver, fault) = (&letter.receiver, &letter.fault);
        let body = Quoted::text(&body.chars().take(SHOWN).collect::<String>());
        anstream::println!("{DIM}{at}{DIM:#}  {receiver}  {BAD}{fault}{BAD:#}  {body}");
    }
    if letters.is_empty() && !json {
        anstream::eprintln!("there are none");
    }
    Ok(())
}

//! `watchpost events replay`

use std::process::ExitCode;

use super::{File, cannot};
use crate::cli::style::{BAD, DIM, GOOD};
use crate::clock;
use crate::event::AnalyticsEvent;
use crate::event::fault::Fault;
use crate::event::parse::{Headers, parse};
use crate::inbox::replay::{self, Replayed};
use crate::inbox::{DeadLetter, Stored};

/// Reads every dead letter once more, and says what became of each.
pub fn replay(file: &File) -> Result<(), ExitCode> {
    let path = file.path()?;
    let replayed =
        replay::replay(&path, clock::now(), read).map_err(|error| cannot(&path, &error))?;
    let mut stored = 0;
    for (buried, became) in &replayed {
        let at = buried.letter.received_at.strftime("%Y-%m-%d %H:%M:%S");
        let receiver = &buried.letter.receiver;
        match became {
            Replayed::Stored(how) => {
                stored += 1;
                let how = match how {
                    Stored::New => "stored",
                    Stored::Duplicate => "was stored before",
                    Stored::Conflict => "another event is stored under its id, and stays",
                };
                anstream::println!("{DIM}{at}{DIM:#}  {receiver}  {GOOD}{how}{GOOD:#}");
            }
            Replayed::Unreadable(fault) => {
                anstream::println!("{DIM}{at}{DIM:#}  {receiver}  {BAD}stays: {fault}{BAD:#}");
            }
        }
    }
    let left = replayed.len() - stored;
    anstream::println!("{stored} read, {left} left");
    Ok(())
}

/// With the reader of this program. What only headers told is not known any more.
fn read(letter: &DeadLetter) -> Result<AnalyticsEvent, String> {
    let cut = Fault::ALL.into_iter().filter(|fault| fault.is_of_size());
    if let Some(fault) = cut.into_iter().find(|fault| letter.fault.starts_with(fault.as_str())) {
        return Err(format!("{}, and only a part of it was kept", fault.help()));
    }
    let parsed = parse(&Headers::default(), &letter.body, letter.received_at);
    parsed.map(|parsed| parsed.event).map_err(|fault| fault.help().to_owned())
}

//! `watchpost explain`: what a code means, and what to do about it.

use std::fmt::Write;
use std::process::ExitCode;

use super::exit;
use super::style::{BOLD, DIM};
use crate::outcome::code::Code;
use crate::outcome::phase::Phase;
use crate::outcome::reason::{Fault, Reason};

/// Explains one code, or lists them all.
pub fn explain(code: Option<&str>) -> ExitCode {
    let Some(text) = code else {
        anstream::print!("{}", list());
        return ExitCode::SUCCESS;
    };
    match Code::from_text(text) {
        Some(code) => {
            anstream::print!("{}", one(code));
            ExitCode::SUCCESS
        }
        None => {
            let hint = nearest(text).map_or_else(String::new, |code| format!("; is it {code}?"));
            anstream::eprintln!(
                "watchpost: no such code: {text:?}{hint} `watchpost explain` lists them all"
            );
            ExitCode::from(exit::USAGE)
        }
    }
}

fn one(code: Code) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#}: {}\n", code.as_str(), code.sentence());
    if let Code::Reason(reason) = code {
        let places: Vec<_> = Phase::ALL
            .into_iter()
            .filter(|phase| reason.strikes_in(Some(*phase)))
            .map(Phase::as_str)
            .collect();
        if !places.is_empty() {
            append(&mut text, format_args!("  where: in {}\n", places.join(", ")));
        }
        append(&mut text, format_args!("  whose: {}\n", whose(reason)));
    } else {
        append(&mut text, format_args!("  a warning: it fails no run\n"));
    }
    append(&mut text, format_args!("  do: {}\n", code.fix()));
    text
}

fn whose(reason: Reason) -> &'static str {
    match reason.fault() {
        Fault::Target => "the endpoint's owner",
        Fault::Path => "the way there, between here and the endpoint",
        Fault::Monitor => "this monitor: it says nothing about the endpoint",
    }
}

fn list() -> String {
    let wide = Code::all().map(|code| code.as_str().len()).max().unwrap_or(0);
    let mut text = String::new();
    for code in Code::all() {
        append(
            &mut text,
            format_args!("{:<wide$}  {DIM}{}{DIM:#}\n", code.as_str(), code.sentence()),
        );
    }
    text
}

/// Writing to a `String` cannot fail.
fn append(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).ok();
}

fn nearest(text: &str) -> Option<&'static str> {
    let distance = |code: &Code| strsim::damerau_levenshtein(code.as_str(), text);
    let code = Code::all().min_by_key(distance)?;
    (distance(&code) <= text.len() / 3).then(|| code.as_str())
}

//! How the terminal tells good from bad.

use anstyle::{AnsiColor, Style};

use crate::outcome::verdict::Verdict;

/// What is looked for.
pub const BOLD: Style = Style::new().bold();

/// What stands beside it.
pub const DIM: Style = Style::new().dimmed();

/// As it must be.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();

/// Not as it must be.
pub const BAD: Style = AnsiColor::Red.on_default().bold();

/// Not known to be either.
pub const UNSURE: Style = AnsiColor::Yellow.on_default().bold();

/// The colour of a verdict, and the mark that says the same without one.
pub fn of(verdict: Verdict) -> (Style, &'static str) {
    match verdict {
        Verdict::Pass => (GOOD, "✔"),
        Verdict::Fail => (BAD, "✘"),
        Verdict::Inconclusive => (UNSURE, "?"),
    }
}

//! What the program's exit status means.

use std::process::ExitCode;

use crate::outcome::verdict::Verdict;

/// The daemon could not begin or go on.
pub const TROUBLE: u8 = 1;

/// The command line is wrong; clap's own status too.
pub const USAGE: u8 = 2;

/// The config is wrong: `EX_CONFIG` of sysexits.h.
pub const CONFIG: u8 = 78;

/// The status for several verdicts: the worst of them.
pub fn status(verdicts: &[Verdict]) -> ExitCode {
    ExitCode::from(if verdicts.contains(&Verdict::Fail) {
        1
    } else if verdicts.contains(&Verdict::Inconclusive) {
        3
    } else {
        0
    })
}

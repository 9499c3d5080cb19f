//! Time: the one place that reads the wall clock, timers, and how late this process is itself.

pub mod lag;
pub mod timer;

use jiff::Timestamp;

/// The time of day. Everything that judges takes it as an argument.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

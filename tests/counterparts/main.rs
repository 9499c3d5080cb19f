//! The program against programs that nobody here wrote. `tests/run` installs them.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

mod browser;
mod certificates;
#[path = "../integration/fixture/checks.rs"]
#[expect(dead_code, reason = "it is made for other tests too")]
mod checks;
mod cors;
mod matrix;
mod network;
mod program;
mod prometheus;
mod receiver;
mod servers;
mod stapling;
mod starved;
mod tls;

//! The program against programs that nobody here wrote. `tests/run` installs them.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

mod alerts;
mod browser;
mod certificates;
#[path = "../integration/fixture/checks.rs"]
#[expect(dead_code, reason = "it is made for other tests too")]
mod checks;
mod container;
mod cors;
#[path = "../integration/fixture/daemon.rs"]
#[expect(dead_code, reason = "it is made for other tests too")]
mod daemon;
mod dashboards;
mod durability;
mod incidents;
mod machine;
mod matrix;
mod messaging;
mod network;
mod package;
mod paging;
mod platform;
mod program;
mod prometheus;
mod receiver;
mod rules;
#[path = "../integration/fixture/sender.rs"]
#[expect(dead_code, reason = "it is made for other tests too")]
mod sender;
mod servers;
mod simulator;
mod stapling;
mod starved;
mod systemd;
mod tls;

//! Servers that misbehave in one named way, and the daemon under test.

pub mod checks;
pub mod daemon;
pub mod hostile;
pub mod nameserver;
pub mod page;
pub mod pki;
pub mod platform;
pub mod raw;
pub mod receiver;
pub mod responder;
pub mod sender;

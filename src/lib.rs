//! Watchpost watches the doors that browsers use: WebSocket, TLS and origins.

pub mod app;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod health;
pub mod http;
pub mod outcome;
pub mod probe;
pub mod record;
pub mod report;
pub mod schedule;
pub mod systemd;

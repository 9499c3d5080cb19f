//! Everything that needs sockets or the built program, in one binary: linking is what takes time.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

mod fixture;

mod activation;
mod alerts;
mod apply;
mod blind;
mod chains;
mod check_command;
mod config;
mod control;
mod correlation;
mod cors;
mod daemon;
mod deadline;
mod deployments;
mod diagnose;
mod drill;
mod durability;
mod events_command;
mod flood;
mod http;
mod inbox;
mod incidents;
mod lag;
mod layers;
mod lifecycle;
mod messaging;
mod metrics;
mod news;
mod notify;
mod pages;
mod platform;
mod protobuf;
mod readme;
mod receiver;
mod reload;
mod rules;
mod series;
mod server;
mod simulator;
mod staple;
mod starved;
mod strings;
mod taxonomy;
mod tls;
mod websocket;
mod zoo;

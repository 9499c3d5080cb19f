//! Watchpost watches the doors that browsers use: WebSocket, TLS and origins.
//!
//! `config -> Vec<Check> -> schedule -> probe -> Outcome -> record -> Snapshot -> http`
//!
//! The modules in reading order; imports run from a later one to earlier ones only.

/// The wall clock, in one place.
pub mod clock;

/// SQLite files: one writer each, and what is broken is set aside.
pub mod database;

/// Lines that nobody waits for.
pub mod log;

/// Keys that messages are signed with.
pub mod signing;

/// What the contact centre said. Pure.
pub mod event;

/// What is watched: endpoints, origins, probes, how often.
pub mod check;

/// What a run saw, why it failed, what that means. Pure.
pub mod outcome;

/// What Genesys Cloud says, and what it means. Pure.
pub mod genesys;

/// Where events may be posted, and by whom.
pub mod receiver;

/// Up, down or unknown, over several runs. Pure.
pub mod health;

/// Do real users and our probes agree? Pure.
pub mod correlate;

/// One run as JSON.
pub mod report;

/// An interval of bad health, and whom it hurt. Pure.
pub mod incident;

/// `config.toml` to checks, and what they will cost.
pub mod config;

/// The rule file for Prometheus, with the SLOs of a config. Pure.
pub mod rules;

/// Fixed slots, caps, one run of a check at a time.
pub mod schedule;

/// One run over the wire.
pub mod probe;

/// Why a page is not let in.
pub mod diagnose;

/// One HTTP client for whatever is not a probe.
pub mod outbound;

/// The platform API: token, budget, retries, typed calls.
pub mod platform;

/// Deployments as a file declares them: written, and their doors looked at.
pub mod apply;

/// Doors on loopback in this process.
pub mod edge;

/// Doors whose answers are known beforehand, and what else tells whether this monitor sees.
pub mod canary;

/// Events on disk before they are acknowledged.
pub mod inbox;

/// The single writer: counts, histograms, health, the store; snapshots for readers.
pub mod record;

/// Conversations, windows, incidents: what is made of events and runs.
pub mod casebook;

/// Something that is red so that somebody is woken. Pure.
pub mod drill;

/// The organisation at Genesys Cloud, while the daemon runs.
pub mod tenant;

/// Others are told of incidents, from a queue that outlives the process.
pub mod notify;

/// Metrics, page and API.
pub mod http;

/// Rules over the stored history, by Prometheus itself.
pub mod replay;

/// What systemd is told, and what it hands over.
pub mod systemd;

/// Genesys Cloud on loopback in this process.
pub mod simulator;

/// A loopback edge with good and bad doors.
pub mod demo;

/// Events, sent as fast as wanted.
pub mod load;

/// Builds the parts, starts them, ends them in order.
pub mod app;

/// The command line.
pub mod cli;

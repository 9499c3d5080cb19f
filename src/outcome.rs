//! What a run saw, and what that means. Pure: time is an argument, nothing is read or sent.

pub mod chain;
pub mod code;
pub mod control;
pub mod cors;
pub mod extension;
pub mod failure;
pub mod header;
pub mod lag;
pub mod messaging;
pub mod phase;
pub mod quoted;
pub mod reason;
pub mod response;

pub mod sight;
pub mod strikes;
pub mod upgrade;
pub mod verdict;
pub mod warning;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use chain::{Chain, Session};
use failure::Failure;
use phase::PhaseTimes;
use response::Response;
use verdict::Verdict;
use warning::Remark;

/// What one run saw on the wire. No opinion in it.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// How long each phase took.
    pub phases: PhaseTimes,
    /// How long this process was held up meanwhile: see [`lag`].
    pub stalled: Duration,
    /// The address that was dialled.
    pub address: Option<SocketAddr>,
    /// How many addresses the name had.
    pub addresses: usize,
    /// What TLS agreed on.
    pub session: Option<Session>,
    /// What the server presented, trusted or not.
    pub chain: Option<Arc<Chain>>,
    /// The status of the answer to the upgrade, or to a request.
    pub http_status: Option<u16>,
    /// The answer, where it was no upgrade.
    pub refusal: Option<Arc<Response>>,
    /// The door opened: a good answer to the upgrade.
    pub upgraded: bool,
    /// Whether a page may read the answer, where that was judged.
    pub cors: Option<Box<cors::Seen>>,
    /// What a messenger's guest saw behind the door.
    pub messaging: Option<Box<messaging::Seen>>,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<quoted::Quoted>,
}

/// One run, seen and judged.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// When it began.
    pub started_at: Timestamp,
    /// What was seen.
    pub observation: Observation,
    /// What it means.
    pub verdict: Verdict,
    /// Why it did not pass.
    pub failure: Option<Failure>,
    /// What else is to be said of what was seen.
    pub remarks: Vec<Remark>,
}

impl Outcome {
    /// What is left of a run of a monitor that cannot tell good from bad: that it ran.
    pub fn unseen(&self, why: &Arc<str>) -> Self {
        Self {
            started_at: self.started_at,
            observation: Observation::default(),
            verdict: Verdict::Inconclusive,
            failure: Some(Failure::MonitorBlind { why: why.clone() }),
            remarks: Vec::new(),
        }
    }
}

//! An interval of bad health, or of users who fail unseen: what happened, whom it hurt. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::endpoint::EndpointName;

/// Something that was changed, by somebody or by a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeEvent {
    /// When.
    pub at: Timestamp,
    /// Where that is known from.
    pub source: ChangeSource,
    /// The endpoint that it concerns; none where it may concern all.
    pub endpoint: Option<EndpointName>,
    /// What was changed, in words that are safe to show.
    pub what: String,
    /// The id of who did it.
    pub who: Option<String>,
}

/// Where a change is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeSource {
    /// Our own config was read again.
    Config,
    /// Another certificate was presented.
    Certificate,
    /// The contact centre told of a deployment or configuration.
    Deployment,
    /// Its audit log.
    Audit,
}

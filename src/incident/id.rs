//! By what an incident is known.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::check::endpoint::EndpointName;

/// How it says when it was opened.
const OPENED: &str = "%Y%m%dT%H%M%SZ";

/// When it was opened, and of which endpoint: `20261121T123405Z-messenger-eu`.
///
/// Later ones sort behind earlier ones, and nothing in it needs to be escaped in a URL. An
/// endpoint has one open incident at a time, so that no two are alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(String);

impl IncidentId {
    /// The id of an incident.
    pub fn new(endpoint: &EndpointName, opened_at: Timestamp) -> Self {
        Self(format!("{}-{endpoint}", opened_at.strftime(OPENED)))
    }

    /// An id as somebody wrote it; it need not be that of an incident.
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// When it was opened, and what stands where the endpoint does.
    pub fn opened(&self) -> Option<(Timestamp, &str)> {
        let (opened, name) = self.0.split_once('-')?;
        let opened = DateTime::strptime(OPENED, opened).ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some((opened.timestamp(), name))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! As whom the organisation is asked, and where.

use std::fmt;
use std::sync::Arc;

use super::Compat;
use super::bases::Bases;
use super::region::Region;
use crate::check::endpoint::Trust;
use crate::event::key::Key;

/// As whom the organisation is asked, where, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Where the organisation lives.
    pub region: Region,
    /// Whose paths and bodies are spoken.
    pub compat: Compat,
    /// Where each surface is.
    pub bases: Bases,
    /// Without them, only what is public can be asked.
    pub credentials: Option<Credentials>,
    /// Sent with the request for a token; scopes do not count for client credentials, so that only
    /// servers built by the seeds want one.
    pub scope: Option<String>,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Calls of the platform API a minute, at the most.
    pub requests_per_minute: u32,
}

impl Account {
    /// Calls a minute, unless somebody says otherwise: a token has 300, which other tools want
    /// some of.
    pub const REQUESTS_PER_MINUTE: u32 = 120;

    /// Nobody: what is public of a region can be asked all the same.
    pub fn nobody(region: Region) -> Self {
        Self {
            region,
            compat: Compat::Genesys,
            bases: Bases::of(region),
            credentials: None,
            scope: None,
            trust: Trust::System,
            requests_per_minute: Self::REQUESTS_PER_MINUTE,
        }
    }
}

/// OAuth client credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Which client.
    pub id: Key,
    /// That it is the client.
    pub secret: Secret,
}

/// A text that nothing shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, for whom it is meant.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nowhere() {
        let credentials =
            Credentials { id: Key::new("the-id").unwrap(), secret: Secret::new("hunter2") };
        let shown = format!("{credentials:?}");
        assert!(shown.contains("the-id") && !shown.contains("hunter2"), "{shown}");
    }
}

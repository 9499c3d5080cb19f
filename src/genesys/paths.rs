//! Where objects are, below the root of the API.

/// Each has a real default; those of the seeds can be set, as servers built by them differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Web deployments.
    pub deployments: String,
    /// Of the seeds: channels.
    pub channels: String,
    /// Of the seeds: webhooks.
    pub webhooks: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            deployments: "/api/v2/webdeployments/deployments".to_owned(),
            channels: "/api/v2/webchat/channels".to_owned(),
            webhooks: "/api/v2/webhooks".to_owned(),
        }
    }
}

//! What is asked of Genesys Cloud: the closed list that is the label `api`.

use std::fmt;

use super::bases::Surface;

/// One kind of question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Api {
    /// A token.
    Token,
    /// Deployments, and one of them.
    Deployments,
    /// Configurations and their versions.
    Configurations,
    /// Audits, and which services have them.
    Audits,
    /// Notification channels.
    Channels,
    /// Their subscriptions.
    Subscriptions,
    /// What can be subscribed to.
    Topics,
    /// Triggers, which post events out of workflows.
    Triggers,
    /// Integrations, such as EventBridge.
    Integrations,
    /// Messages and conversations.
    Conversations,
    /// What happened in conversations.
    ConversationDetails,
    /// A deployment's list of domains, as browsers see it.
    CdnDomains,
    /// A deployment's configuration, as browsers see it.
    CdnConfig,
    /// The public status page.
    StatusPage,
    /// Of the seeds: a channel.
    SeedChannel,
    /// Of the seeds: webhooks.
    SeedWebhooks,
    /// Of the seeds: audits.
    SeedAudits,
}

impl Api {
    /// Every one.
    pub const ALL: [Self; 17] = [
        Self::Token,
        Self::Deployments,
        Self::Configurations,
        Self::Audits,
        Self::Channels,
        Self::Subscriptions,
        Self::Topics,
        Self::Triggers,
        Self::Integrations,
        Self::Conversations,
        Self::ConversationDetails,
        Self::CdnDomains,
        Self::CdnConfig,
        Self::StatusPage,
        Self::SeedChannel,
        Self::SeedWebhooks,
        Self::SeedAudits,
    ];

    /// The label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Deployments => "deployments",
            Self::Configurations => "configurations",
            Self::Audits => "audits",
            Self::Channels => "channels",
            Self::Subscriptions => "subscriptions",
            Self::Topics => "topics",
            Self::Triggers => "triggers",
            Self::Integrations => "integrations",
            Self::Conversations => "conversations",
            Self::ConversationDetails => "conversation_details",
            Self::CdnDomains => "cdn_domains",
            Self::CdnConfig => "cdn_config",
            Self::StatusPage => "status_page",
            Self::SeedChannel => "seed_channel",
            Self::SeedWebhooks => "seed_webhooks",
            Self::SeedAudits => "seed_audits",
        }
    }

    /// Whom it is asked of.
    pub fn surface(self) -> Surface {
        match self {
            Self::Token => Surface::Login,
            Self::CdnDomains | Self::CdnConfig => Surface::Cdn,
            Self::StatusPage => Surface::Status,
            _ => Surface::Api,
        }
    }

    /// Whether it is asked with a token.
    pub fn needs_token(self) -> bool {
        self.surface() == Surface::Api
    }

    /// The permission that a client's role needs for it, where there is one for all of it.
    pub fn permission(self) -> Option<&'static str> {
        match self {
            Self::Deployments => Some("webDeployments:deployment:view"),
            Self::Configurations => Some("webDeployments:configuration:view"),
            Self::Audits => Some("audits:audit:view"),
            Self::Triggers => Some("processautomation:trigger:view"),
            Self::Integrations => Some("integrations:integration:view"),
            Self::Conversations => Some("conversation:message:view"),
            Self::ConversationDetails => Some("analytics:conversationDetail:view"),
            _ => None,
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

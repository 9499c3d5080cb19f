//! What a path belongs to.

/// A part of Genesys Cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Surface {
    /// `POST /oauth/token`.
    Token,
    /// `/api/v2/webdeployments/deployments…`.
    Deployments,
    /// `/api/v2/webdeployments/configurations…`.
    Configurations,
    /// `domains.json` of the CDN.
    CdnDomains,
    /// `config.json` of the CDN.
    CdnConfig,
    /// The messenger's script.
    Bootstrap,
    /// The messenger's socket.
    Messaging,
    /// `/api/v2/notifications/availabletopics`.
    Topics,
    /// `/api/v2/notifications/channels…`.
    Channels,
    /// `/api/v2/notifications/channels/{id}/subscriptions`.
    Subscriptions,
    /// The socket of a notification channel.
    Streaming,
    /// `/api/v2/audits/…`.
    Audits,
    /// The status page's files.
    StatusPage,
    /// `/api/v2/analytics/…` and `/api/v2/conversations/…`.
    Analytics,
    /// `/api/v2/users/me`.
    Users,
    /// The tutorials' `/api/v2/webchat/channels/{id}`.
    SeedChannels,
    /// The tutorials' `/api/v2/webhooks…`.
    SeedWebhooks,
    /// The tutorials' `/api/v2/auditlogs`.
    SeedAudits,
    /// The tutorials' socket, `/webchat`.
    SeedSocket,
    /// What was removed on 2026-08-15.
    Legacy,
    /// Anything else.
    Other,
}

impl Surface {
    /// The one that a path belongs to.
    pub fn of(path: &[&str]) -> Self {
        match path {
            ["oauth", "token"] => Self::Token,
            ["webdeployments", "v1", "deployments", _, "domains.json"] => Self::CdnDomains,
            ["webdeployments", "v1", "deployments", _, "config.json"] => Self::CdnConfig,
            ["genesys-bootstrap", "genesys.min.js"] => Self::Bootstrap,
            ["v1"] => Self::Messaging,
            ["channels", _] => Self::Streaming,
            ["webchat"] => Self::SeedSocket,
            ["api", "v2", rest @ ..] => Self::of_api(rest),
            _ => Self::Other,
        }
    }

    fn of_api(path: &[&str]) -> Self {
        match path {
            [
                "summary.json"
                | "components.json"
                | "incidents.json"
                | "scheduled-maintenances.json"
                | "status.json",
            ] => Self::StatusPage,
            ["webdeployments", "deployments", ..] => Self::Deployments,
            ["webdeployments", "configurations", ..] => Self::Configurations,
            ["notifications", "availabletopics"] => Self::Topics,
            ["notifications", "channels", _, "subscriptions"] => Self::Subscriptions,
            ["notifications", "channels", ..] => Self::Channels,
            ["audits", ..] => Self::Audits,
            ["analytics" | "conversations", ..] => Self::Analytics,
            ["users", ..] => Self::Users,
            ["webchat", "channels", _] => Self::SeedChannels,
            ["webhooks", ..] => Self::SeedWebhooks,
            ["auditlogs", ..] => Self::SeedAudits,
            ["webchat" | "widgets", ..] => Self::Legacy,
            _ => Self::Other,
        }
    }

    /// Whether it wants the token of a client.
    pub fn wants_token(self) -> bool {
        match self {
            Self::Token
            | Self::CdnDomains
            | Self::CdnConfig
            | Self::Bootstrap
            | Self::Messaging
            | Self::Streaming
            | Self::StatusPage
            | Self::SeedSocket
            | Self::Legacy => false,
            Self::Deployments
            | Self::Configurations
            | Self::Topics
            | Self::Channels
            | Self::Subscriptions
            | Self::Audits
            | Self::Analytics
            | Self::Users
            | Self::SeedChannels
            | Self::SeedWebhooks
            | Self::SeedAudits
            | Self::Other => true,
        }
    }
}

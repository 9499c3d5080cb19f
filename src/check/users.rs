//! Whose conversations with the contact centre tell of an endpoint.

use url::form_urlencoded;

use super::target::Target;
use crate::event::key::Key;

/// By what a conversation of an endpoint's users is known, the surest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Users {
    /// Messenger deployments of the pages.
    pub deployments: Vec<Key>,
    /// What customers write to.
    pub addresses: Vec<Key>,
    /// Queues that serve these pages alone.
    pub queues: Vec<Key>,
    /// Flows that serve these pages alone.
    pub flows: Vec<Key>,
    /// The deployment that the endpoint's URL names.
    pub of_url: Option<Key>,
}

impl Users {
    /// What the config lists, and what the URL says. None where both say nothing: such an endpoint
    /// takes no users.
    pub fn of(listed: Option<Self>, target: &Target) -> Option<Self> {
        match (listed, deployment(target)) {
            (None, None) => None,
            (listed, of_url) => Some(Self { of_url, ..listed.unwrap_or_default() }),
        }
    }
}

/// `deploymentId=` in the query of a URL.
fn deployment(target: &Target) -> Option<Key> {
    let (_, query) = target.path.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, id) = pairs.find(|(name, _)| name == "deploymentId")?;
    Key::new(&id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_url(url: &str) -> Option<String> {
        Users::of(None, &url.parse().unwrap())?.of_url.map(|id| id.to_string())
    }

    #[test]
    fn a_url_may_name_its_deployment() {
        assert_eq!(of_url("wss://a.example/v1?deploymentId=d-1").as_deref(), Some("d-1"));
        assert_eq!(of_url("wss://a.example/v1?x=1&deploymentId=d%2D1").as_deref(), Some("d-1"));
        for none in ["wss://a.example/v1", "wss://a.example/?deploymentId=", "tls://a.example:1"] {
            assert_eq!(of_url(none), None, "{none}");
        }
        let listed = Some(Users::default());
        let users = Users::of(listed, &"wss://a.example/".parse().unwrap());
        assert_eq!(users, Some(Users::default()), "an empty table says that there are users");
    }
}

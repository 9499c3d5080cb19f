//! Which topics are subscribed to: names of the config, with ids in the place of `{id}`, held
//! against what the organisation offers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::MAX_TOPICS;
use crate::event::key::Key;

/// Topics that are read of what is offered.
const MAX_OFFERED: usize = 20_000;

/// Ids that stand for `{id}`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ids<'a> {
    /// Of deployments that are watched.
    pub deployments: &'a [Key],
    /// Of their configurations.
    pub configurations: &'a [Key],
    /// Of queues that the config names.
    pub queues: &'a [Key],
}

/// What is wrong with a topic of the config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is nothing to put in.
    #[error("no {0} is known whose id could stand there")]
    NoIds(&'static str),
    /// Nothing tells which ids are meant.
    #[error("nothing tells which ids stand for {{id}}: write them")]
    WhichIds,
    /// Only EventBridge takes all of them.
    #[error(
        "a socket takes one conversation at a time: events of all come from EventBridge to a receiver"
    )]
    Conversations,
    /// The organisation does not offer it.
    #[error("there is no such topic")]
    Unknown,
    /// It goes elsewhere.
    #[error("it does not come over a socket, but by {}", listed(.0))]
    NotForSockets(Vec<Key>),
    /// It is about whoever asks, and a client is nobody.
    #[error("it is for users, and not for OAuth clients")]
    ForUsers,
    /// The channel is full.
    #[error("a channel takes {MAX_TOPICS} topics")]
    TooMany,
    /// It was refused.
    #[error("it was refused{}", because(.0))]
    Refused(Vec<Key>),
}

impl Fault {
    /// A word for it that never changes its meaning.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoIds(_) => "no_ids",
            Self::WhichIds => "which_ids",
            Self::Conversations => "conversations",
            Self::Unknown => "unknown",
            Self::NotForSockets(_) => "not_for_sockets",
            Self::ForUsers => "for_users",
            Self::TooMany => "too_many",
            Self::Refused(_) => "refused",
        }
    }
}

fn listed(names: &[Key]) -> String {
    names.iter().map(Key::as_str).collect::<Vec<_>>().join(", ")
}

fn because(missing: &[Key]) -> String {
    match missing {
        [] => String::new(),
        missing => format!(": the OAuth client has no permission {}", listed(missing)),
    }
}

/// The topics of one name: itself, or one for each id.
pub fn expand(name: &Key, ids: Ids<'_>) -> Result<Vec<Key>, Fault> {
    let Some((before, _)) = name.as_str().split_once("{id}") else {
        return Ok(vec![name.clone()]);
    };
    let (what, ids) = match before.trim_end_matches('.').rsplit('.').next().unwrap_or_default() {
        "deployments" => ("deployment", ids.deployments),
        "configurations" => ("configuration", ids.configurations),
        "queues" => ("queue", ids.queues),
        // `v2.audits.entitytype.Deployment.entityid.{id}`
        "entityid" if before.to_ascii_lowercase().contains(".deployment.") => {
            ("deployment", ids.deployments)
        }
        "conversation" => return Err(Fault::Conversations),
        _ => return Err(Fault::WhichIds),
    };
    if ids.is_empty() {
        return Err(Fault::NoIds(what));
    }
    let topic = |id: &Key| Key::new(&name.as_str().replacen("{id}", id.as_str(), 1)).ok();
    let topics: Vec<_> = ids.iter().filter_map(topic).collect();
    // Another place for an id is left.
    match topics.iter().any(|topic| topic.as_str().contains("{id}")) {
        true => Err(Fault::WhichIds),
        false => Ok(topics),
    }
}

/// What the organisation offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offered(BTreeMap<Key, Offer>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Offer {
    transports: Vec<Key>,
    for_users: bool,
}

impl Offered {
    /// Reads what `/notifications/availabletopics` said.
    pub fn read(answer: &Value) -> Option<Self> {
        let entities = answer.get("entities")?.as_array()?;
        let read = |entity: &Value| {
            let id = Key::new(entity.get("id")?.as_str()?).ok()?;
            let transports = entity.get("transports").and_then(Value::as_array);
            let transports = transports.into_iter().flatten().take(16);
            let transports = transports.filter_map(|name| Key::new(name.as_str()?).ok()).collect();
            let for_users = entity.get("requiresCurrentUser").and_then(Value::as_bool);
            Some((id, Offer { transports, for_users: for_users.unwrap_or(false) }))
        };
        Some(Self(entities.iter().take(MAX_OFFERED).filter_map(read).collect()))
    }

    /// What speaks against a topic.
    pub fn judge(&self, topic: &Key) -> Option<Fault> {
        let is = |template: &Key| {
            // In a template, `{id}` is any one part between dots.
            let (mut parts, mut mine) = (template.as_str().split('.'), topic.as_str().split('.'));
            loop {
                match (parts.next(), mine.next()) {
                    (None, None) => break true,
                    (Some("{id}"), Some(part)) if !part.is_empty() => {}
                    (Some(known), Some(part)) if known.eq_ignore_ascii_case(part) => {}
                    _ => break false,
                }
            }
        };
        let Some((_, offer)) = self.0.iter().find(|(template, _)| is(template)) else {
            return Some(Fault::Unknown);
        };
        let by_socket = |name: &Key| {
            ["websocket", "all"].iter().any(|known| name.as_str().eq_ignore_ascii_case(known))
        };
        if !offer.transports.is_empty() && !offer.transports.iter().any(by_socket) {
            return Some(Fault::NotForSockets(offer.transports.clone()));
        }
        offer.for_users.then_some(Fault::ForUsers)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(texts: &[&str]) -> Vec<Key> {
        texts.iter().map(|text| Key::new(text).unwrap()).collect()
    }

    #[test]
    fn an_id_stands_for_what_is_before_it() {
        let (deployments, queues) = (keys(&["d-1", "d-2"]), keys(&["q-1"]));
        let ids = Ids { deployments: &deployments, queues: &queues, ..Ids::default() };
        let expand = |name| super::expand(&Key::new(name).unwrap(), ids);
        let two = ["v2.webdeployments.deployments.d-1", "v2.webdeployments.deployments.d-2"];
        assert_eq!(expand("v2.webdeployments.deployments.{id}"), Ok(keys(&two)));
        let one = ["v2.routing.queues.q-1.conversations.messages"];
        assert_eq!(expand("v2.routing.queues.{id}.conversations.messages"), Ok(keys(&one)));
        let audits = "v2.audits.entitytype.Deployment.entityid.{id}";
        assert_eq!(expand(audits).unwrap().len(), 2);
        let concrete = "v2.detail.events.conversation.c-1.acw";
        assert_eq!(expand(concrete), Ok(keys(&[concrete])));
        for (name, fault) in [
            ("v2.webdeployments.configurations.{id}", Fault::NoIds("configuration")),
            ("v2.detail.events.conversation.{id}.customer.start", Fault::Conversations),
            ("v2.users.{id}.presence", Fault::WhichIds),
            ("v2.audits.entitytype.{id}.entityid.{id}", Fault::WhichIds),
            ("v2.x.deployments.{id}.y.{id}", Fault::WhichIds),
        ] {
            assert_eq!(expand(name), Err(fault), "{name}");
        }
    }

    #[test]
    fn what_is_not_offered_is_named() {
        let offered = Offered::read(&json!({ "entities": [
            { "id": "v2.webdeployments.deployments.{id}", "transports": ["All"] },
            { "id": "v2.detail.events.conversation.{id}.acw", "transports": ["EventBridge"] },
            { "id": "v2.users.{id}.presence", "transports": ["Websocket"], "requiresCurrentUser": true },
            { "id": "v2.old" }, { "id": 7 }, "rubbish",
        ] }))
        .unwrap();
        let judge = |name| offered.judge(&Key::new(name).unwrap());
        assert_eq!(judge("v2.webdeployments.deployments.d-1"), None);
        assert_eq!(judge("v2.old"), None);
        assert_eq!(judge("v2.webdeployments.deployments"), Some(Fault::Unknown));
        assert_eq!(judge("v2.webdeployments.deployments.d.e"), Some(Fault::Unknown));
        let elsewhere = Fault::NotForSockets(keys(&["EventBridge"]));
        assert_eq!(judge("v2.detail.events.conversation.c.acw"), Some(elsewhere));
        assert_eq!(judge("v2.users.u.presence"), Some(Fault::ForUsers));
        assert_eq!(Offered::read(&json!({ "entities": 7 })), None);
    }
}

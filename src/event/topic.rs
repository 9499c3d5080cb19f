//! What a topic's name tells: what happened, and to what.

use super::word::Kind;

/// A topic's name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic<'a> {
    /// What happened.
    pub kind: Kind,
    /// The id in it: of a conversation, a deployment, a configuration, a changed entity.
    pub id: Option<&'a str>,
    /// Of which kind that entity is, in the topics of the audit log.
    pub entity_type: Option<&'a str>,
    /// Whether this is one of the contact centre's own names, known or not.
    pub official: bool,
}

impl<'a> Topic<'a> {
    /// Takes a name apart, also one that something stands in front of: `com.example.v2.detail…`.
    pub fn read(name: &'a str) -> Self {
        let topic = |kind, id| Self { kind, id, entity_type: None, official: true };
        let Some((_, own)) = split_from(name, "v2.") else {
            let kind = Kind::from_theirs(name);
            return Self { kind, id: None, entity_type: None, official: kind != Kind::Other };
        };
        if let Some(rest) = own.strip_prefix("detail.events.conversation.") {
            let (id, event) = rest.split_once('.').unwrap_or((rest, ""));
            return topic(Kind::from_theirs(event), concrete(id));
        }
        if let Some(id) = own.strip_prefix("webdeployments.deployments.") {
            return topic(Kind::Deployment, concrete(id));
        }
        if let Some(id) = own.strip_prefix("webdeployments.configurations.") {
            return topic(Kind::Configuration, concrete(id));
        }
        if let Some(rest) = own.strip_prefix("webmessaging.deployments.")
            && let Some((id, "undelivered.messages")) = rest.split_once('.')
        {
            return topic(Kind::Undelivered, concrete(id));
        }
        if let Some(rest) = own.strip_prefix("audits.entitytype.") {
            let (entity_type, id) = rest.split_once(".entityid.").unwrap_or((rest, ""));
            let audit = topic(Kind::Audit, concrete(id));
            return Self { entity_type: concrete(entity_type), ..audit };
        }
        topic(Kind::Other, None)
    }
}

/// Splits before and behind a mark at the name's begin or behind a dot.
fn split_from<'a>(name: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    name.match_indices(mark).find_map(|(at, _)| {
        let (before, rest) = name.split_at(at);
        let own = before.is_empty() || before.ends_with(['.', '/', ':']);
        Some((before, rest.strip_prefix(mark)?)).filter(|_| own)
    })
}

/// An id, not the place for one: `{id}`.
fn concrete(id: &str) -> Option<&str> {
    (!id.is_empty() && !id.contains('{')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (name, kind, id) in [
            ("v2.detail.events.conversation.{id}.customer.start", Kind::CustomerStart, None),
            ("v2.detail.events.conversation.c-1.acd.end", Kind::AcdEnd, Some("c-1")),
            ("v2.detail.events.conversation.c-1.FLOW.Outcome", Kind::FlowOutcome, Some("c-1")),
            ("v2.detail.events.conversation.c-1.voicemail.start", Kind::Other, Some("c-1")),
            ("v2.detail.events.conversation.c-1", Kind::Other, Some("c-1")),
            ("com.example.v2.detail.events.conversation.c.acw", Kind::Acw, Some("c")),
            ("v2.webdeployments.deployments.d-1", Kind::Deployment, Some("d-1")),
            ("v2.webdeployments.configurations.k-1", Kind::Configuration, Some("k-1")),
            ("v2.webmessaging.deployments.d.undelivered.messages", Kind::Undelivered, Some("d")),
            ("v2.audits.entitytype.{id}.entityid.{id}", Kind::Audit, None),
            ("v2.analytics.queues.q.observations", Kind::Other, None),
            ("routing:conversation:analytic", Kind::Analytic, None),
            ("customer.start", Kind::CustomerStart, None),
            ("", Kind::Other, None),
        ] {
            let topic = Topic::read(name);
            assert_eq!((topic.kind, topic.id), (kind, id), "{name}");
        }
        let audit = Topic::read("v2.audits.entitytype.Queue.entityid.q-1");
        assert_eq!((audit.entity_type, audit.id), (Some("Queue"), Some("q-1")));
        assert!(!Topic::read("com.example.something").official);
        assert!(Topic::read("v2.something.new").official);
    }
}

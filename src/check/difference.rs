//! What another list of checks changes. A check is known by its id.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::Check;
use super::endpoint::Endpoint;
use super::probe::Probe;

/// How many checks come, go, change and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Difference {
    /// Only in the new list.
    pub added: usize,
    /// Only in the old list.
    pub removed: usize,
    /// In both, and not the same.
    pub changed: usize,
    /// The same in both.
    pub kept: usize,
}

impl Difference {
    /// What the new list changes.
    pub fn between(old: &[Arc<Check>], new: &[Arc<Check>]) -> Self {
        let mut gone: HashMap<_, _> = old.iter().map(|check| (&check.id, check)).collect();
        let mut difference = Self::default();
        for check in new {
            match gone.remove(&check.id) {
                None => difference.added += 1,
                Some(before) if before == check => difference.kept += 1,
                Some(_) => difference.changed += 1,
            }
        }
        difference.removed = gone.len();
        difference
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { added, removed, changed, kept } = self;
        write!(f, "checks: {added} added, {removed} removed, {changed} changed, {kept} kept")
    }
}

/// Whether two checks with one id ask the same of the same: then what is known of the one holds
/// for the other.
///
/// Where it is asked, as whom a page asks, and what must come back make the question. How often,
/// how patiently, and when that is a verdict do not. Nor does what is rotated, the secrets in
/// headers, the client certificate, the trusted CAs: a check that is down because of one is down
/// until runs with the new one pass.
pub fn same_question(a: &Check, b: &Check) -> bool {
    same_place(&a.endpoint, &b.endpoint) && same_page(a, b) && same_answer(&a.probe, &b.probe)
}

/// Whether the same addresses are dialled.
pub fn same_place(a: &Endpoint, b: &Endpoint) -> bool {
    a.target == b.target && a.reach == b.reach
}

fn same_page(a: &Check, b: &Check) -> bool {
    let page = |check: &Check| check.origin.as_ref().map(|rule| (rule.origin.clone(), rule.expect));
    page(a) == page(b)
}

fn same_answer(a: &Probe, b: &Probe) -> bool {
    match (a, b) {
        (Probe::Websocket(a), Probe::Websocket(b)) => {
            a.subprotocols == b.subprotocols
                && a.conversation == b.conversation
                && a.refusal_statuses == b.refusal_statuses
        }
        (Probe::Messaging(a), Probe::Messaging(b)) => a.asks_the_same(b),
        (Probe::Cors(a), Probe::Cors(b)) => {
            a.statuses == b.statuses
                && a.preflight_only == b.preflight_only
                && a.fetch.asks_the_same(&b.fetch)
        }
        (Probe::Http(a), Probe::Http(b)) => a.asks_the_same(b),
        (Probe::Tls, Probe::Tls) => true,
        (
            Probe::Websocket(_)
            | Probe::Messaging(_)
            | Probe::Cors(_)
            | Probe::Http(_)
            | Probe::Tls,
            _,
        ) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::check::cadence::Cadence;
    use crate::check::conversation::Step;
    use crate::check::endpoint::{AddressFamily, Owner, Reach, Trust};
    use crate::check::header::Header;
    use crate::check::health_policy::HealthPolicy;
    use crate::check::origin::{Expect, Origin, OriginRule};
    use crate::check::probe::{RefusalStatuses, Websocket};

    /// A check with its parts in the open.
    struct Parts {
        endpoint: Endpoint,
        websocket: Websocket,
        rule: OriginRule,
        seconds: u64,
    }

    impl Parts {
        fn check(self) -> Arc<Check> {
            let cadence = Cadence::new(Duration::from_secs(self.seconds), Duration::from_secs(1));
            let probe = Arc::new(Probe::Websocket(self.websocket));
            let rule = Some(Arc::new(self.rule));
            Arc::new(Check::new(Arc::new(self.endpoint), probe, rule, cadence.unwrap()))
        }
    }

    fn parts(name: &str) -> Parts {
        Parts {
            endpoint: Endpoint {
                name: name.to_owned().try_into().unwrap(),
                target: "wss://a.example/".parse().unwrap(),
                reach: Reach::default(),
                trust: Trust::System,
                identity: None,
                owner: Owner::default(),
                health: HealthPolicy::default(),
                slo: 0.99,
                max_inflight: 4,
                deployment: None,
                users: None,
            },
            websocket: Websocket::default(),
            rule: OriginRule { name: "o".into(), origin: Origin::Absent, expect: Expect::Allow },
            seconds: 30,
        }
    }

    fn altered(alter: impl FnOnce(&mut Parts)) -> Arc<Check> {
        let mut parts = parts("a");
        alter(&mut parts);
        parts.check()
    }

    #[test]
    fn checks_come_go_change_and_stay() {
        let check = |name| parts(name).check();
        let old = ["a", "b", "c", "d"].map(check);
        let new = [check("e"), check("d"), altered(|a| a.seconds = 60), check("f"), check("b")];
        let difference = Difference::between(&old, &new);
        assert_eq!(difference, Difference { added: 2, removed: 1, changed: 1, kept: 2 });
        let said = difference.to_string();
        assert_eq!(said, "checks: 2 added, 1 removed, 1 changed, 2 kept");
        assert_eq!(Difference::between(&[], &[]), Difference::default());
        assert_eq!(Difference::between(&old, &[]).removed, 4);
    }

    #[test]
    fn where_as_whom_and_for_what_make_the_question() {
        let usual = parts("a").check();
        for (what, other) in [
            ("url", altered(|a| a.endpoint.target = "wss://b.example/".parse().unwrap())),
            ("path", altered(|a| a.endpoint.target = "wss://a.example/v2".parse().unwrap())),
            (
                "connect-to",
                altered(|a| {
                    a.endpoint.reach.connect_to = Some("192.0.2.1".parse().unwrap());
                }),
            ),
            ("family", altered(|a| a.endpoint.reach.family = AddressFamily::Ipv6)),
            ("origin", altered(|a| a.rule.origin = Origin::Null)),
            ("expect", altered(|a| a.rule.expect = Expect::Deny)),
            ("messages", altered(|a| a.websocket.conversation.push(Step::Send("x".into())))),
            ("subprotocols", altered(|a| a.websocket.subprotocols.push("x".into()))),
            (
                "refusals",
                altered(|a| {
                    a.websocket.refusal_statuses = RefusalStatuses::new(vec![400]).unwrap();
                }),
            ),
        ] {
            assert!(!same_question(&usual, &other), "{what}");
        }
    }

    #[test]
    fn how_often_how_patiently_and_what_is_rotated_does_not() {
        let usual = parts("a").check();
        for (what, other) in [
            ("nothing", parts("a").check()),
            ("interval", altered(|a| a.seconds = 60)),
            ("team", altered(|a| a.endpoint.owner.team = "web".into())),
            ("max-inflight", altered(|a| a.endpoint.max_inflight = 1)),
            ("slo", altered(|a| a.endpoint.slo = 0.5)),
            ("ca-file", altered(|a| a.endpoint.trust = Trust::Anchors([].into()))),
            (
                "headers",
                altered(|a| {
                    a.websocket.headers.push(Header::new("authorization", "x").unwrap());
                }),
            ),
        ] {
            assert!(same_question(&usual, &other), "{what}");
            assert_eq!(usual == other, what == "nothing", "{what}");
        }
    }
}

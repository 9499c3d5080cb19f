//! A drill: for a while, a check that watches nothing is red under the name of an endpoint, so that
//! whoever would be woken can be seen to be. Pure.
//!
//! It has labels that no config can give: it is neither the health of an endpoint nor counted in
//! its SLO. It lives in memory alone; what was queued to be told of it has its end queued with it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::check::Check;
use crate::check::endpoint::{Endpoint, EndpointName};
use crate::health::Health;
use crate::incident::cause::Whose;
use crate::incident::id::IncidentId;
use crate::incident::minutes::Minutes;
use crate::incident::notice::{Event, Form, Message, Notice, Subscription};
use crate::incident::now::Reach;
use crate::incident::record::{Closed, Ended, Incident, LastWord, Ownership, Trouble};
use crate::incident::severity::Severity;
use crate::incident::timeline::Timeline;
use crate::outcome::verdict::Verdict;
use crate::record::ledger::Ledger;
use crate::record::recent::Recent;
use crate::record::row::RunResult;
use crate::record::snapshot::{CheckRecord, EndpointRecord, Snapshot};

/// A drill.
#[derive(Debug, Clone)]
pub struct Drill {
    /// By what it is known among messages.
    pub id: IncidentId,
    /// The endpoint whose pager is tried.
    pub endpoint: Arc<Endpoint>,
    /// What is red.
    pub check: Arc<Check>,
    /// When it began.
    pub began: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
    /// Who asked for it, as they say.
    pub who: Option<String>,
}

/// What the name of a drill's check has before that of its endpoint.
const NAME: &str = "drill-";

/// The endpoint whose drill bears this name.
pub fn endpoint_of(name: &str) -> Option<&str> {
    EndpointName::internal_part(name)?.strip_prefix(NAME)
}

/// The endpoint and the begin of the drill whose messages bear this id.
pub fn named(id: &IncidentId) -> Option<(EndpointName, Timestamp)> {
    let (began, name) = id.opened()?;
    let endpoint = EndpointName::try_from(endpoint_of(name)?.to_owned()).ok()?;
    Some((endpoint, began))
}

/// A message, and when it is to be sent.
pub type Timed = (Message, Timestamp);

impl Drill {
    /// Under the name of what this check watches.
    pub fn of(like: &Check, began: Timestamp, ends: Timestamp, who: Option<String>) -> Self {
        let endpoint = like.endpoint.clone();
        let name = Self::label(&endpoint.name);
        let nothing = Endpoint {
            owner: endpoint.owner.clone(),
            ..Endpoint::alone(name.clone(), endpoint.target.clone())
        };
        let check = Check::new(Arc::new(nothing), like.probe.clone(), None, like.cadence);
        let id = IncidentId::new(&name, began);
        Self { id, endpoint, check: Arc::new(check), began, ends, who }
    }

    /// The name that what is red in a drill for this endpoint has.
    pub fn label(endpoint: &EndpointName) -> EndpointName {
        EndpointName::internal(&format!("{NAME}{endpoint}"))
    }

    /// The label of its series and alerts.
    pub fn name(&self) -> &EndpointName {
        &self.check.endpoint.name
    }

    /// Whether it goes on.
    pub fn lasts(&self, now: Timestamp) -> bool {
        now < self.ends
    }

    /// What is scraped while it lasts: everything as it is, and beside it a check that is down.
    pub fn beside(&self, snapshot: &Snapshot, now: Timestamp) -> Snapshot {
        let mut health = Health::unknown(self.began);
        let policy = &self.check.endpoint.health;
        for _ in 0..policy.down_after() {
            health.observe(Verdict::Fail, self.began, policy);
        }
        let record = CheckRecord {
            check: self.check.clone(),
            health,
            ledger: Ledger::default(),
            recent: Recent::default(),
            last_run_at: Some(now),
            last_conclusive: Some(RunResult::Failure),
            failing: None,
            last: None,
            last_failed: None,
        };
        let mut snapshot = snapshot.clone();
        snapshot.checks.push(Arc::new(record));
        snapshot.endpoints.push(EndpointRecord::after(None, &self.check.endpoint));
        snapshot
    }

    /// What is told, at its beginning and at its end, to whoever is told of that endpoint.
    pub fn messages(&self, subscriptions: &[Subscription]) -> Vec<Timed> {
        let open = self.incident(None);
        let closed = self.incident(Some(Closed { at: self.ends, why: Ended::Recovered }));
        let told = subscriptions.iter().flat_map(|subscription| {
            let real = Incident { endpoint: self.endpoint.name.clone(), ..open.clone() };
            if !subscription.wants(&real) {
                return Vec::new();
            }
            // It was asked for the endpoint; the name of the drill is on no list.
            let asked = Subscription { endpoints: None, ..subscription.clone() };
            [(Event::Opened, self.began, &open), (Event::Closed, self.ends, &closed)]
                .into_iter()
                .filter_map(|(event, at, incident)| {
                    let incident = incident.clone();
                    let mut message =
                        asked.message(&Notice { event, at, incident, before: None })?;
                    message.body = self.marked(&message.body, subscription.form)?;
                    Some((message, at))
                })
                .collect()
        });
        told.collect()
    }

    /// A body that says of itself what it is, and when an alert ends.
    fn marked(&self, body: &str, form: Form) -> Option<String> {
        let mut body: Value = serde_json::from_str(body).ok()?;
        match form {
            Form::Webhook => {
                body.get_mut("data")?.as_object_mut()?.insert("drill".to_owned(), json!(true));
            }
            Form::Alertmanager => {
                for alert in body.as_array_mut()? {
                    let labels = alert.get_mut("labels")?.as_object_mut()?;
                    labels.insert("drill".to_owned(), json!("true"));
                    alert.as_object_mut()?.insert("endsAt".to_owned(), json!(self.ends));
                }
            }
        }
        Some(body.to_string())
    }

    fn incident(&self, closed: Option<Closed>) -> Incident {
        Incident {
            id: self.id.clone(),
            endpoint: self.name().clone(),
            owner: Ownership::from(&self.endpoint.owner),
            trouble: Trouble::Outage,
            severity: Severity::Critical,
            worst: Severity::Critical,
            weights: Vec::new(),
            whose: Whose::Us,
            began_at: self.began,
            opened_at: self.began,
            closed,
            reopened: 0,
            checks: Default::default(),
            reach: Reach::default(),
            unproven: false,
            minutes: Minutes::default(),
            timeline: Timeline::default(),
            evidence: Vec::new(),
            next_exhibit: 0,
            last_word: LastWord {
                notices: u32::from(closed.is_some()),
                at: self.began,
                trouble: Trouble::Outage,
                severity: Severity::Critical,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::health::State as Standing;
    use crate::record::state::State;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn checks() -> Vec<Arc<Check>> {
        let text = "[[endpoints]]\nname = \"door\"\nurl = \"wss://door.example/\"\nteam = \"web\"\n\
            origins = [{ origin = \"https://in.example\" }]\n";
        Config::parse(Path::new("/tmp/config.toml"), text).unwrap().checks
    }

    fn drill() -> Drill {
        Drill::of(&checks()[0], at(0), at(300), Some("eve".to_owned()))
    }

    fn subscription(form: Form, endpoints: Option<&[&str]>) -> Subscription {
        let names = endpoints.map(|names| {
            names.iter().map(|name| EndpointName::try_from((*name).to_owned()).unwrap()).collect()
        });
        Subscription {
            name: EndpointName::try_from("pager".to_owned()).unwrap(),
            form,
            endpoints: names,
            min_severity: Severity::Critical,
            external_url: None,
        }
    }

    #[test]
    fn what_is_red_is_beside_what_is_watched_and_no_part_of_it() {
        let state = State::new(&checks(), at(0));
        let before = state.snapshot(at(10));
        let with = drill().beside(&before, at(10));
        let standing: Vec<_> = with
            .checks
            .iter()
            .map(|record| (record.check.endpoint.name.to_string(), record.health.state()))
            .collect();
        let expected =
            [("door".to_owned(), Standing::Unknown), ("~drill-door".to_owned(), Standing::Down)];
        assert_eq!(standing, expected);
        assert_eq!(with.endpoints[1].endpoint.owner.team, "web");
        assert_eq!(with.checks[1].ledger, Ledger::default(), "nothing is counted");
        assert_eq!(before.checks.len(), 1);
    }

    #[test]
    fn whoever_is_told_of_the_endpoint_is_told_of_the_drill_and_of_its_end() {
        let drill = drill();
        let messages = drill.messages(&[subscription(Form::Webhook, Some(&["door"]))]);
        let [(opened, first), (closed, last)] = messages.as_slice() else { panic!("{messages:?}") };
        assert_eq!((*first, *last), (at(0), at(300)));
        assert_ne!(opened.id, closed.id);
        let body: Value = serde_json::from_str(&opened.body).unwrap();
        assert_eq!(
            (&body["type"], &body["data"]["drill"]),
            (&json!("incident.opened"), &json!(true))
        );
        assert_eq!(body["data"]["endpoint"], "~drill-door");
        assert_eq!(body["data"]["owner"]["team"], "web");
        let body: Value = serde_json::from_str(&closed.body).unwrap();
        assert_eq!(body["type"], "incident.closed");
        assert_eq!(drill.messages(&[subscription(Form::Webhook, Some(&["gate"]))]), []);
    }

    #[test]
    fn the_id_of_a_drill_is_known_as_one_also_after_a_restart() {
        let door = EndpointName::try_from("door".to_owned()).unwrap();
        assert_eq!(named(&drill().id), Some((door, at(0))));
        for other in [
            "20270115T080000Z-door",
            "20270115T080000Z-~drill-",
            "20270115T080000Z-~drill-<b>",
            "20271315T080000Z-~drill-door",
            "2027é115T080000Z-~drill-door",
            "~drill-door",
            "",
        ] {
            assert_eq!(named(&IncidentId::from_text(other)), None, "{other}");
        }
    }

    #[test]
    fn an_alert_of_a_drill_ends_by_itself() {
        let messages = drill().messages(&[subscription(Form::Alertmanager, None)]);
        for (message, _) in &messages {
            let alerts: Value = serde_json::from_str(&message.body).unwrap();
            assert_eq!(alerts.as_array().unwrap().len(), 1);
            assert_eq!(alerts[0]["labels"]["drill"], "true");
            assert_eq!(alerts[0]["labels"]["endpoint"], "~drill-door");
            assert_eq!(alerts[0]["endsAt"], json!(at(300)));
        }
        assert_eq!(messages.len(), 2);
    }
}

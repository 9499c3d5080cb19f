//! Which topics are wanted, and what became of each.

use std::collections::{BTreeMap, BTreeSet};

use super::meters::Meters;
use crate::event::key::Key;
use crate::genesys::channel::topic::{Fault, Ids, Offered, expand};
use crate::genesys::channel::{MAX_TOPICS, Subscription};
use crate::genesys::trouble::{Kind, Trouble};
use crate::tenant::Desk;

/// What the config asks for, as far as ids are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The topics that nothing speaks against, in their order.
    pub topics: Vec<Key>,
    /// What speaks against the others.
    faults: BTreeMap<Key, Fault>,
}

/// What is known of topics.
#[derive(Debug, Default)]
pub struct Topics {
    offered: Option<Offered>,
    /// What was set last.
    set: Vec<Key>,
    subscribed: BTreeSet<Key>,
    faults: BTreeMap<Key, Fault>,
}

impl Topics {
    /// Asks which there are.
    pub async fn learn(&mut self, desk: &Desk) -> Result<(), Trouble> {
        match desk.platform.topics().await {
            Ok(offered) => self.offered = Some(offered),
            // They are held against nothing then; whoever refuses one says so.
            Err(trouble) if matches!(trouble.kind, Kind::NotFound | Kind::Gone) => {}
            Err(trouble) => return Err(trouble),
        }
        Ok(())
    }

    /// The topics of the config, with ids, that nothing speaks against.
    pub fn wanted(&self, desk: &Desk) -> Wanted {
        let settings = desk.settings.borrow();
        let doors = settings.deployments();
        let deployments: Vec<_> = doors.iter().map(|id| id.key().clone()).collect();
        let view = desk.view.borrow();
        let known = view.deployments.iter().filter(|(id, _)| doors.contains(*id));
        let configuration = known.filter_map(|(_, known)| known.configuration()?.id.clone());
        let configurations: Vec<_> = configuration.collect();
        let queues: Vec<_> = settings.queues.iter().cloned().collect();
        let ids =
            Ids { deployments: &deployments, configurations: &configurations, queues: &queues };
        let mut faults = BTreeMap::new();
        let mut wanted = Vec::new();
        for name in &desk.genesys.news.topics {
            let judged = expand(name, ids).and_then(|topics| {
                let fault = |topic: &Key| self.offered.as_ref()?.judge(topic);
                topics.iter().find_map(fault).map_or(Ok(topics), Err)
            });
            match judged {
                Ok(topics) => wanted.extend(topics),
                Err(fault) => drop(faults.insert(name.clone(), fault)),
            }
        }
        wanted.sort();
        wanted.dedup();
        if let Some(name) = wanted.get(MAX_TOPICS) {
            faults.insert(name.clone(), Fault::TooMany);
        }
        wanted.truncate(MAX_TOPICS);
        Wanted { topics: wanted, faults }
    }

    /// These were asked for: takes in what became of each.
    pub fn set(&mut self, wanted: Wanted, told: Vec<Subscription>) {
        let Wanted { topics, faults } = wanted;
        self.subscribed = topics.iter().cloned().collect();
        (self.set, self.faults) = (topics, faults);
        for Subscription { topic, refused } in told {
            if let Some(refusal) = refused {
                self.subscribed.remove(&topic);
                self.faults.insert(topic, Fault::Refused(refusal.missing));
            }
        }
    }

    /// Whether others are wanted than were set last.
    pub fn differ_from(&self, wanted: &Wanted) -> bool {
        !wanted.topics.is_empty() && wanted.topics != self.set
    }

    /// How many are subscribed to.
    pub fn subscribed(&self) -> usize {
        self.subscribed.len()
    }

    /// Whether conversations are told of: only then are they missed.
    pub fn tell_of_conversations(&self) -> bool {
        self.subscribed.iter().any(|topic| topic.as_str().contains("conversation"))
    }

    /// Shows what became of them; in the log, what is new.
    pub fn show(&self, desk: &Desk, meters: &Meters) {
        meters.topics(self.subscribed.len(), self.faults.len());
        let before = desk.view.borrow().channel.as_ref().map(|channel| channel.faults.clone());
        let before = before.unwrap_or_default();
        for (topic, fault) in &self.faults {
            if before.get(topic) != Some(fault) {
                let problem = fault.code();
                let (topic, why) = (topic.as_str(), fault.to_string());
                tracing::warn!(topic, problem, why, "a topic is not subscribed to");
            }
        }
        let topics = self.subscribed.iter().cloned().collect();
        desk.show(|view| {
            view.channel(|channel| {
                channel.topics = topics;
                channel.faults.clone_from(&self.faults);
            });
        });
    }
}

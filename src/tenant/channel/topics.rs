//! Which topics are wanted, and what became of each.

use std::collections::{BTreeMap, BTreeSet};

use super::meters::Meters;
use crate::event::key::Key;
use crate::genesys::channel::topic::{Fault, Ids, Offered, expand};
use crate::genesys::channel::{MAX_TOPICS, Subscription};
use crate::genesys::trouble::{Kind, Trouble};
use crate::tenant::Desk;

/// What is known of topics.
#[derive(Debug, Default)]
pub struct Topics {
    offered: Option<Offered>,
    asked: Vec<Key>,
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
    pub fn wanted(&mut self, desk: &Desk) -> Vec<Key> {
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
        self.faults.clear();
        let mut wanted = Vec::new();
        for name in &desk.genesys.news.topics {
            let judged = expand(name, ids).and_then(|topics| {
                let fault = |topic: &Key| self.offered.as_ref()?.judge(topic);
                topics.iter().find_map(fault).map_or(Ok(topics), Err)
            });
            match judged {
                Ok(topics) => wanted.extend(topics),
                Err(fault) => drop(self.faults.insert(name.clone(), fault)),
            }
        }
        wanted.sort();
        wanted.dedup();
        if let Some(name) = wanted.get(MAX_TOPICS) {
            self.faults.insert(name.clone(), Fault::TooMany);
        }
        wanted.truncate(MAX_TOPICS);
        self.asked.clone_from(&wanted);
        wanted
    }

    /// Takes in what became of each.
    pub fn told(&mut self, told: Vec<Subscription>) {
        self.subscribed = self.asked.iter().cloned().collect();
        for Subscription { topic, refused } in told {
            if let Some(refusal) = refused {
                self.subscribed.remove(&topic);
                self.faults.insert(topic, Fault::Refused(refusal.missing));
            }
        }
    }

    /// What was asked for last.
    pub fn asked(&self) -> &[Key] {
        &self.asked
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

//! Who is told of incidents: from the config to those who queue and those who send.

use std::sync::Arc;

use tokio::sync::watch;

use crate::config::notify::Notify;
use crate::incident::notice::Subscription;
use crate::notify::Target;

/// Both ends, so that a change reaches them together.
#[derive(Debug)]
pub struct Told {
    subscriptions: watch::Sender<Arc<[Subscription]>>,
    targets: watch::Sender<Arc<[Target]>>,
}

impl Told {
    /// As a config has it.
    pub fn new(notify: &[Notify]) -> Self {
        let subscriptions = watch::Sender::new(subscriptions(notify));
        Self { subscriptions, targets: watch::Sender::new(targets(notify)) }
    }

    /// As another config has it.
    pub fn change(&self, notify: &[Notify]) {
        self.subscriptions.send_replace(subscriptions(notify));
        self.targets.send_replace(targets(notify));
    }

    /// For who queues.
    pub fn subscriptions(&self) -> watch::Receiver<Arc<[Subscription]>> {
        self.subscriptions.subscribe()
    }

    /// For who sends.
    pub fn targets(&self) -> watch::Receiver<Arc<[Target]>> {
        self.targets.subscribe()
    }
}

fn subscriptions(notify: &[Notify]) -> Arc<[Subscription]> {
    notify.iter().map(|notify| notify.subscription.clone()).collect()
}

fn targets(notify: &[Notify]) -> Arc<[Target]> {
    let target = |notify: &Notify| Target {
        subscription: notify.subscription.clone(),
        url: notify.url.clone(),
        keys: notify.keys.clone(),
        trust: notify.trust.clone(),
    };
    notify.iter().map(target).collect()
}

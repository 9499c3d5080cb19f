//! Looks at known doors from time to time, and tells the recorder whether they are seen as they are.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use crate::canary::Canaries;
use crate::canary::surroundings::{self, Moment};
use crate::check::Check;
use crate::clock;
use crate::config::Selfcheck;
use crate::outcome::Outcome;
use crate::outcome::sight::Sight;
use crate::probe::Prober;
use crate::record::Message;

/// Longest between two looks while the monitor is blind.
const BLIND_INTERVAL: Duration = Duration::from_secs(5);

/// What looks: changes with the config.
#[derive(Debug, Clone)]
pub struct Eyes<F> {
    /// What the scheduler runs too.
    pub probe: F,
    /// What stands behind it.
    pub prober: Arc<Prober>,
    /// How often, and at what else.
    pub settings: Selfcheck,
}

/// Who looks.
#[derive(Debug)]
pub struct Watch<F> {
    canaries: Option<Canaries>,
    eyes: watch::Receiver<Option<Eyes<F>>>,
    round: u64,
    before: Option<Moment>,
}

impl<F> Watch<F> {
    /// Has not looked yet; looks at nothing where there are no canaries.
    pub fn new(canaries: Option<Canaries>, eyes: watch::Receiver<Option<Eyes<F>>>) -> Self {
        Self { canaries, eyes, round: 0, before: None }
    }

    /// One look at everything.
    pub async fn look<Fut>(&mut self) -> Sight
    where
        F: Fn(Arc<Check>, u64) -> Fut + Clone,
        Fut: Future<Output = Outcome>,
    {
        let eyes = self.eyes.borrow().clone();
        let (Some(canaries), Some(eyes)) = (&mut self.canaries, eyes) else {
            return Sight::default();
        };
        let at = Moment { now: clock::now(), instant: Instant::now() };
        let mut looks = canaries.look(&eyes.probe, self.round).await;
        let settings = &eyes.settings;
        let (egress, resolver) = tokio::join!(
            surroundings::egress(&settings.egress),
            surroundings::resolver(&eyes.prober, settings.dns_name.as_deref()),
        );
        looks.extend(egress);
        looks.extend(resolver);
        looks.push(surroundings::clock(self.before.replace(at), at));
        looks.extend(surroundings::trust_store(&eyes.prober));
        self.round += 1;
        Sight::new(looks)
    }

    /// Looks for as long as it is polled, on the thread of the probes; has looked once before.
    pub async fn keep_looking<Fut>(mut self, mut sight: Sight, messages: mpsc::Sender<Message>)
    where
        F: Fn(Arc<Check>, u64) -> Fut + Clone,
        Fut: Future<Output = Outcome>,
    {
        loop {
            sleep(self.pause(&sight)).await;
            sight = self.look().await;
            // Without a recorder the daemon ends.
            messages.send(Message::Sight(sight.clone())).await.ok();
        }
    }

    fn pause(&self, sight: &Sight) -> Duration {
        let eyes = self.eyes.borrow();
        let interval = eyes.as_ref().map_or(BLIND_INTERVAL, |eyes| eyes.settings.interval);
        if sight.blind().is_some() { interval.min(BLIND_INTERVAL) } else { interval }
    }
}

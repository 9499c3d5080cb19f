//! As whom messaging probes come: a guest of its own for each check, known again from run to run,
//! and by nobody else.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::time::{Duration, Instant};

use crate::check::messaging::Messaging;
use crate::check::target::Target;
use crate::check::{Check, CheckId};
use crate::event::key::Key;

/// Time between two echoes of a guest: a connection has two a minute.
pub const ECHO_EVERY: Duration = Duration::from_secs(30);

/// What is known of guests, over all runs and configs.
#[derive(Default)]
pub struct Guests {
    salt: u64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    guests: HashMap<CheckId, Guest>,
    /// Deployments in which a session began a conversation, and how that was asked for.
    stopped: HashMap<Key, (Target, Messaging)>,
}

#[derive(Default)]
struct Guest {
    renewals: u64,
    echoed_at: Option<Instant>,
}

impl fmt::Debug for Guests {
    /// The salt is nobody's business: tokens follow from it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guests(…)")
    }
}

impl Guests {
    /// Guests whose tokens follow from this number, which another daemon does not know.
    pub fn salted(salt: u64) -> Self {
        Self { salt, known: Mutex::default() }
    }

    /// By what a check's guest is known: the same from run to run.
    pub fn token(&self, check: &Check, messaging: &Messaging) -> String {
        let renewals = self.known().guests.get(&check.id).map_or(0, |guest| guest.renewals);
        let parts = [
            &self.salt.to_be_bytes()[..],
            &renewals.to_be_bytes(),
            messaging.deployment.as_str().as_bytes(),
            // No deployment has one in its id.
            b" ",
            check.id.as_str().as_bytes(),
        ];
        uuid(digest(&SHA256, &parts.concat()).as_ref())
    }

    /// From now on the guest of a check is another one.
    pub fn renew(&self, check: &Check) {
        self.known().guests.entry(check.id.clone()).or_default().renewals += 1;
    }

    /// Whether the guest may be heard again by now; if so, it is.
    pub fn may_echo(&self, check: &Check, now: Instant) -> bool {
        let mut known = self.known();
        let guest = known.guests.entry(check.id.clone()).or_default();
        let due = guest.echoed_at.is_none_or(|at| now.saturating_duration_since(at) >= ECHO_EVERY);
        if due {
            guest.echoed_at = Some(now);
        }
        due
    }

    /// No session of this deployment is asked for any more.
    pub fn stop(&self, check: &Check, messaging: &Messaging) {
        let asked = (check.endpoint.target.clone(), messaging.clone());
        self.known().stopped.insert(messaging.deployment.clone(), asked);
    }

    /// Whether sessions of this deployment are not asked for.
    pub fn is_stopped(&self, messaging: &Messaging) -> bool {
        self.known().stopped.contains_key(&messaging.deployment)
    }

    /// Forgets all checks but these, and what was found of deployments that are asked otherwise by
    /// now.
    pub fn retain(&self, checks: &HashSet<&CheckId>, asked: &[(&Target, &Messaging)]) {
        let mut known = self.known();
        known.guests.retain(|id, _| checks.contains(id));
        known.stopped.retain(|_, (target, messaging)| {
            asked.iter().any(|(known, other)| *known == target && *other == messaging)
        });
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first bytes in the shape of a random UUID (RFC 9562).
pub fn uuid(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |range| hex.get(range).unwrap_or_default();
    let [a, b, c, d, e] = [part(0..8), part(8..12), part(13..16), part(17..20), part(20..32)];
    format!("{a}-{b}-4{c}-8{d}-{e}")
}

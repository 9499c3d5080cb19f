//! Finds out why a page is not let in: asks as the page does, then as its neighbours would, politely.

pub mod conclusion;
pub mod mend;
pub mod near_miss;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::check::Check;
use crate::check::messaging::{Level, Messaging};
use crate::check::origin::{Expect, Origin, OriginRule};
use crate::check::probe::{Cors, Forgeries, Probe, ProbeKind};
use crate::outcome::Outcome;
use crate::outcome::cors::Request;
use crate::outcome::failure::Failure;
use crate::probe::Prober;
use conclusion::Conclusion;
use mend::{Mend, mend};
use near_miss::{NearMiss, Spelling, near_misses};

/// Time between two runs: a person waits, and a server counts.
const PAUSE: Duration = Duration::from_millis(250);

/// Most addresses of a name that are asked.
const MAX_ADDRESSES: usize = 4;

/// A spelling, and what it met.
#[derive(Debug, Clone)]
pub struct Tried {
    /// What was sent.
    pub near_miss: NearMiss,
    /// What came of it.
    pub outcome: Outcome,
}

/// All that was asked, and what follows from it.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// The check, as the page would make it.
    pub check: Arc<Check>,
    /// What the page sends.
    pub origin: Origin,
    /// How the page itself was answered: at each address, and once more behind the spellings.
    pub asked: Vec<Outcome>,
    /// How the spellings were.
    pub tried: Vec<Tried>,
    /// What that shows.
    pub conclusion: Conclusion,
    /// What the spellings that were let in show of the list.
    pub lessons: Vec<&'static str>,
    /// What to do about it.
    pub advice: Vec<String>,
    /// What the server would have to send, where CORS keeps the answer from the page.
    pub mend: Option<Mend>,
}

/// Asks and concludes, with no more runs than `budget`; `others` must get in at the same door, and
/// `told` hears of each run as it ends.
pub async fn diagnose(
    prober: &Prober,
    check: &Arc<Check>,
    others: &[Origin],
    budget: usize,
    mut told: impl FnMut(Spelling, &Origin, &Outcome),
) -> Diagnosis {
    let origin = check.origin.as_ref().map_or(Origin::Absent, |rule| rule.origin.clone());
    let question = as_page(check, &origin);
    let mut purse = Purse { left: budget, spent: 0 };
    let (mut asked, mut tried) = (Vec::new(), Vec::new());
    // One address after the other: a pool may have one node that is not like the others.
    let mut addresses = 1;
    while asked.len() < addresses && purse.pay().await {
        let outcome = prober.run(&question, asked.len() as u64).await;
        addresses = outcome.observation.addresses.clamp(1, MAX_ADDRESSES);
        told(Spelling::AsSent, &origin, &outcome);
        asked.push(outcome);
    }
    if asked.iter().all(conclusion::may_be_the_origin) {
        // The last run is kept for the page itself.
        let neighbours = near_misses(&origin, others).into_iter();
        for near_miss in neighbours.filter(|one| makes_sense(check, one)) {
            if purse.left <= 1 || !purse.pay().await {
                break;
            }
            let outcome = prober.run(&as_page(check, &near_miss.origin), 0).await;
            told(near_miss.spelling, &near_miss.origin, &outcome);
            let throttled = conclusion::is_throttled(&outcome);
            tried.push(Tried { near_miss, outcome });
            if throttled {
                break;
            }
        }
        if !tried.is_empty() && purse.pay().await {
            let outcome = prober.run(&question, 0).await;
            told(Spelling::AsSent, &origin, &outcome);
            asked.push(outcome);
        }
    }
    let target = &check.endpoint.target;
    let conclusion = conclusion::conclude(target, &origin, &asked, &tried);
    let advice = conclusion::advice(conclusion, target, &origin, &asked);
    let lessons = conclusion::lessons(&tried);
    let mend = asked.iter().find_map(|outcome| lacking(check, &origin, outcome));
    Diagnosis { check: check.clone(), origin, asked, tried, conclusion, lessons, advice, mend }
}

/// CORS is about pages: who sends no origin is no page.
fn makes_sense(check: &Check, near_miss: &NearMiss) -> bool {
    check.probe.kind() != ProbeKind::Cors || near_miss.origin != Origin::Absent
}

fn lacking(check: &Check, origin: &Origin, outcome: &Outcome) -> Option<Mend> {
    match (check.probe.as_ref(), &outcome.failure) {
        (Probe::Cors(cors), Some(Failure::CorsBlocked(blocked))) => {
            Some(mend(&Request { origin, fetch: &cors.fetch }, blocked))
        }
        _ => None,
    }
}

/// The runs that are left.
struct Purse {
    left: usize,
    spent: usize,
}

impl Purse {
    /// Waits for the turn of another run, if there is one left.
    async fn pay(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        if self.spent > 0 {
            sleep(PAUSE).await;
        }
        (self.left, self.spent) = (left, self.spent + 1);
        true
    }
}

/// The same question, asked by this page, which wants to get in.
fn as_page(check: &Check, origin: &Origin) -> Check {
    let rule =
        OriginRule { name: origin.to_string(), origin: origin.clone(), expect: Expect::Allow };
    let rule = check.origin.as_ref().map(|_| Arc::new(rule));
    let probe = match check.probe.as_ref() {
        // Forged origins are another question.
        Probe::Cors(cors) => {
            Arc::new(Probe::Cors(Cors { forgeries: Forgeries::Never, ..cors.clone() }))
        }
        // Whoever asks so often asks for no session.
        Probe::Messaging(messaging) => {
            let level = messaging.level.min(Level::Configuration);
            Arc::new(Probe::Messaging(Messaging { level, ..messaging.clone() }))
        }
        Probe::Websocket(_) | Probe::Http(_) | Probe::Tls => check.probe.clone(),
    };
    Check::new(check.endpoint.clone(), probe, rule, check.cadence)
}

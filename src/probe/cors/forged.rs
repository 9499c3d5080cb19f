//! Requests with origins that the server must not take for the page's: one now and then, behind
//! the run itself, whose verdict and times they do not touch.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::message;
use crate::check::CheckId;
use crate::check::origin::Origin;
use crate::check::probe::{Cors, Forgeries as Policy};
use crate::outcome::cors::Request;
use crate::outcome::cors::forgery::{self, Caught, Forgery, Tried};
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::warning::Warning;
use crate::probe::Run;
use crate::probe::dial;
use crate::probe::exchange::exchange;
use crate::probe::witness::Witness;

/// One run of so many also tries a forged origin: a prime beyond the addresses of a name, so that
/// each of them has its turn.
const EVERY: u64 = 11;

/// Longest that the answer to one is waited for: a server that holds strangers up must not make
/// the check a slow one.
const WAIT: Duration = Duration::from_secs(1);

/// What the last tries came to, of each check: a finding stays until its next try.
#[derive(Debug, Default)]
pub struct Forgeries(Mutex<HashMap<CheckId, Tried>>);

impl Forgeries {
    /// Forgets all checks but these.
    pub fn retain(&self, known: &HashSet<&CheckId>) {
        let mut tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tried.retain(|id, _| known.contains(id));
    }
}

/// Tries what is due, and adds to the witness what is known by then.
pub async fn try_one(run: &Run<'_>, cors: &Cors, witness: &mut Witness) {
    let Some(rule) = run.check.origin.as_ref().filter(|_| run.expects_entry()) else { return };
    // Its times are nobody's.
    witness.pause();
    for forgery in due(cors.forgeries, run.turn, witness.seen.addresses) {
        let Some(forged) = forgery.of(&rule.origin) else { continue };
        let until = run.last_word().min(Instant::now() + WAIT);
        let answered = timeout_at(until, ask(run, cors, &forged, &rule.origin, witness));
        // No answer says nothing.
        if let Ok(Ok(caught)) = answered.await {
            let mut tried = run.prober.forgeries.0.lock().unwrap_or_else(PoisonError::into_inner);
            tried.entry(run.check.id.clone()).or_default().note(forgery, caught);
        }
    }
    witness.resume();
    let tried = run.prober.forgeries.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(tried), Some(seen)) = (tried.get(&run.check.id), &mut witness.seen.cors) {
        if tried.answers_alike() {
            seen.remarks.retain(|remark| remark.warning != Warning::CorsVaryOriginMissing);
        }
        seen.remarks.extend(tried.remarks(&rule.origin));
    }
}

/// The forgeries of this turn. Each goes to every address of the name in turn.
fn due(policy: Policy, turn: u64, addresses: usize) -> Vec<Forgery> {
    match policy {
        Policy::Never => Vec::new(),
        Policy::All => Forgery::ALL.to_vec(),
        Policy::InTurn if !turn.is_multiple_of(EVERY) => Vec::new(),
        Policy::InTurn => {
            let round = turn / EVERY / addresses.max(1) as u64;
            let at = usize::try_from(round % Forgery::ALL.len() as u64).unwrap_or(0);
            Forgery::ALL.get(at).copied().into_iter().collect()
        }
    }
}

/// Asks as another page: by a preflight where the request itself could change anything.
async fn ask(
    run: &Run<'_>,
    cors: &Cors,
    forged: &Origin,
    allowed: &Origin,
    witness: &Witness,
) -> Result<Caught, Failure> {
    let address = witness.seen.address.ok_or(Failure::NoAddress)?;
    // Its times and its chain are nobody's.
    let mut aside = Witness::new();
    let request = Request { origin: forged, fetch: &cors.fetch };
    let changes = !matches!(cors.fetch.method().as_str(), "GET" | "HEAD");
    let message = if changes || request.needs_preflight() {
        message::preflight(run, &request)
    } else {
        message::request(run, &request)
    };
    let mut stream = dial::connect(run, address, &mut aside).await?;
    let head = exchange(&mut stream, &message, Phase::Request, &mut aside).await?;
    head.parse(|_, _, headers| Ok(forgery::judge(&request, allowed, headers)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forgery_meets_every_address_and_few_runs_try_one() {
        for addresses in 1..=8 {
            let tries: Vec<_> = (0..1760)
                .flat_map(|turn| {
                    let due = due(Policy::InTurn, turn, addresses);
                    due.into_iter().map(move |forgery| (forgery, turn as usize % addresses))
                })
                .collect();
            assert_eq!(tries.len(), 160);
            let mut met = tries.clone();
            met.sort();
            met.dedup();
            assert_eq!(met.len(), 4 * addresses, "{addresses} addresses");
        }
        assert_eq!(due(Policy::Never, 0, 1), []);
        assert_eq!(due(Policy::All, 3, 1), Forgery::ALL);
    }
}

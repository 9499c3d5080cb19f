//! The messaging probe: comes as a guest of a messenger does, and goes as far up as it is told.

mod visit;

use super::Run;
use super::upgrade::{self, Offer};
use super::witness::Witness;
use crate::check::messaging::{Level, Messaging};
use crate::outcome::failure::Failure;
use crate::outcome::messaging::{Refused, Seen, Trouble};
use crate::outcome::phase::Phase;
use visit::Visit;

/// Runs it.
pub async fn run(
    run: &Run<'_>,
    messaging: &Messaging,
    witness: &mut Witness,
) -> Result<(), Failure> {
    let ended = attempt(run, messaging, witness).await;
    ended.map_err(|failure| witness.meant_by(failure))
}

async fn attempt(
    run: &Run<'_>,
    messaging: &Messaging,
    witness: &mut Witness,
) -> Result<(), Failure> {
    let offer = Offer { headers: &messaging.headers, subprotocols: &[] };
    let mut conversation = upgrade::open(run, &offer, witness).await?;
    let reached = Some(Level::Upgrade);
    let stopped = messaging.level >= Level::Session && run.prober.guests.is_stopped(messaging);
    witness.seen.messaging = Some(Box::new(Seen { reached, stopped, ..Seen::default() }));
    if messaging.level > Level::Upgrade {
        witness.enter(Phase::Transfer);
        let mut visit = Visit::new(run, messaging, &mut conversation, witness);
        let climbed = match run.expects_entry() {
            true => visit.climb().await,
            // A page that must be refused, or one that this is held against.
            false => visit.knock().await,
        };
        if let Err(failure) = climbed {
            if is_intrusive(&failure) {
                // Nothing of what was begun is to go on.
                conversation.close(run.last_word()).await.ok();
            }
            return Err(failure);
        }
    }
    witness.enter(Phase::Close);
    conversation.close(run.last_word()).await
}

fn is_intrusive(failure: &Failure) -> bool {
    matches!(failure, Failure::Messaging(Refused { trouble: Trouble::AutoStarted, .. }))
}

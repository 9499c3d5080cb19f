//! The WebSocket probe: opens the door as a page does, then says a few words.

use super::Run;
use super::upgrade::{self, Offer};
use super::witness::Witness;
use crate::check::probe::Websocket;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;

/// Runs it.
pub async fn run(
    run: &Run<'_>,
    websocket: &Websocket,
    witness: &mut Witness,
) -> Result<(), Failure> {
    let ended = attempt(run, websocket, witness).await;
    ended.map_err(|failure| witness.meant_by(failure))
}

async fn attempt(
    run: &Run<'_>,
    websocket: &Websocket,
    witness: &mut Witness,
) -> Result<(), Failure> {
    let offer = Offer { headers: &websocket.headers, subprotocols: &websocket.subprotocols };
    let mut conversation = upgrade::open(run, &offer, witness).await?;
    if run.expects_entry() && !websocket.conversation.is_empty() {
        witness.enter(Phase::Transfer);
        conversation.hold(&websocket.conversation, run.last_word()).await?;
    }
    witness.enter(Phase::Close);
    conversation.close(run.last_word()).await
}

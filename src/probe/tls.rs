//! The TLS probe: the handshake alone, and a polite goodbye.

use tokio::io::AsyncWriteExt;
use tokio::time::timeout_at;

use super::Run;
use super::dial::dial;
use super::witness::Witness;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;

/// Runs it. The chain, the session and the judgement are made while dialling.
pub async fn run(run: &Run<'_>, witness: &mut Witness) -> Result<(), Failure> {
    let mut stream = dial(run, witness).await?;
    witness.enter(Phase::Close);
    // The verdict stands: a server that does not wait for our goodbye does no harm.
    timeout_at(run.last_word(), stream.shutdown()).await.ok();
    Ok(())
}

//! The TLS probe: the handshake alone, and a polite goodbye.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::Run;
use super::dial::{Stream, dial};
use super::io_error;
use super::witness::Witness;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;

/// Longest that a server which asked for a client certificate has to say that it wants one.
const ALERT_WAIT: Duration = Duration::from_millis(500);

/// Runs it. The chain, the session and the judgement are made while dialling.
pub async fn run(run: &Run<'_>, witness: &mut Witness) -> Result<(), Failure> {
    let mut stream = dial(run, witness).await?;
    if witness.certificate_wanted {
        second_thoughts(&mut stream, run.last_word()).await?;
    }
    witness.enter(Phase::Close);
    // The verdict stands: a server that does not wait for our goodbye does no harm.
    timeout_at(run.last_word(), stream.shutdown()).await.ok();
    Ok(())
}

/// In TLS 1.3 the client is done before the server has seen whether there is a certificate: the
/// refusal, if any, comes as an alert behind the handshake.
async fn second_thoughts(stream: &mut Stream, until: Instant) -> Result<(), Failure> {
    let until = until.min(Instant::now() + ALERT_WAIT);
    match timeout_at(until, stream.read(&mut [0; 1])).await {
        Ok(Err(error)) => Err(io_error::failure(&error, Phase::Tls)),
        // Silence, bytes or an orderly end: the server does without.
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

//! systemd's watchdog: fed while everything that matters makes progress, and not otherwise.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::record::Reader;
use crate::schedule::promise::Promise;
use crate::systemd;

/// Rounds in the time after which systemd gives the daemon up. One that fails is asked again.
const ROUNDS: u32 = 3;

/// What must make progress.
#[derive(Debug)]
pub struct Watched {
    /// When the scheduler has said that it will have turned.
    pub scheduler: Arc<Promise>,
    /// The way to the recorder.
    pub recorder: Reader,
    /// The runtime that serves the page.
    pub http: Handle,
}

/// Starts the thread where systemd wants to hear from the daemon; it ends with `stop`.
pub fn watch(watched: Watched, stop: CancellationToken) -> std::io::Result<()> {
    let Some(patience) = systemd::watchdog() else { return Ok(()) };
    let round = patience / ROUNDS;
    let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
    thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                // From here on systemd waits for the end, and not for ever.
                () = stop.cancelled() => {}
                () = keep_feeding(&watched, round) => {}
            }
        });
    })?;
    Ok(())
}

async fn keep_feeding(watched: &Watched, round: Duration) {
    let mut rounds = interval(round);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = Vec::new();
    loop {
        rounds.tick().await;
        // What answers within half a round leaves time for another round.
        let stuck = stuck(watched, round / 2).await;
        if stuck.is_empty() {
            systemd::alive();
            if !told.is_empty() {
                tracing::info!(was_stuck = told.join(", "), "everything makes progress again");
            }
        } else if stuck != told {
            let stuck = stuck.join(", ");
            tracing::error!(stuck, "no progress: systemd is not told that all is well");
        }
        told = stuck;
    }
}

/// Who makes no progress. All are asked at a time, so that one does not hide another.
async fn stuck(watched: &Watched, patience: Duration) -> Vec<&'static str> {
    let http = watched.http.spawn(std::future::ready(()));
    let (recorder, http) =
        tokio::join!(timeout(patience, watched.recorder.ping()), timeout(patience, http),);
    let progress = [
        ("scheduler", watched.scheduler.is_kept(Instant::now(), patience)),
        ("recorder", matches!(recorder, Ok(Some(())))),
        ("http server", matches!(http, Ok(Ok(())))),
    ];
    progress.into_iter().filter_map(|(name, well)| (!well).then_some(name)).collect()
}

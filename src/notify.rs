//! Outgoing: tells others of incidents, from a queue in the events file.
//!
//! What incidents queue is on disk before anybody sends it, and leaves the queue once it was taken:
//! at least once, under the same id, those of one incident in their order. On a thread of its own,
//! with a task for each target, so that no probe and no other target waits for a slow one.

mod alertmanager;
mod answer;
mod client;
mod queue;
mod sender;
mod signature;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::check::endpoint::Trust;
use crate::check::target;
use crate::inbox::Inbox;
use crate::incident::notice::Subscription;
use crate::signing::SigningKey;
use sender::Sender;

/// Time between attempts to open the queue.
const OPEN_AGAIN: Duration = Duration::from_secs(10);

/// Somebody who is told.
#[derive(Debug, Clone)]
pub struct Target {
    /// Of what.
    pub subscription: Subscription,
    /// Where.
    pub url: target::Target,
    /// Each signs every message.
    pub keys: Vec<SigningKey>,
    /// Whose certificates are believed.
    pub trust: Trust,
}

/// The notifier, before its thread.
#[derive(Debug)]
pub struct Notifier {
    /// The events file.
    pub path: PathBuf,
    /// Who writes it.
    pub inbox: Inbox,
    /// Who is told; each change begins anew, also with those who said that they are gone.
    pub targets: watch::Receiver<Arc<[Target]>>,
}

impl Notifier {
    /// Starts the thread; it ends with `stop`, whatever is under way: it is sent again.
    pub fn spawn(self, stop: CancellationToken) -> io::Result<JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(4)
            .build()?;
        thread::Builder::new().name("notifier".to_owned()).spawn(move || {
            runtime.block_on(self.serve(stop));
            // A resolver may hang on a name.
            runtime.shutdown_background();
        })
    }

    async fn serve(mut self, stop: CancellationToken) {
        loop {
            let targets = self.targets.borrow_and_update().clone();
            let mut senders = JoinSet::new();
            for target in targets.iter() {
                senders.spawn(tell(target.clone(), self.path.clone(), self.inbox.clone()));
            }
            let changed = tokio::select! {
                changed = self.targets.changed() => changed.is_ok(),
                () = stop.cancelled() => false,
            };
            senders.shutdown().await;
            if !changed {
                return;
            }
        }
    }
}

/// Tells one target, from when its part of the queue can be opened.
async fn tell(target: Target, path: PathBuf, inbox: Inbox) {
    loop {
        match Sender::new(target.clone(), &path, inbox.clone()) {
            Ok(sender) => sender.run().await,
            Err(error) => {
                let target = &target.subscription.name;
                tracing::error!(%target, %error, "nobody there is told of incidents yet");
            }
        }
        sleep(OPEN_AGAIN).await;
    }
}

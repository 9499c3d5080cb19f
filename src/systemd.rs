//! What systemd is told, where it has started us.

use std::time::Duration;

use sd_notify::NotifyState;

/// The port is taken and the store is open.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// A config is being read. Behind it comes [`reloaded`], whatever came of it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        // In one message: without the time, `Type=notify-reload` takes the reload for failed.
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "systemd cannot be told"),
    }
}

/// The daemon goes on, with the new config or with the old one.
pub fn reloaded(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Runs are finishing.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Everything makes progress.
pub fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// After how long without [`alive`] systemd starts the daemon anew, where it does so.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|patience| !patience.is_zero())
}

fn notify(states: &[NotifyState<'_>]) {
    // Without $NOTIFY_SOCKET this does nothing.
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}

//! What systemd is told, where it has started us.

use sd_notify::NotifyState;

/// The port is taken and the store is open.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Runs are finishing.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(states: &[NotifyState<'_>]) {
    // Without $NOTIFY_SOCKET this does nothing.
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}

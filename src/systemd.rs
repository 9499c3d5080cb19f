//! What systemd is told, and what it hands over, where it has started us.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::AddressFamily;
use rustix::net::sockopt::{socket_acceptconn, socket_domain};
use sd_notify::NotifyState;

/// Why what systemd handed over cannot be served on.
#[derive(Debug, thiserror::Error)]
pub enum PassedError {
    /// `$LISTEN_PID` or `$LISTEN_FDS` is no number.
    #[error("$LISTEN_PID and $LISTEN_FDS are there and are not numbers")]
    Malformed,
    /// There is one page.
    #[error("systemd passed {0} sockets, and one is wanted: one ListenStream= in the socket unit")]
    Several(usize),
    /// A datagram socket, a path, a connection.
    #[error(
        "systemd passed {0:?}, which does not listen on a TCP port: see ListenStream= and Accept="
    )]
    Unfit(String),
}

/// The socket of `watchpost.socket`, where there is one. It outlives the daemon: what connects while
/// none runs waits for the next. To be asked for once.
pub fn listener() -> Result<Option<TcpListener>, PassedError> {
    let mut passed = sd_listen_fds::get().map_err(|_| PassedError::Malformed)?;
    let Some((name, socket)) = passed.pop() else { return Ok(None) };
    if !passed.is_empty() {
        return Err(PassedError::Several(passed.len() + 1));
    }
    let socket = socket.into_std();
    if !listens_on_tcp(&socket) {
        return Err(PassedError::Unfit(name.unwrap_or_default()));
    }
    Ok(Some(TcpListener::from(socket)))
}

fn listens_on_tcp(socket: &OwnedFd) -> bool {
    let domain = socket_domain(socket);
    matches!(domain, Ok(AddressFamily::INET | AddressFamily::INET6))
        && socket_acceptconn(socket) == Ok(true)
        // Not for what this process might start.
        && fcntl_setfd(socket, FdFlags::CLOEXEC).is_ok()
}

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

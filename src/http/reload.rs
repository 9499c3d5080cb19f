//! `POST /-/reload`: the one request that changes something, and only where the config lets it.

use std::fmt;
use std::net::IpAddr;
use std::sync::mpsc::TrySendError;

use axum::Extension;
use axum::extract::State;
use http::header::ORIGIN;
use http::{HeaderMap, StatusCode};
use tokio::sync::oneshot;

use super::Context;

/// Asks for the config to be read again.
#[derive(Debug)]
pub struct Request {
    /// By whom, as far as that can be told.
    pub by: By,
    /// Told what came of it; none where nobody waits.
    pub answer: Option<oneshot::Sender<Result<String, String>>>,
}

/// How a reload was asked for. Who sent a signal or wrote a file, nobody tells us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A signal.
    Signal,
    /// A request from there; what is in front of us, where something is.
    Http(IpAddr),
    /// The file was written.
    File,
    /// Deployments were discovered.
    Discovery,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal => f.write_str("SIGHUP"),
            Self::Http(peer) => write!(f, "POST /-/reload from {peer}"),
            Self::File => f.write_str("a write to the file"),
            Self::Discovery => f.write_str("discovery"),
        }
    }
}

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Has the config read, and says what changed, or everything that is wrong in it.
pub async fn reload(
    State(context): State<Context>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    let refuse = |why: &str| (StatusCode::FORBIDDEN, format!("{why}\n"));
    if comes_from_a_page(&headers) {
        return refuse("not from a web page: use curl -X POST, or SIGHUP");
    }
    if !context.settings.borrow().admin {
        return refuse("daemon.admin is false: set it in the config, or send SIGHUP");
    }
    let (sender, answer) = oneshot::channel();
    let gone =
        || (StatusCode::SERVICE_UNAVAILABLE, "nobody reads the config any more\n".to_owned());
    match context.reloads.try_send(Request { by: By::Http(peer), answer: Some(sender) }) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => {
            let why = "other reloads wait already: they will see the file as it is now\n";
            return (StatusCode::SERVICE_UNAVAILABLE, why.to_owned());
        }
        Err(TrySendError::Disconnected(_)) => return gone(),
    }
    match answer.await {
        Ok(Ok(changes)) => (StatusCode::OK, changes + "\n"),
        Ok(Err(faults)) => (StatusCode::UNPROCESSABLE_ENTITY, faults + "\n"),
        Err(_) => gone(),
    }
}

/// Whether a browser sends this for a page. No page of ours does.
///
/// Browsers leave out `Sec-Fetch-Site` towards plain HTTP beyond loopback, but put `Origin` into
/// every POST of a page. It is refused whatever it names: after a rebound DNS name, the stranger's
/// page is of the same origin as we are.
pub(super) fn comes_from_a_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    let foreign = site.is_some_and(|site| site != "same-origin" && site != "none");
    foreign || headers.contains_key(ORIGIN)
}

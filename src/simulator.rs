//! Genesys Cloud on loopback in this process: the login, the platform API, the CDN, the messaging
//! and notification sockets, audits, the status page, and the paths of the older tutorials.
//!
//! Every surface is behind one address, over TLS and over plain HTTP; the path tells them apart.
//! [`Org`] is what there is of an organisation, and answers without waiting for anything; the doors
//! carry bytes to it and back.

mod answer;
mod audits;
mod cdn;
mod changes;
mod conversations;
mod deployments;
mod doors;
mod events;
mod ids;
mod journal;
mod limits;
mod messaging;
mod notifications;
mod oauth;
mod org;
mod request;
mod script;
mod seeds;
mod sockets;
mod statuspage;
mod surface;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

use crate::edge::EdgeError;
use crate::edge::authority::Authority;
pub use audits::Audits;
pub use audits::audit::{Audit, Change};
pub use conversations::{Course, FLOW, QUEUE, Talk, Talks};
pub use deployments::configuration::Configuration;
pub use deployments::deployment::{AllowList, Deployment, Enforcement, Status};
pub use events::{Event, Events};
pub use journal::{Journal, Seen};
pub use messaging::{Conversation, Messaging};
pub use notifications::Notifications;
pub use org::{Client, Org};
pub use script::{Body, Scripted, Scripts};
pub use seeds::{Channel, Seeds};
pub use statuspage::{StatusPage, Trouble};
pub use surface::Surface;

/// The open doors of an organisation; they close when this is dropped.
#[derive(Debug)]
pub struct Simulator {
    runtime: Option<Runtime>,
    core: Core,
    https: SocketAddr,
    gateway: SocketAddr,
    root_pem: String,
}

/// The organisation, whose methods wait for nothing: whoever holds it gives it back at once.
#[derive(Debug, Clone)]
struct Core(Arc<Mutex<Org>>);

impl Core {
    fn with<T>(&self, use_it: impl FnOnce(&mut Org) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Simulator {
    /// Opens both doors on ports of their own, and is at 127.0.0.1 with the certificate of `authority`.
    pub fn open(org: Org, authority: &Authority) -> Result<Self, EdgeError> {
        let served = authority.issue(&NAMES, -30, 60).map_err(io::Error::other)?;
        let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(rustls::ALL_VERSIONS)?
            .with_no_client_auth()
            .with_single_cert(served.chain, served.key)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .thread_name("simulator")
            .enable_all()
            .build()?;
        let (secure, plain) = (bind()?, bind()?);
        let (https, gateway) = (secure.local_addr()?, plain.local_addr()?);
        let core = Core(Arc::new(Mutex::new(org)));
        core.with(|org| org.is_at(https));
        let entered = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(secure)?;
        runtime.spawn(doors::serve(listener, Some(TlsAcceptor::from(Arc::new(tls))), core.clone()));
        let listener = tokio::net::TcpListener::from_std(plain)?;
        runtime.spawn(doors::serve(listener, None, core.clone()));
        drop(entered);
        let root_pem = authority.root_pem().to_owned();
        Ok(Self { runtime: Some(runtime), core, https, gateway, root_pem })
    }

    /// The same, for the organisation [`Org::shop`], with an authority of its own.
    pub fn shop(now: Timestamp) -> Result<Self, EdgeError> {
        let authority = Authority::new("Simulated Genesys Cloud", now).map_err(io::Error::other)?;
        Self::open(Org::shop(now), &authority)
    }

    /// Where every surface is, over TLS: `https://127.0.0.1:PORT`.
    pub fn base(&self) -> String {
        format!("https://{}", self.https)
    }

    /// The same door for sockets: `wss://127.0.0.1:PORT`.
    pub fn socket_base(&self) -> String {
        format!("wss://{}", self.https)
    }

    /// Where it is over plain HTTP, for clients that are sent through a gateway: `/login` before
    /// the login's paths and `/api` before those of the API may be there or not.
    pub fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    /// The address of the door with TLS.
    pub fn address(&self) -> SocketAddr {
        self.https
    }

    /// The CA that the certificate leads to.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// Where the messenger of a deployment connects.
    pub fn messaging_url(&self, deployment: &str) -> String {
        format!("{}/v1?deploymentId={deployment}&application=watchpost", self.socket_base())
    }

    /// Looks at the organisation, or changes something; nobody else does meanwhile.
    pub fn with<T>(&self, use_it: impl FnOnce(&mut Org) -> T) -> T {
        self.core.with(use_it)
    }

    /// The next requests of a surface are answered with these, one each, before anything else is
    /// looked at.
    pub fn script(&self, surface: Surface, answers: impl IntoIterator<Item = Scripted>) {
        self.with(|org| org.scripts.add(surface, answers));
    }

    /// How many requests a surface has had.
    pub fn requests(&self, surface: Surface) -> usize {
        self.with(|org| org.journal.count(surface))
    }

    /// The requests of a surface, oldest first, as far as they are remembered.
    pub fn seen(&self, surface: Surface) -> Vec<Seen> {
        self.with(|org| org.journal.of(surface))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // Whoever holds it last may be a task, where nothing may be waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the certificate is for.
const NAMES: [&str; 9] = [
    "127.0.0.1",
    "localhost",
    "login.genesys.example",
    "api.genesys.example",
    "apps.genesys.example",
    "api-cdn.genesys.example",
    "webmessaging.genesys.example",
    "streaming.genesys.example",
    "status.genesys.example",
];

fn bind() -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

//! One HTTP client for whatever is not a probe, and the way there for sockets.
//!
//! Whoever answers is a stranger: nothing is followed, every request has a deadline, every answer
//! a size. Each request has a connection of its own, so that nothing of one answer is taken for the
//! next, and that any runtime may ask.

pub mod json;
mod network;
pub mod retry_after;
pub mod tcp;

use std::time::Duration;

use aws_lc_rs::rand;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::redirect::Policy;
use reqwest::{Body, ClientBuilder, Url, retry};
use tokio::time::{Instant, timeout_at};

use crate::check::endpoint::Trust;
use crate::check::target::{Host, Target};
use crate::outcome::quoted::Quoted;
pub use network::tls;

/// Longest that a connection may take, with its handshake.
const CONNECT: Duration = Duration::from_secs(5);

/// Asks, on behalf of whoever trusts the same CAs.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// By way of the proxy that the environment names, if it names one.
    proxied: reqwest::Client,
    /// For this machine: no proxy reaches it.
    direct: reqwest::Client,
}

/// What is sent.
#[derive(Debug)]
pub struct Request<'a> {
    /// How.
    pub method: Method,
    /// Where.
    pub url: &'a Target,
    /// Besides those that every request has.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Nothing where it is empty.
    pub body: Vec<u8>,
    /// Until the answer's head must be there.
    pub deadline: Instant,
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// TLS.
    #[error("cannot set TLS up: {0}")]
    Tls(#[from] rustls::Error),
    /// The rest.
    #[error("cannot set the HTTP client up: {0}")]
    Client(#[from] reqwest::Error),
}

/// There is no answer, or no end of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// Too slow.
    #[error("no answer in time")]
    TimedOut,
    /// No connection, or one that broke.
    #[error("{said}")]
    Network {
        /// What the system wrote.
        said: Quoted,
    },
    /// No certificate that is believed.
    #[error("TLS: {said}")]
    Tls {
        /// What was wrong.
        said: Quoted,
    },
    /// More than is read.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// As much as is read.
        limit: usize,
    },
    /// No request can hold that.
    #[error("it cannot be sent")]
    Unsendable,
}

impl Outbound {
    /// Reads the machine's roots, where they are to be believed.
    pub fn new(trust: &Trust) -> Result<Self, SetupError> {
        let proxied = builder(trust)?.build()?;
        let direct = builder(trust)?.no_proxy().build()?;
        Ok(Self { proxied, direct })
    }

    /// Sends a request, and gives its answer once its head is there.
    pub async fn send(&self, request: Request<'_>) -> Result<Answer, OutboundError> {
        let client = if is_here(&request.url.host) { &self.direct } else { &self.proxied };
        let url = Url::parse(&request.url.to_string()).map_err(|_| OutboundError::Unsendable)?;
        let mut sent = reqwest::Request::new(request.method, url);
        sent.headers_mut().extend(request.headers.into_iter().map(|(k, v)| (Some(k), v)));
        if !request.body.is_empty() {
            *sent.body_mut() = Some(Body::from(request.body));
        }
        match timeout_at(request.deadline, client.execute(sent)).await {
            Ok(Ok(response)) => Ok(Answer { response }),
            Ok(Err(error)) => Err(network::read(&error)),
            Err(_) => Err(OutboundError::TimedOut),
        }
    }
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Answer {
    response: reqwest::Response,
}

impl Answer {
    /// The status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The whole body, where it is no longer than that and comes in time.
    pub async fn whole(self, limit: usize, deadline: Instant) -> Result<Vec<u8>, OutboundError> {
        let too_large = OutboundError::TooLarge { limit };
        // Who says so beforehand is believed.
        if self.response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large);
        }
        let (bytes, end) = self.first(limit.saturating_add(1), deadline).await;
        match end {
            _ if bytes.len() > limit => Err(too_large),
            Some(error) => Err(error),
            None => Ok(bytes),
        }
    }

    /// What comes of the body in time, up to a length, and why there is no more.
    pub async fn first(
        mut self,
        limit: usize,
        deadline: Instant,
    ) -> (Vec<u8>, Option<OutboundError>) {
        let mut bytes = Vec::new();
        while bytes.len() < limit {
            let chunk = match timeout_at(deadline, self.response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return (bytes, None),
                Ok(Err(error)) => return (bytes, Some(network::read(&error))),
                Err(_) => return (bytes, Some(OutboundError::TimedOut)),
            };
            let room = limit.saturating_sub(bytes.len());
            bytes.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        }
        (bytes, None)
    }
}

fn builder(trust: &Trust) -> Result<ClientBuilder, SetupError> {
    Ok(ClientBuilder::new()
        .tls_backend_preconfigured(network::tls(trust)?)
        .user_agent(concat!("watchpost/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        // Who asks decides whether it may be asked twice.
        .retry(retry::never())
        .http1_only()
        .connect_timeout(CONNECT)
        .pool_max_idle_per_host(0))
}

/// Whether a host is this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Address(address) => address.is_loopback(),
        Host::Name(name) => {
            let name = name.as_ref();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// Between 0 and 1, for waits that are to differ.
pub fn chance() -> f64 {
    let mut bytes = [0; 4];
    // Without chance, everybody waits for as long as is allowed.
    rand::fill(&mut bytes)
        .map_or(1.0, |()| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

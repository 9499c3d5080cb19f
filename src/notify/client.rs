//! One POST over a connection of its own.
//!
//! No pool: messages are minutes apart, and a connection that was kept has mostly been closed by
//! then.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::check::endpoint::Trust;
use crate::check::target::{Host, Target};
use crate::outcome::quoted::Quoted;

/// Longest that a target may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Longest that the rest of an answer is waited for: its status is what counts.
const REST: Duration = Duration::from_secs(1);

/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The network.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// No HTTP.
    #[error(transparent)]
    Hyper(#[from] hyper::Error),
    /// Something that no request can hold.
    #[error(transparent)]
    Request(#[from] http::Error),
    /// Too slow.
    #[error("no answer within 10 s")]
    TimedOut,
    /// Nobody to be believed.
    #[error("cannot set TLS up: {0}")]
    Tls(#[from] rustls::Error),
}

/// What a target said.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// The first of what it said besides.
    pub body: Quoted,
}

/// Posts to one URL.
#[derive(Debug)]
pub struct Client {
    url: Target,
    tls: Option<Arc<ClientConfig>>,
}

impl Client {
    /// Reads the machine's roots, where they are to be believed.
    pub fn new(url: Target, trust: &Trust) -> Result<Self, PostError> {
        let tls = url.scheme.is_tls().then(|| config(trust)).transpose()?;
        Ok(Self { url, tls })
    }

    /// Posts JSON.
    pub async fn post(
        &self,
        headers: &[(HeaderName, HeaderValue)],
        body: String,
    ) -> Result<Answer, PostError> {
        let deadline = Instant::now() + TIMEOUT;
        let exchange = self.exchange(headers, body, deadline);
        timeout_at(deadline + REST, exchange).await.map_err(|_| PostError::TimedOut)?
    }

    async fn exchange(
        &self,
        headers: &[(HeaderName, HeaderValue)],
        body: String,
        deadline: Instant,
    ) -> Result<Answer, PostError> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.url.path.as_str())
            .header(HOST, self.url.authority())
            .header(USER_AGENT, concat!("watchpost/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(body)?;
        let port = self.url.port;
        let (stream, name) = match &self.url.host {
            Host::Name(name) => (
                TcpStream::connect((name.as_ref(), port)).await?,
                ServerName::DnsName(name.clone()),
            ),
            Host::Address(address) => {
                (TcpStream::connect((*address, port)).await?, ServerName::from(*address))
            }
        };
        match &self.tls {
            Some(tls) => {
                let stream = TlsConnector::from(tls.clone()).connect(name, stream).await?;
                send(stream, request, deadline).await
            }
            None => send(stream, request, deadline).await,
        }
    }
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<String>,
    deadline: Instant,
) -> Result<Answer, PostError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let response = timeout_at(deadline, sender.send_request(request));
        let response = response.await.map_err(|_| PostError::TimedOut)??;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        timeout(REST, read(response.into_body(), &mut body)).await.ok();
        let body = Quoted::bytes(&body);
        Ok(Answer { status, retry_after, body })
    };
    let (mut exchange, mut connection) = (pin!(exchange), pin!(connection));
    tokio::select! {
        answer = &mut exchange => answer,
        // It may end before the answer is taken up.
        _ = &mut connection => exchange.await,
    }
}

/// The first of a body. What breaks off was an answer all the same.
async fn read(body: Incoming, bytes: &mut Vec<u8>) {
    let mut body = pin!(body);
    while bytes.len() < MAX_ANSWER_BYTES {
        match poll_fn(|context| body.as_mut().poll_frame(context)).await {
            Some(Ok(frame)) => bytes.extend(frame.into_data().unwrap_or_default()),
            Some(Err(_)) | None => break,
        }
    }
}

fn config(trust: &Trust) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::System => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Trust::Anchors(anchors) => {
            roots.add_parsable_certificates(anchors.iter().cloned());
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

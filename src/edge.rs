//! Doors on loopback in this process: real TLS, real WebSocket, real refusals.

pub mod authority;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use http::header::SEC_WEBSOCKET_ACCEPT;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, copy, sink};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use authority::Served;

/// How long the edge waits where it could not let a visitor in for want of a descriptor.
const BREATH: Duration = Duration::from_millis(100);

/// Longest that a visitor may stay: whoever says nothing holds a descriptor.
const LONGEST_VISIT: Duration = Duration::from_secs(60);

/// Longest request that a door reads.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// What a door does with its visitors.
pub trait Behaviour: Send + Sync + 'static {
    /// Whether a page of this origin is let in.
    fn admits(&self, origin: Option<&str>) -> bool;

    /// How long the upgrade takes; `None`: for ever.
    fn delay(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    /// Whether it answers requests, and opens no WebSockets.
    fn is_of_http(&self) -> bool {
        false
    }

    /// The answer to a request, where it does.
    fn respond(&self, _request: &Parts) -> http::Response<()> {
        http::Response::default()
    }

    /// What is said to a message; the same, where it says nothing of its own.
    fn say(&self, message: Message) -> Message {
        message
    }

    /// What stands in `Sec-WebSocket-Accept`, where it is not the answer to the key.
    fn accept(&self) -> Option<&'static str> {
        None
    }
}

/// Open doors; they close when this is dropped.
#[derive(Debug)]
pub struct Edge {
    runtime: Option<Runtime>,
    starved: Arc<AtomicBool>,
}

/// A door that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Where it is.
    pub address: SocketAddr,
    visits: Arc<AtomicUsize>,
}

impl Opened {
    /// How many visitors it has had.
    pub fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The socket.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

impl Edge {
    /// An edge without doors, on a thread of its own.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .thread_name("edge")
            .enable_all()
            .build()?;
        Ok(Self { runtime: Some(runtime), starved: Arc::default() })
    }

    /// Opens a door on a port of its own, with this certificate.
    pub fn open(&self, served: Served, behaviour: impl Behaviour) -> Result<Opened, EdgeError> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(rustls::ALL_VERSIONS)?
            .with_no_client_auth()
            .with_single_cert(served.chain, served.key)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let opened = Opened { address: listener.local_addr()?, visits: Arc::default() };
        if let Some(runtime) = &self.runtime {
            let _entered = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let (visits, starved) = (opened.visits.clone(), self.starved.clone());
            let tls = TlsAcceptor::from(Arc::new(config));
            runtime.spawn(serve(Arc::new(behaviour), listener, tls, visits, starved));
        }
        Ok(opened)
    }

    /// Whether the last visitor could not be let in, because this process has no descriptor left.
    pub fn is_starved(&self) -> bool {
        self.starved.load(Ordering::SeqCst)
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        // Whoever holds it last may be a task, where nothing may be waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve<B: Behaviour>(
    behaviour: Arc<B>,
    listener: tokio::net::TcpListener,
    tls: TlsAcceptor,
    visits: Arc<AtomicUsize>,
    starved: Arc<AtomicBool>,
) {
    loop {
        let accepted = listener.accept().await;
        starved.store(accepted.is_err(), Ordering::SeqCst);
        let Ok((stream, _)) = accepted else {
            sleep(BREATH).await;
            continue;
        };
        visits.fetch_add(1, Ordering::SeqCst);
        let (behaviour, tls) = (behaviour.clone(), tls.clone());
        tokio::spawn(async move {
            // A door does not care how its visitors leave.
            timeout(LONGEST_VISIT, visit(&*behaviour, stream, tls)).await.ok();
        });
    }
}

async fn visit(
    behaviour: &impl Behaviour,
    stream: TcpStream,
    tls: TlsAcceptor,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    // An answer is not worth waiting to fill a packet.
    stream.set_nodelay(true)?;
    let stream = tls.accept(stream).await?;
    match behaviour.delay() {
        Some(Duration::ZERO) => {}
        Some(delay) => sleep(delay).await,
        None => {
            // Until the visitor has had enough.
            copy(&mut stream.take(u64::MAX), &mut sink()).await?;
            return Ok(());
        }
    }
    if behaviour.is_of_http() {
        return respond(behaviour, stream).await.map_err(|error| io::Error::other(error).into());
    }
    #[expect(clippy::result_large_err, reason = "the shape that tungstenite wants")]
    let answer = |request: &Request, response| answer(behaviour, request, response);
    let websocket = accept_hdr_async(stream, answer).await?;
    let (write, read) = websocket.split();
    read.map_ok(|message| behaviour.say(message)).forward(write).await
}

/// Answers one request, and reads no body.
async fn respond(
    behaviour: &impl Behaviour,
    stream: impl AsyncRead + AsyncWrite + Unpin,
) -> hyper::Result<()> {
    let service = service_fn(async |request: http::Request<Incoming>| {
        let (head, _) = request.into_parts();
        Ok::<_, Infallible>(behaviour.respond(&head).map(axum::body::Body::from))
    });
    http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MAX_REQUEST_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

#[expect(clippy::result_large_err, reason = "the shape that tungstenite wants")]
fn answer(
    behaviour: &impl Behaviour,
    request: &Request,
    mut response: Response,
) -> Result<Response, ErrorResponse> {
    let origin = request.headers().get("origin").and_then(|value| value.to_str().ok());
    if behaviour.admits(origin) {
        if let Some(accept) = behaviour.accept() {
            response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, HeaderValue::from_static(accept));
        }
        return Ok(response);
    }
    let mut refusal = ErrorResponse::new(Some("origin not allowed".to_owned()));
    *refusal.status_mut() = StatusCode::FORBIDDEN;
    Err(refusal)
}

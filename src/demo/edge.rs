//! The servers behind the doors: real TLS, real WebSocket, real refusals.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use futures_util::StreamExt;
use http::StatusCode;
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::DemoError;
use super::authority::Authority;
use super::door::{DOORS, Door};

/// The open doors; they close when this is dropped.
#[derive(Debug)]
pub struct Edge {
    ports: Vec<(Door, u16)>,
    authority: Authority,
    _runtime: Runtime,
}

impl Edge {
    /// Opens every door on a port of its own.
    pub fn open(now: Timestamp) -> Result<Self, DemoError> {
        let authority = Authority::new("Watchpost demo", now)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("edge")
            .enable_all()
            .build()?;
        let mut ports = Vec::with_capacity(DOORS.len());
        for door in DOORS {
            let served = door.certificate(&authority)?;
            let config =
                ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                    .with_protocol_versions(rustls::ALL_VERSIONS)?
                    .with_no_client_auth()
                    .with_single_cert(served.chain, served.key)?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            ports.push((door, listener.local_addr()?.port()));
            let _entered = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(serve(door, listener, TlsAcceptor::from(Arc::new(config))));
        }
        Ok(Self { ports, authority, _runtime: runtime })
    }

    /// The port of a door.
    pub fn port(&self, door: Door) -> Option<u16> {
        self.ports.iter().find(|(other, _)| *other == door).map(|(_, port)| *port)
    }

    /// The CA that the certificates lead to.
    pub fn root_pem(&self) -> &str {
        self.authority.root_pem()
    }
}

async fn serve(door: Door, listener: tokio::net::TcpListener, tls: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let tls = tls.clone();
        tokio::spawn(async move {
            // A door does not care how its visitors leave.
            visit(door, stream, tls).await.ok();
        });
    }
}

async fn visit(
    door: Door,
    stream: TcpStream,
    tls: TlsAcceptor,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    // An answer is not worth waiting to fill a packet.
    stream.set_nodelay(true)?;
    let stream = tls.accept(stream).await?;
    match door.delay() {
        Some(delay) => tokio::time::sleep(delay).await,
        None => std::future::pending().await,
    }
    #[expect(clippy::result_large_err, reason = "the shape that tungstenite wants")]
    let answer = |request: &Request, response| answer(door, request, response);
    let websocket = accept_hdr_async(stream, answer).await?;
    let (write, read) = websocket.split();
    read.forward(write).await
}

#[expect(clippy::result_large_err, reason = "the shape that tungstenite wants")]
fn answer(door: Door, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    let origin = request.headers().get("origin").and_then(|value| value.to_str().ok());
    if door.admits(origin) {
        return Ok(response);
    }
    let mut refusal = ErrorResponse::new(Some("origin not allowed".to_owned()));
    *refusal.status_mut() = StatusCode::FORBIDDEN;
    Err(refusal)
}

//! The doors: HTTP over TLS and in the open, and the upgrade to sockets.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use futures_util::stream;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Core;
use super::answer::Answer;
use super::org::Reply;
use super::request::{Request, without_prefix};
use super::script::{self, Scripted};
use super::sockets::{self, Seat};
use crate::clock;

/// How long the doors wait where nobody could be let in for want of a descriptor.
const BREATH: Duration = Duration::from_millis(100);

/// Longest body that is read.
const MAX_BODY_BYTES: usize = 4 << 20;

/// Bytes that are made at a time.
const CHUNK: u64 = 64 << 10;

/// Lets everybody in.
pub async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, core: Core) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(BREATH).await;
            continue;
        };
        // An answer is not worth waiting to fill a packet.
        stream.set_nodelay(true).ok();
        let (tls, core) = (tls.clone(), core.clone());
        tokio::spawn(async move {
            match tls {
                None => visit(stream, core).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        visit(stream, core).await;
                    }
                }
            }
        });
    }
}

async fn visit(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, core: Core) {
    let service = service_fn(move |request| answer(core.clone(), request));
    let connection =
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
    // A door does not care how its visitors leave.
    connection.await.ok();
}

async fn answer(
    core: Core,
    mut request: http::Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let key = request.headers().get(SEC_WEBSOCKET_KEY).cloned();
    let upgraded = key.as_ref().map(|_| upgrade::on(&mut request));
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(Body::new(body), MAX_BODY_BYTES).await else {
        return Ok(respond(Answer::empty(StatusCode::PAYLOAD_TOO_LARGE)));
    };
    let request = Request {
        method: head.method,
        path: without_prefix(head.uri.path()).to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_vec(),
    };
    let mut reply = core.with(|org| org.answer(&request, clock::now()));
    while let Reply::Later(delay, then) = reply {
        sleep(delay).await;
        reply = *then;
    }
    match reply {
        Reply::Answer(answer) => Ok(respond(answer)),
        Reply::Scripted(scripted) => play(scripted).await,
        Reply::Socket(seat) => match (upgraded, key) {
            (Some(upgraded), Some(key)) => {
                tokio::spawn(sit(core, seat, upgraded));
                Ok(switch(&key))
            }
            _ => {
                core.with(|org| org.left(seat.id, seat.kind));
                Ok(respond(Answer::empty(StatusCode::UPGRADE_REQUIRED)))
            }
        },
        // Those are behind us.
        Reply::Later(..) => Ok(respond(Answer::empty(StatusCode::INTERNAL_SERVER_ERROR))),
    }
}

async fn sit(core: Core, seat: Seat, upgraded: upgrade::OnUpgrade) {
    match upgraded.await {
        Ok(stream) => {
            let stream = TokioIo::new(stream);
            let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
            sockets::run(core, seat, socket).await;
        }
        Err(_) => core.with(|org| org.left(seat.id, seat.kind)),
    }
}

fn switch(key: &HeaderValue) -> Response<Body> {
    let mut answer = Answer::empty(StatusCode::SWITCHING_PROTOCOLS);
    answer.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    respond(answer.with(SEC_WEBSOCKET_ACCEPT, &derive_accept_key(key.as_bytes())))
}

fn respond(answer: Answer) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// What a test wants, which need not make sense.
async fn play(scripted: Scripted) -> Result<Response<Body>, io::Error> {
    sleep(scripted.delay).await;
    let body = match scripted.body {
        script::Body::Text(text) => Body::from(text),
        script::Body::Bytes(bytes) => Body::from(bytes),
        script::Body::Repeated(byte, length) => repeated(byte, length),
        script::Body::Stalls => Body::from_stream(stream::pending::<io::Result<Bytes>>()),
        script::Body::Cut => return Err(io::Error::other("cut")),
        script::Body::Silence => std::future::pending().await,
        script::Body::Usual => Body::empty(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(scripted.status).map_err(io::Error::other)?;
    for (name, value) in scripted.headers {
        let name = HeaderName::try_from(name).map_err(io::Error::other)?;
        let value = HeaderValue::try_from(value).map_err(io::Error::other)?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

fn repeated(byte: u8, length: u64) -> Body {
    let chunk = Bytes::from(vec![byte; usize::try_from(CHUNK).unwrap_or_default()]);
    Body::from_stream(stream::unfold(length, move |left| {
        let chunk = chunk.clone();
        async move {
            let size = left.min(CHUNK);
            let part = chunk.slice(..usize::try_from(size).ok()?);
            (left > 0).then(|| (Ok::<_, io::Error>(part), left - size))
        }
    }))
}

//! A WebSocket of the region: opened only where it is the region's, read only up to a size.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::USER_AGENT;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::check::target::{Host, Target};
use crate::genesys::bases::Bases;
use crate::outbound::tcp;
use crate::outcome::quoted::Quoted;

/// Longest that opening may take: addresses, TLS, the upgrade.
const OPENING: Duration = Duration::from_secs(15);

/// Longest that the good-bye is waited for.
const CLOSING: Duration = Duration::from_secs(2);

/// Why there is no socket. Nothing in it tells where it was to be: that is a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// No URL of a socket.
    #[error("the channel's address is no URL of a WebSocket")]
    NoUrl,
    /// Not the region's.
    #[error("the channel's host {host} is none of this region")]
    Foreign {
        /// Whose it is.
        host: Quoted,
    },
    /// The way there.
    #[error("no connection: {said}")]
    Network {
        /// What the system wrote.
        said: Quoted,
    },
    /// Whoever answers is not to be believed.
    #[error("TLS: {said}")]
    Tls {
        /// What was wrong.
        said: Quoted,
    },
    /// The upgrade was refused.
    #[error("the upgrade was answered with {status}")]
    Refused {
        /// The status.
        status: u16,
    },
    /// Whatever answered does not speak the protocol.
    #[error("the upgrade was answered with something else")]
    Nonsense,
    /// Too slow.
    #[error("no answer in time")]
    TimedOut,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A socket that is open.
pub struct Socket(WebSocketStream<Box<dyn Stream>>);

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Socket")
    }
}

/// What comes out of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A text.
    Text(String),
    /// Something that shows that the other side lives, and nothing else.
    Life,
    /// Neither: too long, or binary.
    Nonsense,
    /// Its end.
    End,
}

impl Socket {
    /// Opens one. `max_frame` is the longest text that is read.
    pub async fn open(
        bases: &Bases,
        tls: &Arc<ClientConfig>,
        uri: &str,
        max_frame: usize,
    ) -> Result<Self, SocketError> {
        let url: Target = uri.parse().map_err(|_| SocketError::NoUrl)?;
        if !matches!(
            url.scheme,
            crate::check::target::Scheme::Ws | crate::check::target::Scheme::Wss
        ) {
            return Err(SocketError::NoUrl);
        }
        if !bases.owns(&url) {
            return Err(SocketError::Foreign { host: Quoted::text(&url.host.to_string()) });
        }
        let deadline = Instant::now() + OPENING;
        let opening = Self::dial(&url, tls, max_frame);
        timeout_at(deadline, opening).await.map_err(|_| SocketError::TimedOut)?
    }

    async fn dial(
        url: &Target,
        tls: &Arc<ClientConfig>,
        max_frame: usize,
    ) -> Result<Self, SocketError> {
        let network =
            |error: std::io::Error| SocketError::Network { said: Quoted::text(&error.to_string()) };
        let stream = tcp::connect(url).await.map_err(network)?;
        let name = match &url.host {
            Host::Name(name) => ServerName::DnsName(name.clone()),
            Host::Address(address) => ServerName::from(*address),
        };
        let stream: Box<dyn Stream> = match url.scheme.is_tls() {
            true => {
                let connector = TlsConnector::from(tls.clone());
                let said = |error: std::io::Error| SocketError::Tls {
                    said: Quoted::text(&error.to_string()),
                };
                Box::new(connector.connect(name, stream).await.map_err(said)?)
            }
            false => Box::new(stream),
        };
        let mut request = url.to_string().into_client_request().map_err(|_| SocketError::NoUrl)?;
        let agent = HeaderValue::from_static(concat!("watchpost/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        let config = WebSocketConfig::default()
            .max_message_size(Some(max_frame))
            .max_frame_size(Some(max_frame))
            .max_write_buffer_size(64 * 1024)
            .write_buffer_size(0);
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => {
                Err(SocketError::Refused { status: response.status().as_u16() })
            }
            Err(Error::Io(error)) => Err(network(error)),
            Err(_) => Err(SocketError::Nonsense),
        }
    }

    /// The next thing that comes. Pings are answered with what is read after them.
    pub async fn next(&mut self) -> Heard {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Heard::Text(text.as_str().to_owned()),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Heard::Life,
            Some(Ok(Message::Binary(_)) | Err(Error::Capacity(_) | Error::Utf8(_))) => {
                Heard::Nonsense
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => Heard::End,
        }
    }

    /// Sends a text; says whether that could be.
    pub async fn send(&mut self, text: &str, within: Duration) -> bool {
        let sent = self.0.send(Message::text(text));
        matches!(timeout_at(Instant::now() + within, sent).await, Ok(Ok(())))
    }

    /// Says good-bye, to whoever still listens.
    pub async fn close(mut self) {
        timeout_at(Instant::now() + CLOSING, self.0.close(None)).await.ok();
    }
}

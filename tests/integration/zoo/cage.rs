//! What an animal is, and the server that it lives in.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use watchpost::outcome::phase::Phase;
use watchpost::outcome::reason::Reason;

use crate::fixture::pki::Pki;
use crate::fixture::raw;

/// A server that is wrong in one way, and what a run against it must come to.
pub struct Animal {
    /// The way in which it is wrong.
    pub name: String,
    /// What the check has besides its url.
    pub keys: &'static str,
    /// Where and why a run ends; `None` where it passes.
    pub ends: Option<(Phase, Reason)>,
    /// Most bytes that are read of it.
    pub reads: usize,
    tls: bool,
    act: Act,
}

type Act = Arc<dyn Fn(Counted) -> BoxFuture<'static, ()> + Send + Sync>;

/// A conversation that waits for a word.
pub const EXPECTING: &str = "messages = [{ expect-regex = 'welcome' }]";

/// Most bytes of a head.
const HEAD: usize = 64 * 1024;

/// Most bytes that TLS may take.
const HANDSHAKE: usize = 256 * 1024;

/// What the kernel holds of both sides: they have sent it, and nobody has read it.
pub const IN_FLIGHT: usize = 128 * 1024;

impl Animal {
    /// One that speaks plainly.
    pub fn plain<F, Fut>(name: &str, ends: Option<(Phase, Reason)>, act: F) -> Self
    where
        F: Fn(Counted) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let act: Act = Arc::new(move |stream| Box::pin(act(stream)));
        Self { name: name.to_owned(), keys: "", ends, reads: HEAD, tls: false, act }
    }

    /// One on a port where TLS is due.
    pub fn tls<F, Fut>(name: &str, ends: Option<(Phase, Reason)>, act: F) -> Self
    where
        F: Fn(Counted) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self { tls: true, reads: HANDSHAKE, ..Self::plain(name, ends, act) }
    }

    /// One that shakes hands well and misbehaves behind that.
    pub fn behind_tls<F, Fut>(
        name: &str,
        config: &Arc<ServerConfig>,
        ends: Option<(Phase, Reason)>,
        act: F,
    ) -> Self
    where
        F: Fn(TlsStream<Counted>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let acceptor = TlsAcceptor::from(config.clone());
        let act = Arc::new(act);
        Self::tls(name, ends, move |stream| {
            let (acceptor, act) = (acceptor.clone(), act.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    act(stream).await;
                }
            }
        })
    }

    /// One that answers the upgrade with this and then waits.
    pub fn answering(name: &str, ends: Option<(Phase, Reason)>, answer: &str) -> Self {
        let answer: Arc<str> = answer.into();
        Self::plain(name, ends, move |mut stream| {
            let answer = answer.clone();
            async move {
                raw::answer(&mut stream, &answer).await;
                raw::hold(stream).await;
            }
        })
    }

    /// One that lets everybody in, sends these bytes and then waits.
    pub fn sending(name: &str, ends: Option<(Phase, Reason)>, bytes: impl Into<Vec<u8>>) -> Self {
        Self::opening(name, ends, raw::OPEN, bytes.into())
    }

    /// The same, where it was agreed on that messages may be compressed.
    pub fn compressing(name: &str, ends: Option<(Phase, Reason)>, bytes: Vec<u8>) -> Self {
        const DEFLATE: &str = "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        Self::opening(name, ends, DEFLATE, bytes)
    }

    fn opening(
        name: &str,
        ends: Option<(Phase, Reason)>,
        answer: &'static str,
        bytes: Vec<u8>,
    ) -> Self {
        let bytes: Arc<[u8]> = bytes.into();
        Self::plain(name, ends, move |mut stream| {
            let bytes = bytes.clone();
            async move {
                raw::answer(&mut stream, answer).await;
                stream.write_all(&bytes).await.ok();
                raw::hold(stream).await;
            }
        })
        .keys(EXPECTING)
    }

    /// With these keys.
    pub fn keys(self, keys: &'static str) -> Self {
        Self { keys, ..self }
    }

    /// With another cap.
    pub fn reads(self, reads: usize) -> Self {
        Self { reads, ..self }
    }

    /// Lets it in: it serves from now on, on the runtime of the caller.
    pub fn cage(&self) -> Cage {
        let socket = TcpSocket::new_v4().unwrap();
        // Small, so that what is written is soon what is read.
        socket.set_send_buffer_size(8 * 1024).unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let listener = socket.listen(16).unwrap();
        let address = listener.local_addr().unwrap();
        let written = Arc::new(AtomicUsize::new(0));
        let (counter, act) = (written.clone(), self.act.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).ok();
                tokio::spawn(act(Counted { stream, written: counter.clone() }));
            }
        });
        Cage { address, written }
    }

    /// The url and the other keys of an endpoint that leads to its cage.
    pub fn endpoint(&self, cage: &Cage, pki: &Pki) -> (String, String) {
        if self.keys.contains("\"messaging\"") {
            (
                format!(
                    "ws://{}/v1?deploymentId=3fa85f64-5717-4562-b3fc-2c963f66afa6",
                    cage.address
                ),
                self.keys.to_owned(),
            )
        } else if self.keys.contains("\"http\"") {
            (format!("http://{}/", cage.address), self.keys.to_owned())
        } else if self.tls {
            let ca = pki.ca_file();
            let reach = format!("ca-file = {ca:?}\nconnect-to = \"{}\"\n", cage.address);
            ("wss://door.test/".to_owned(), format!("{reach}{}", self.keys))
        } else {
            (format!("ws://{}/", cage.address), self.keys.to_owned())
        }
    }
}

/// Where an animal serves.
pub struct Cage {
    pub address: SocketAddr,
    written: Arc<AtomicUsize>,
}

impl Cage {
    /// How many bytes it could get rid of.
    pub fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }
}

/// A connection that counts what is written to it.
pub struct Counted {
    stream: TcpStream,
    written: Arc<AtomicUsize>,
}

impl Counted {
    /// Ends with a reset instead of a FIN.
    pub fn reset(self) {
        raw::reset(self.stream);
    }

    /// Waits until something can be read, and leaves it unread.
    pub async fn heard(&self) {
        self.stream.readable().await.ok();
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.written.fetch_add(written, Ordering::SeqCst);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Sends the same for ever, until the peer has had enough.
pub async fn flood(mut stream: impl AsyncWrite + Unpin, piece: &[u8]) {
    while stream.write_all(piece).await.is_ok() && stream.flush().await.is_ok() {}
}

/// Sends one byte after the other, with pauses, where they are the misbehaviour itself.
pub async fn drip(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8], pause: Duration) {
    for byte in bytes {
        if stream.write_all(&[*byte]).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if pause.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(pause).await;
        }
    }
}

/// Reads a TLS record, the ClientHello for one.
pub async fn record(stream: &mut Counted) -> Vec<u8> {
    let mut record = vec![0; 5];
    stream.read_exact(&mut record).await.unwrap();
    let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
    record.resize(5 + length, 0);
    stream.read_exact(&mut record[5..]).await.unwrap();
    record
}

/// Reads a ClientHello, and gives what a good server would answer it with.
pub async fn flight(stream: &mut Counted, config: &Arc<ServerConfig>) -> Vec<u8> {
    let hello = record(stream).await;
    let mut connection = ServerConnection::new(config.clone()).unwrap();
    connection.read_tls(&mut &hello[..]).unwrap();
    connection.process_new_packets().unwrap();
    let mut flight = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut flight).unwrap();
    }
    flight
}

/// The length of the first record of some.
pub fn first_record(records: &[u8]) -> usize {
    5 + usize::from(u16::from_be_bytes([records[3], records[4]]))
}

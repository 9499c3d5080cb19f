//! The socket under a run: a limit to what is read, and an ear for what a peer said before it
//! hung up.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

/// What the kernel may hold of an answer that is not read yet. It grows to megabytes by itself,
/// once for each run under way.
const RECEIVE_BUFFER: u32 = 64 * 1024;

/// A TCP connection of one run.
#[derive(Debug)]
pub struct Wire {
    tcp: TcpStream,
    allowance: usize,
    first: Option<u8>,
    broken: Option<io::Error>,
}

/// The peer sent more than its allowance.
///
/// Heads and frames have caps of their own: what is beyond the allowance and below those caps is
/// TLS that carries nothing, such as tickets and empty records.
#[derive(Debug, thiserror::Error)]
#[error("more TLS than content")]
pub struct Overrun;

impl Wire {
    /// Connects; this many bytes may be read, until [`Self::allow`] is called.
    pub async fn connect(address: SocketAddr, allowance: usize) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        let tcp = socket.connect(address).await?;
        // A head or a frame goes out whole: there is nothing to wait for.
        tcp.set_nodelay(true)?;
        Ok(Self { tcp, allowance, first: None, broken: None })
    }

    /// The first byte that was read.
    pub fn first_byte(&self) -> Option<u8> {
        self.first
    }

    /// This many bytes may be read from now on, whatever was left.
    pub fn allow(&mut self, bytes: usize) {
        self.allowance = bytes;
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.allowance == 0 {
            return Poll::Ready(Err(io::Error::other(Overrun)));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, buf))?;
        let read = buf.filled().len() - before;
        if self.first.is_none() {
            self.first = buf.filled().get(before).copied();
        }
        self.allowance = self.allowance.saturating_sub(read);
        match self.broken.take() {
            Some(error) if read == 0 && buf.remaining() > 0 => Poll::Ready(Err(error)),
            broken => {
                self.broken = broken;
                Poll::Ready(Ok(()))
            }
        }
    }
}

/// A peer that has hung up takes everything: what it said before, an alert or a refusal, tells
/// more than that. The error comes when all of it is read.
impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.tcp).poll_write(cx, bytes)) {
            Err(error) if hung_up(&error) => {
                self.broken.get_or_insert(error);
                Poll::Ready(Ok(bytes.len()))
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.tcp).poll_write_vectored(cx, parts)) {
            Err(error) if hung_up(&error) => {
                self.broken.get_or_insert(error);
                Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()))
            }
            written => Poll::Ready(written),
        }
    }

    /// The records of one flight leave in one packet.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

fn hung_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

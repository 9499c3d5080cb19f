//! A connection for what is no HTTP request: to whichever address answers first, and by way of the
//! proxy that the environment names.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::sleep;

use super::is_here;
use crate::check::target::{Host, Target};

/// How long an address is tried alone, before the next is tried beside it.
const HEAD_START: Duration = Duration::from_millis(250);

/// Addresses of a name that are tried.
const MAX_ADDRESSES: usize = 16;

/// Longest head of a proxy's answer.
const MAX_HEAD: usize = 16 * 1024;

/// Connects to where a URL leads. Whoever asks sets the deadline.
pub async fn connect(url: &Target) -> io::Result<TcpStream> {
    match proxy(url, &Matcher::from_env()) {
        Some(proxy) => tunnel(&proxy, url).await,
        None => match &url.host {
            Host::Address(address) => TcpStream::connect((*address, url.port)).await,
            Host::Name(name) => reach(name.as_ref(), url.port).await,
        },
    }
}

/// The proxy by which a URL is reached, if there is one.
fn proxy(url: &Target, proxies: &Matcher) -> Option<Intercept> {
    if is_here(&url.host) {
        return None;
    }
    // A socket is opened as what it begins as.
    let scheme = if url.scheme.is_tls() { "https" } else { "http" };
    let uri: Uri = format!("{scheme}://{}:{}/", url.host, url.port).parse().ok()?;
    proxies.intercept(&uri)
}

/// Connects to a name, or to an address that is written as one.
async fn reach(host: &str, port: u16) -> io::Result<TcpStream> {
    race(lookup_host((host, port)).await?.take(MAX_ADDRESSES).collect()).await
}

/// Connects to whichever answers first: one that never answers keeps none of the others waiting.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut left = addresses.into_iter();
    let mut trying = FuturesUnordered::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        match left.next() {
            Some(address) => trying.push(TcpStream::connect(address)),
            None if trying.is_empty() => return Err(last),
            None => {}
        }
        let is_last = left.len() == 0;
        let head_start = async {
            match is_last {
                true => pending().await,
                false => sleep(HEAD_START).await,
            }
        };
        tokio::select! {
            Some(tried) = trying.next() => match tried {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            },
            () = head_start => {}
        }
    }
}

/// Has a proxy pass bytes on.
async fn tunnel(proxy: &Intercept, url: &Target) -> io::Result<TcpStream> {
    let (uri, failed) = (proxy.uri(), |said: String| io::Error::other(said));
    if uri.scheme_str() != Some("http") {
        return Err(failed("a proxy for sockets must be one of http://".to_owned()));
    }
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let mut stream = reach(host, uri.port_u16().unwrap_or(80)).await?;
    let to = format!("{}:{}", url.host, url.port);
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
    if let Some(secret) = proxy.basic_auth() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(secret.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await?;
    let mut head = Vec::new();
    // Not a byte more: what follows is not the proxy's.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(failed("the proxy's answer has no end".to_owned()));
        }
        head.push(stream.read_u8().await?);
    }
    match status(&head) {
        Some(200..=299) => Ok(stream),
        Some(status) => Err(failed(format!("the proxy answers {status}"))),
        None => Err(failed("the proxy does not speak HTTP".to_owned())),
    }
}

/// The status in the head of an answer.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    rest.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A listener that takes nobody any more: who asks is not answered. What fills it is kept.
    async fn full() -> (TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut visitors = Vec::new();
        while let Ok(visitor) = timeout(HEAD_START, TcpStream::connect(address)).await {
            visitors.push(visitor.unwrap());
        }
        (listener, visitors)
    }

    #[tokio::test]
    async fn an_address_that_never_answers_keeps_none_of_the_others_waiting() {
        let (full, _visitors) = full().await;
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shut = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let (full, good) = (full.local_addr().unwrap(), good.local_addr().unwrap());
        for addresses in [vec![full, full, good], vec![shut, full, good], vec![good, full]] {
            let stream = timeout(PATIENCE, race(addresses)).await.expect("in time").unwrap();
            assert_eq!(stream.peer_addr().unwrap(), good);
        }
        let refused = race(vec![shut, shut]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(race(Vec::new()).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn proxies_are_for_others_than_this_machine() {
        let proxies = Matcher::builder()
            .https("http://user:secret@proxy.example:3128")
            .no("direct.example")
            .build();
        let by = |url: &str| proxy(&url.parse().unwrap(), &proxies);
        let found = by("wss://streaming.example/channels/x").unwrap();
        assert_eq!(found.uri().host(), Some("proxy.example"));
        assert!(found.basic_auth().is_some());
        for direct in
            ["wss://127.0.0.1:1", "wss://localhost", "wss://direct.example", "ws://plain.example"]
        {
            assert!(by(direct).is_none(), "{direct}");
        }
    }

    #[test]
    fn a_proxy_says_whether_it_passes_bytes_on() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\nX: y\r\n\r\n"), Some(407));
        for odd in [&b"SSH-2.0\r\n\r\n"[..], b"HTTP/1.1\r\n\r\n", b"\xff 200\r\n\r\n", b""] {
            assert_eq!(status(odd), None);
        }
    }
}

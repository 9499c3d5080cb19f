//! A loopback server that says what it is told to say, byte by byte.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Longest that a goodbye is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// A page that does nothing by itself.
pub const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html><title>x";

/// The head of a request.
pub struct Request(String);

impl Request {
    /// Its method.
    pub fn method(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// Its path, without the slash before it.
    pub fn path(&self) -> &str {
        self.0.split(' ').nth(1).unwrap_or_default().trim_start_matches('/')
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Opens so many ports, which answer in the same way. Behind each answer the sending side is
/// closed, so that nobody waits for the end of what has none.
pub async fn serve<F>(ports: usize, answer: F) -> Vec<u16>
where
    F: Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
{
    let answer = Arc::new(answer);
    let mut opened = Vec::new();
    for _ in 0..ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        opened.push(listener.local_addr().unwrap().port());
        let answer = answer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move { converse(stream, &*answer).await });
            }
        });
    }
    opened
}

async fn converse(mut stream: TcpStream, answer: &(impl Fn(&Request) -> Vec<u8> + Sync)) {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let answer = answer(&Request(String::from_utf8_lossy(&bytes).into_owned()));
    // The peer may have had enough already.
    stream.write_all(&answer).await.ok();
    // Whoever gets in says goodbye; others may wait for more.
    let has = |part: &[u8]| answer.windows(part.len()).any(|bytes| bytes == part);
    if has(b"101") && (has(b"\n\r\n") || has(b"\n\n")) {
        timeout(PATIENCE, stream.read_buf(&mut bytes)).await.ok();
    }
    stream.shutdown().await.ok();
    while matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
        bytes.clear();
    }
}

/// Puts bytes in the place of a mark.
pub fn filled(template: &[u8], mark: &str, value: &str) -> Vec<u8> {
    let mark = mark.as_bytes();
    let mut bytes = Vec::with_capacity(template.len() + value.len());
    let mut rest = template;
    while let Some(at) = rest.windows(mark.len()).position(|bytes| bytes == mark) {
        bytes.extend_from_slice(&rest[..at]);
        bytes.extend_from_slice(value.as_bytes());
        rest = &rest[at + mark.len()..];
    }
    bytes.extend_from_slice(rest);
    bytes
}

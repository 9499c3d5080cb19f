//! A loopback server that answers each path with the bytes that are kept for it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The page from which WebSockets are opened.
const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\
    Content-Length: 22\r\n\r\n<!doctype html><title>";

/// Opens these ports; path `/N` is answered with the answer of this number, in which `ACCEPT`
/// stands for the right accept. Behind each answer the sending side is closed, so that nobody
/// waits for the end of a head that has none.
pub async fn serve(ports: usize, answers: Vec<Vec<u8>>) -> Vec<u16> {
    let answers = Arc::new(answers);
    let mut opened = Vec::new();
    for _ in 0..ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        opened.push(listener.local_addr().unwrap().port());
        let answers = answers.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, answers.clone()));
            }
        });
    }
    opened
}

async fn answer(mut stream: TcpStream, answers: Arc<Vec<Vec<u8>>>) {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let request = String::from_utf8_lossy(&bytes);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let number = path.trim_start_matches('/').parse().ok();
    let answer = match number.and_then(|number: usize| answers.get(number)) {
        Some(answer) => with_accept(answer, &request),
        None => PAGE.to_vec(),
    };
    // The peer may have had enough already.
    stream.write_all(&answer).await.ok();
    stream.shutdown().await.ok();
    while matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
        bytes.clear();
    }
}

fn with_accept(answer: &[u8], request: &str) -> Vec<u8> {
    const MARK: &[u8] = b"ACCEPT";
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
    let mut bytes = Vec::with_capacity(answer.len() + accept.len());
    let mut rest = answer;
    while let Some(at) = rest.windows(MARK.len()).position(|bytes| bytes == MARK) {
        bytes.extend_from_slice(&rest[..at]);
        bytes.extend_from_slice(accept.as_bytes());
        rest = &rest[at + MARK.len()..];
    }
    bytes.extend_from_slice(rest);
    bytes
}

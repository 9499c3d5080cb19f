//! Strangers on our own port: slow ones are closed, and others do not wait for them.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fixture::daemon::Home;

const NOBODY: &str = "[[endpoints]]\nname = \"nobody\"\nurl = \"ws://127.0.0.1:9/\"\n";

/// Reads until the server closes; gives what came.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset closes as well.
    timeout(Duration::from_secs(15), stream.read_to_end(&mut bytes))
        .await
        .expect("it was not closed")
        .ok();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_finish_a_request_is_closed() {
    let home = Home::new(NOBODY);
    let daemon = home.start();
    let mut clients = Vec::new();
    for part in [
        "",
        "GET /metr",
        "GET /metrics HTTP/1.1\r\nHost: x\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
    ] {
        let mut stream = TcpStream::connect(daemon.address).await.unwrap();
        stream.write_all(part.as_bytes()).await.unwrap();
        clients.push(stream);
    }
    // A client that is done with its request and stays.
    let mut idle = TcpStream::connect(daemon.address).await.unwrap();
    idle.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    clients.push(idle);
    for stream in &mut clients {
        until_closed(stream).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_big_is_refused() {
    let home = Home::new(NOBODY);
    let daemon = home.start();
    let mut stream = TcpStream::connect(daemon.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    // It may close before everything is written.
    stream.write_all(&vec![b'x'; 100_000]).await.ok();
    let answer = String::from_utf8(until_closed(&mut stream).await).unwrap();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_requests_do_not_wait_for_slow_ones() {
    let home = Home::new(NOBODY);
    let daemon = home.start();
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(daemon.address).await.unwrap();
        stream.write_all(b"GET /metr").await.unwrap();
        slow.push(stream);
    }
    let honest = tokio::task::block_in_place(|| daemon.get("/-/healthy"));
    assert_eq!(honest, "ok\n");
    for stream in &mut slow {
        stream.write_all(b"ics").await.expect("they are still there while we are served");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_packed_for_whoever_takes_it_so() {
    let home = Home::new(NOBODY);
    let daemon = home.start();
    let plain = tokio::task::block_in_place(|| daemon.get("/metrics"));
    let mut stream = TcpStream::connect(daemon.address).await.unwrap();
    let request =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let packed = until_closed(&mut stream).await;
    let head = String::from_utf8_lossy(&packed[..300]).into_owned();
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(packed.len() < plain.len() / 3, "{} of {} bytes", packed.len(), plain.len());
}

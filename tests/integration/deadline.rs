//! No peer holds a run beyond its timeout, or makes it read without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use watchpost::outcome::phase::Phase;
use watchpost::outcome::reason::Reason;

use crate::fixture::checks::{plain, run};
use crate::fixture::raw::{self, OPEN};

/// The timeout of the checks here, and what the promise adds to it.
const LIMIT: Duration = Duration::from_millis(1_000 + 250);

/// Sends one piece after the other until the peer has had enough; counts what it took.
async fn drip(
    mut stream: TcpStream,
    piece: &'static [u8],
    pause: Duration,
    taken: Arc<AtomicUsize>,
) {
    while stream.write_all(piece).await.is_ok() {
        taken.fetch_add(piece.len(), Ordering::SeqCst);
        tokio::time::sleep(pause).await;
    }
}

#[tokio::test]
async fn a_dripping_head_is_cut_off_at_the_deadline() {
    let server = raw::serve(|mut stream| async move {
        raw::request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 101 X\r\n").await.unwrap();
        drip(stream, b"X: y\r\n", Duration::from_millis(10), Arc::default()).await;
    })
    .await;
    let outcome = run(&plain(server.address, "")).await;
    assert_eq!(outcome.failure.unwrap().reason(), Reason::TimedOut);
    assert!(outcome.observation.phases.total() < LIMIT);
}

#[tokio::test]
async fn an_endless_head_is_read_up_to_its_cap() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let server = raw::serve(move |mut stream| {
        let counter = counter.clone();
        async move {
            raw::request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 101 X\r\nX: ").await.unwrap();
            drip(stream, &[b'x'; 4096], Duration::ZERO, counter).await;
        }
    })
    .await;
    let outcome = run(&plain(server.address, "")).await;
    assert_eq!(outcome.failure.unwrap().reason(), Reason::HttpHeadTooBig);
    // What the sockets of both sides buffer comes on top of the 64 KiB that are read.
    let taken = taken.load(Ordering::SeqCst);
    assert!(taken < 16 << 20, "{taken} bytes went out");
}

#[tokio::test]
async fn a_dripping_message_is_cut_off_at_the_deadline() {
    // A frame of 60,000 bytes that never becomes whole.
    let server = raw::serve(|mut stream| async move {
        raw::answer(&mut stream, OPEN).await;
        stream.write_all(&[0x81, 126, 0xea, 0x60]).await.unwrap();
        drip(stream, b"x", Duration::from_millis(5), Arc::default()).await;
    })
    .await;
    let keys = "messages = [{ expect-regex = 'welcome' }]";
    let outcome = run(&plain(server.address, keys)).await;
    let failure = outcome.failure.unwrap();
    assert_eq!((failure.phase(), failure.reason()), (Some(Phase::Transfer), Reason::TimedOut));
    assert!(outcome.observation.phases.total() < LIMIT);
}

#[tokio::test]
async fn a_server_that_never_says_goodbye_is_left_after_a_second() {
    let server = raw::answering(OPEN).await;
    let outcome = run(&plain(server.address, "").clone()).await;
    assert_eq!(outcome.failure, None, "it has let us in");
    let close = outcome.observation.phases.get(Phase::Close).unwrap();
    assert!(close < Duration::from_millis(1_250), "{close:?}");
}

#[tokio::test]
async fn the_body_of_a_refusal_is_not_waited_for() {
    let server = raw::answering("HTTP/1.1 403 X\r\nContent-Length: 1000\r\n\r\nno").await;
    let outcome = run(&plain(server.address, "")).await;
    assert_eq!(outcome.observation.refusal.unwrap().body.as_str(), "no");
    let upgrade = outcome.observation.phases.get(Phase::Upgrade).unwrap();
    let close = outcome.observation.phases.get(Phase::Close).unwrap();
    assert!(upgrade < close, "waiting for the body is no part of the upgrade");
}

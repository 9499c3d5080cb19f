//! Thousands of clients that are slow on purpose.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::watching;
use crate::fixture::daemon::{Daemon, sum};

/// Longest that any of them is kept.
const KEPT: Duration = Duration::from_secs(10);

/// What most honest requests take less than meanwhile: unoptimised, beside its own besiegers.
const USUAL: Duration = Duration::from_millis(500);

/// Longest that any of them may take: half of what Prometheus waits.
const LONGEST: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
enum Vice {
    /// Sends nothing.
    Silent,
    /// Sends a head byte by byte.
    Dripping,
    /// Asks for pages, and reads none.
    Unread,
}

/// Connects, misbehaves, and gives how long it was kept.
async fn misbehave(address: SocketAddr, vice: Vice) -> Option<Duration> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let begun = Instant::now();
    let mut byte = [0];
    let closed = async {
        match vice {
            Vice::Silent => while matches!(stream.read(&mut byte).await, Ok(1)) {},
            Vice::Dripping => {
                let mut head =
                    b"GET /metrics HTTP/1.1\r\nX: ".iter().chain(std::iter::repeat(&b'x'));
                while let Some(next) = head.next()
                    && stream.write_all(&[*next]).await.is_ok()
                {
                    sleep(Duration::from_millis(250)).await;
                }
            }
            // What it asks for piles up, until not even its questions are taken in.
            Vice::Unread => {
                let asking = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50);
                while stream.write_all(&asking).await.is_ok() {}
            }
        }
    };
    timeout(KEPT, closed).await.ok()?;
    Some(begun.elapsed())
}

/// How long a page took.
fn honest(daemon: &Daemon, path: &str) -> Duration {
    let begun = Instant::now();
    let (head, _) = tokio::task::block_in_place(|| daemon.get_with(path, ""));
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    begun.elapsed()
}

/// One crowd at a time: all of them together would be a lack of another kind.
static SIEGE: Mutex<()> = Mutex::const_new(());

async fn besieged(vice: Vice, clients: usize) {
    let _alone = SIEGE.lock().await;
    let watched = watching("", |_| ()).await;
    let address = watched.daemon.address;
    let mut crowd = JoinSet::new();
    for _ in 0..clients {
        crowd.spawn(misbehave(address, vice));
    }
    let mut waits = Vec::new();
    let mut kept = Vec::new();
    while !crowd.is_empty() {
        for path in ["/metrics", "/-/healthy", "/"] {
            waits.push(honest(&watched.daemon, path));
        }
        while let Some(client) = crowd.try_join_next() {
            kept.push(client.unwrap());
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(kept.len(), clients);
    let left = kept.iter().filter(|kept| kept.is_none()).count();
    assert_eq!(left, 0, "so many were still there, or were not let in");
    waits.sort();
    assert!(waits[waits.len() / 2] <= USUAL && waits[waits.len() - 1] <= LONGEST, "{waits:?}");
    let page = tokio::task::block_in_place(|| watched.daemon.get("/metrics"));
    assert!(sum(&page, "watchpost_http_evicted_total ") > 0.0, "{page}");
    // The door lives among the crowd, and may itself be too slow once: that does not make it down.
    let up = "probe_up{endpoint=\"door\",probe=\"websocket\",origin=\"none\",expect=\"allow\"} 1\n";
    assert!(page.contains(up), "{page}");
    assert!(sum(&page, "process_resident_memory_bytes ") < 200e6, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_that_send_nothing_are_closed_and_others_do_not_wait() {
    besieged(Vice::Silent, 3000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_that_drip_a_head_are_closed_and_others_do_not_wait() {
    besieged(Vice::Dripping, 3000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_that_read_nothing_are_closed_and_others_do_not_wait() {
    besieged(Vice::Unread, 3000).await;
}

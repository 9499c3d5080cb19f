//! systemd is told that all is well, and nobody outside can keep it from hearing so.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::fixture::daemon::{Daemon, Home};

/// After how long without a word systemd gives the daemon up.
const WATCHDOG: Duration = Duration::from_secs(3);

/// A daemon without anything due for an hour, and what systemd hears of it.
fn idle() -> (Home, Daemon, UnixDatagram) {
    let home = Home::new(
        "[[endpoints]]\nname = \"nobody\"\nurl = \"ws://127.0.0.1:9/\"\ninterval = \"24h\"\n",
    );
    let socket = home.path().join("notify");
    let systemd = UnixDatagram::bind(&socket).unwrap();
    systemd.set_read_timeout(Some(WATCHDOG)).unwrap();
    let daemon = home.start_with(|command| {
        command
            .env("NOTIFY_SOCKET", &socket)
            .env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
    });
    assert_eq!(heard(&systemd), "READY=1");
    (home, daemon, systemd)
}

/// The next word; there must be one before systemd gives up.
#[track_caller]
fn heard(systemd: &UnixDatagram) -> String {
    let mut message = [0; 256];
    let length = systemd.recv(&mut message).expect("systemd has given up");
    String::from_utf8_lossy(&message[..length]).trim().to_owned()
}

#[test]
fn an_idle_daemon_is_well() {
    let (_home, _daemon, systemd) = idle();
    let begun = Instant::now();
    for _ in 0..6 {
        assert_eq!(heard(&systemd), "WATCHDOG=1");
    }
    assert!(begun.elapsed() > WATCHDOG, "no more often than it needs to");
}

#[test]
fn without_a_watchdog_there_is_nothing_to_feed() {
    let home = Home::new("[[endpoints]]\nname = \"nobody\"\nurl = \"ws://127.0.0.1:9/\"\n");
    let socket = home.path().join("notify");
    let systemd = UnixDatagram::bind(&socket).unwrap();
    let mut daemon = home.start_with(|command| {
        // That of another process, as a child of a watched one sees it.
        command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "1000").env("WATCHDOG_PID", "1");
    });
    assert_eq!(heard(&systemd), "READY=1");
    daemon.get("/metrics");
    daemon.signal("TERM");
    daemon.wait();
    assert_eq!(heard(&systemd), "STOPPING=1", "and nothing before that");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_cannot_starve_it() {
    let (_home, daemon, systemd) = tokio::task::block_in_place(idle);
    let address = daemon.address;
    let siege = tokio::spawn(async move {
        let mut crowd = Vec::new();
        loop {
            if let Ok(mut stream) = TcpStream::connect(address).await {
                let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20);
                stream.write_all(&request).await.ok();
                crowd.push(stream);
            }
            if crowd.len() > 2000 {
                crowd.clear();
            }
        }
    });
    for _ in 0..6 {
        assert_eq!(tokio::task::block_in_place(|| heard(&systemd)), "WATCHDOG=1");
    }
    siege.abort();
}

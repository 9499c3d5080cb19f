//! The accept loop: `axum::serve` waits for ever for a head that never comes; this one does not.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

/// Connections at a time; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 512;

/// Longest that a head may take to come whole, and that an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest that a reader may take nothing in of what is sent to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Largest head; also the read buffer of a connection.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Longest that answers under way may take once the daemon ends.
const DRAIN: Duration = Duration::from_secs(2);

/// Serves until `stop`, then lets answers under way finish.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut backoff = Backoff::default();
    loop {
        // The semaphore is never closed.
        let Ok(permit) = permits.clone().acquire_owned().await else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                backoff.after(&error).await;
                continue;
            }
        };
        backoff = Backoff::default();
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIMEOUT));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(
                TokioIo::new(Box::pin(stream)),
                TowerToHyperService::new(router.clone()),
            );
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // How a stranger's connection ends is no concern of the log.
            watched.await.ok();
            drop(permit);
        });
    }
    timeout(DRAIN, graceful.shutdown()).await.ok();
}

/// Waits longer after each failure of `accept`, as when descriptors have run out: spinning
/// would take the CPU from the probes.
#[derive(Default)]
struct Backoff(u32);

impl Backoff {
    async fn after(&mut self, error: &io::Error) {
        let of_one_connection = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
        );
        if !of_one_connection {
            tracing::warn!(%error, "cannot accept connections");
            sleep(Duration::from_millis(10 << self.0.min(6))).await;
            self.0 += 1;
        }
    }
}

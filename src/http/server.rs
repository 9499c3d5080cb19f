//! The accept loop: `axum::serve` waits for ever for a head that never comes; this one does not.

mod guests;
mod place;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use metrics::counter;
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use super::reload::Peer;
use guests::Guests;
use place::{House, Noting};

/// Connections that wait in the kernel's queue until they are taken in.
const BACKLOG: i32 = 4096;

/// What of its answers the kernel keeps for a connection: by itself it would keep megabytes.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Most connections at a time.
pub const MAX_CONNECTIONS: usize = 512;

/// Connections that may leave an answer in our memory by not reading it.
const MAX_STALLED: usize = 64;

/// Longest that a head may take to come whole, and that an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest that a reader may take nothing in of what is sent to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// Where there is no room, whoever keeps us waiting for longer than this must go.
const PATIENCE: Duration = Duration::from_millis(50);

/// Time between looks for room while everybody is being served.
const LOOK_FOR_ROOM: Duration = Duration::from_millis(5);

/// Longest wait between attempts to accept.
const LONGEST_BACKOFF: Duration = Duration::from_millis(160);

/// Time between attempts to have all spare descriptors again.
const REFILL_EVERY: Duration = Duration::from_millis(100);

/// Largest head; also the read buffer of a connection.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Longest that whoever has only just come may take to ask, once the daemon ends.
const HEAR_OUT: Duration = Duration::from_secs(1);

/// Longest that answers under way may take once the daemon ends.
const DRAIN: Duration = Duration::from_secs(2);

/// Takes an address, ready to be listened on by a runtime.
pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    prepared(std::net::TcpListener::bind(address)?)
}

/// The same for a socket that listens already.
pub fn prepared(listener: std::net::TcpListener) -> io::Result<std::net::TcpListener> {
    // The standard library makes the queue 128 long, which a crowd overflows; systemd may too.
    rustix::net::listen(&listener, BACKLOG)?;
    // Whatever is accepted inherits this.
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER_BYTES)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until `stop`, then lets answers under way finish.
///
/// Where there are as many `connections` as there may be, whoever keeps us waiting for longest
/// goes for the next. Where probes have taken all descriptors, the spare ones are used.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections: usize,
    mut spare: Spare,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let house = House::new(Guests::new(connections, MAX_STALLED));
    let mut trouble = Trouble::default();
    loop {
        let room = house.guests().has_room(Instant::now(), PATIENCE);
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept(), if room => accepted,
            () = sleep(LOOK_FOR_ROOM), if !room => continue,
            // At once, before a probe takes what has come free.
            () = house.somebody_left(), if spare.is_short() => {
                spare.refill();
                continue;
            }
            () = sleep(REFILL_EVERY), if spare.is_short() => {
                spare.refill();
                continue;
            }
        };
        match accepted {
            Ok((stream, peer)) => {
                trouble.is_over();
                host((stream, peer.ip()), &house, &router, &graceful);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                trouble.is_seen(&error);
                let used = exhausted(&error) && spare.give_up_one();
                if !used {
                    house.guests().make_room(Instant::now(), PATIENCE);
                    sleep(trouble.backoff()).await;
                }
            }
        }
        let evicted = house.guests().take_evicted();
        if evicted > 0 {
            counter!("watchpost_http_evicted_total").increment(evicted);
        }
    }
    // Where systemd listens, whoever was not taken in waits for the next daemon.
    drop(listener);
    // A connection on which nothing was asked yet would be closed without a word.
    let all_asked = async {
        while house.guests().somebody_has_not_asked() {
            sleep(LOOK_FOR_ROOM).await;
        }
    };
    timeout(HEAR_OUT, all_asked).await.ok();
    timeout(DRAIN, graceful.shutdown()).await.ok();
}

/// Serves one connection in a task of its own, until it ends or must go.
fn host(
    (stream, peer): (TcpStream, IpAddr),
    house: &House,
    router: &Router,
    graceful: &GracefulShutdown,
) {
    let (place, evict) = house.arrive();
    let place = Arc::new(place);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let stream = Noting::new(Box::pin(stream), place.clone());
    let service = TowerToHyperService::new(router.clone());
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |mut request: http::Request<_>| {
                place.asked();
                request.extensions_mut().insert(Peer(peer));
                let (place, answer) = (place.clone(), service.call(request));
                async move {
                    let mut answer = answer.await;
                    if place.answered()
                        && let Ok(answer) = &mut answer
                    {
                        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                    }
                    answer
                }
            }),
        );
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        // How a stranger's connection ends is no concern of the log.
        tokio::select! {
            _ = watched => {}
            () = evict.cancelled() => {}
        }
    });
}

/// Descriptors that are held for the page, so that it can be seen when probes have all others.
#[derive(Debug)]
pub struct Spare {
    held: VecDeque<File>,
    wanted: usize,
}

impl Spare {
    /// As many as there are to be had, up to `wanted`.
    pub fn hold(wanted: usize) -> Self {
        let mut spare = Self { held: VecDeque::with_capacity(wanted), wanted };
        spare.refill();
        spare
    }

    fn is_short(&self) -> bool {
        self.held.len() < self.wanted
    }

    fn refill(&mut self) {
        while self.is_short()
            && let Ok(file) = File::open("/dev/null")
        {
            self.held.push_back(file);
        }
    }

    /// Closes the oldest, whose number is low: one beyond a lowered limit would be of no use.
    fn give_up_one(&mut self) -> bool {
        self.held.pop_front().is_some()
    }
}

/// A time in which no connection can be accepted: spinning would take the CPU from the probes,
/// and a line for each attempt would fill the log.
#[derive(Debug, Default)]
struct Trouble {
    attempts: u32,
}

impl Trouble {
    fn is_seen(&mut self, error: &io::Error) {
        if self.attempts == 0 {
            tracing::warn!(%error, "cannot accept connections");
        }
        self.attempts += 1;
    }

    fn is_over(&mut self) {
        self.attempts = 0;
    }

    fn backoff(&self) -> Duration {
        LONGEST_BACKOFF.min(Duration::from_millis(10 << self.attempts.min(6)))
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

fn exhausted(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

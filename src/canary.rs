//! Doors on loopback whose answers are known beforehand, asked by the same code as all others: a
//! prober that sees them otherwise cannot tell good from bad.

mod door;
mod expected;
pub mod surroundings;
mod target;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout};

use crate::check::Check;
use crate::check::endpoint::Endpoint;
use crate::edge::authority::Authority;
use crate::edge::{Edge, EdgeError};
use crate::outcome::Outcome;
use crate::outcome::sight::Look;
use door::Turning;
use expected::Seen;
use target::Target;

/// How much longer than its timeout a run may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// After this time no further run is begun in a round. One takes half a second or more, most of it where nothing comes.
const ROUND: Duration = Duration::from_secs(6);

/// How often a door is asked in a round until it is known how it is seen.
const ATTEMPTS: usize = 4;

/// The doors, and what is known of them.
#[derive(Debug)]
pub struct Canaries {
    edge: Edge,
    targets: Vec<Target>,
    turning: Turning,
    /// Holds a port on which nobody listens.
    _shut: TcpSocket,
}

/// Why there are no doors.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// The sockets.
    #[error("cannot open doors on loopback for self-checks: {0}")]
    Io(#[from] io::Error),
    /// The servers.
    #[error("cannot open doors on loopback for self-checks: {0}")]
    Edge(#[from] EdgeError),
    /// The certificates.
    #[error("cannot mint certificates for self-checks: {0}")]
    Mint(#[from] rcgen::Error),
    /// What is asked of the doors.
    #[error("cannot ask doors on loopback: {0}")]
    Target(String),
}

impl Canaries {
    /// Opens the doors.
    pub fn open(now: Timestamp) -> Result<Self, CanaryError> {
        let authority = Authority::new("Watchpost canary", now)?;
        let stranger = Authority::new("Watchpost stranger", now)?;
        let edge = Edge::new()?;
        let turning = Turning::default();
        let open = |door: door::Door| -> Result<_, CanaryError> {
            let served = door.certificate(&authority, &stranger)?;
            Ok((door, edge.open(served, door.behaviour(&turning))?))
        };
        let doors = door::DOORS.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let (shut, nobody) = shut_port()?;
        let targets = target::all(&authority, doors, nobody)?;
        Ok(Self { edge, targets, turning, _shut: shut })
    }

    /// What the prober must know of.
    pub fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.targets.iter().map(|target| target.check.endpoint.clone()).collect()
    }

    /// Asks every door as the scheduler asks endpoints.
    pub async fn look<F, Fut>(&mut self, probe: &F, turn: u64) -> Vec<Look>
    where
        F: Fn(Arc<Check>, u64) -> Fut,
        Fut: Future<Output = Outcome>,
    {
        self.turning.turn(turn);
        let until = Instant::now() + ROUND;
        let mut looks = Vec::with_capacity(self.targets.len());
        // One after the other: a burst would hold up the runs of others.
        for target in &mut self.targets {
            let seen = seen(target, &self.edge, &self.turning, probe, turn, until).await;
            match seen {
                Seen::Right => target.last = Some(None),
                Seen::Wrong(trouble) => target.last = Some(Some(trouble)),
                // As it was. Of others that are seen right, enough is known.
                Seen::Nothing => {}
            }
            let trouble = target.last.clone().flatten();
            looks.push(Look { check: target.name, trouble });
        }
        if self.targets.iter().all(|target| target.last.is_none())
            && let Some(first) = looks.first_mut()
        {
            first.trouble = Some("this machine has had no time to look at any door yet".to_owned());
        }
        looks
    }
}

/// Asks one door, and once more where it is seen otherwise than it is, or not at all.
async fn seen<F, Fut>(
    target: &Target,
    edge: &Edge,
    turning: &Turning,
    probe: &F,
    turn: u64,
    until: Instant,
) -> Seen
where
    F: Fn(Arc<Check>, u64) -> Fut,
    Fut: Future<Output = Outcome>,
{
    let mut seen = Seen::Nothing;
    for _ in 0..ATTEMPTS {
        // Doors before this one have hung, which is told of them; or the machine has slept.
        if Instant::now() >= until {
            break;
        }
        let again = ask(target, turning, probe, turn).await;
        seen = match (seen, again) {
            (_, Seen::Right) => return Seen::Right,
            (Seen::Wrong(trouble), Seen::Wrong(_)) => return Seen::Wrong(trouble),
            (wrong @ Seen::Wrong(_), Seen::Nothing) => wrong,
            // Without descriptors the door is as poor as the prober: no matter of sight.
            (_, Seen::Wrong(_)) if edge.is_starved() => Seen::Nothing,
            (Seen::Nothing | Seen::Right, again) => again,
        };
    }
    // One look is not enough to call a door wrong.
    Seen::Nothing
}

async fn ask<F, Fut>(target: &Target, turning: &Turning, probe: &F, turn: u64) -> Seen
where
    F: Fn(Arc<Check>, u64) -> Fut,
    Fut: Future<Output = Outcome>,
{
    let before = target.visits();
    let run = AssertUnwindSafe(async { probe(target.check.clone(), turn).await });
    let patience = target.check.cadence.timeout() + PATIENCE;
    let outcome = match timeout(patience, run.catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => return Seen::Wrong("the probe broke".to_owned()),
        Err(_) => return Seen::Wrong("the run did not end at its deadline".to_owned()),
    };
    let visited = before.is_none() || target.visits() > before;
    expected::seen(&target.expected(turning.is_open()), &outcome, visited)
}

/// A port that is taken, and where nobody listens.
fn shut_port() -> io::Result<(TcpSocket, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

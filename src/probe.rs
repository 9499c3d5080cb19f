//! Runs one check over the wire: dial, ask, note what is seen. Owns the deadline.

pub mod answer;
pub mod body;
mod budget;
mod capture;
mod control;
pub mod conversation;
mod cors;
mod dial;
mod exchange;
mod frame;
mod guests;
pub mod head;
mod http;
mod inflate;
mod io_error;
mod legacy;
mod memo;
mod messaging;
mod resolve;
pub mod server_hello;
mod signatures;
mod tls;
mod trust;
mod upgrade;
mod websocket;
mod wire;
mod witness;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use crate::check::Check;
use crate::check::endpoint::Endpoint;
use crate::check::origin::Expect;
use crate::check::probe::{Probe, RefusalStatuses};
use crate::clock;
use crate::clock::lag::Lag;
use crate::outcome::control::Control;
use crate::outcome::failure::Failure;
use crate::outcome::{self, Observation, Outcome, lag, verdict, warning};
use budget::Budget;
use control::Controls;
use guests::Guests;
use resolve::Resolver;
use trust::Profiles;
pub use trust::crypto_provider;
use witness::Witness;

/// Time before the deadline that a run keeps to say what it knows.
const LAST_WORD: Duration = Duration::from_millis(20);

/// Everything that runs share: how names are resolved, whom endpoints trust, who we say we are.
#[derive(Debug)]
pub struct Prober {
    resolver: Resolver,
    profiles: Profiles,
    forgeries: Arc<cors::Forgeries>,
    user_agent: String,
    lag: Arc<Lag>,
    controls: Controls,
    guests: Arc<Guests>,
    budget: Arc<Mutex<Budget>>,
    /// Connections a minute of a deployment; as many as are asked for, where it is `None`.
    per_minute: Option<u32>,
}

impl Prober {
    /// A prober for these endpoints.
    pub fn new<'a>(
        endpoints: impl IntoIterator<Item = &'a Arc<Endpoint>>,
        nameservers: &[SocketAddr],
        contact: Option<&str>,
    ) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let user_agent = match contact {
            Some(contact) => format!("Watchpost/{version} (+{contact})"),
            None => format!("Watchpost/{version}"),
        };
        let resolver = Resolver::new(nameservers);
        warm_up();
        let profiles = Profiles::new(endpoints);
        let (lag, controls) = (Arc::default(), Controls::default());
        let forgeries = Arc::default();
        let (guests, budget) = (Arc::new(Guests::salted(random())), Arc::default());
        Self {
            resolver,
            profiles,
            forgeries,
            user_agent,
            lag,
            controls,
            guests,
            budget,
            per_minute: None,
        }
    }

    /// The same prober; guests of messengers are known again after a restart.
    pub fn known_by(self, salt: u64) -> Self {
        Self { guests: Arc::new(Guests::salted(salt)), ..self }
    }

    /// The same prober; a deployment is given no more connections a minute than these.
    pub fn within(self, connections_per_minute: u32) -> Self {
        Self { per_minute: Some(connections_per_minute), ..self }
    }

    /// The same prober; runs are held against a meter that is beaten on their thread.
    pub fn measured_by(self, lag: Arc<Lag>) -> Self {
        Self { lag, ..self }
    }

    /// How many CAs this machine trusts, where an endpoint leaves that to it.
    pub fn system_roots(&self) -> Option<usize> {
        self.profiles.system_roots()
    }

    /// Whether a name has an address.
    pub async fn resolves(&self, name: &str) -> Result<(), Failure> {
        self.resolver.lookup(name).await.map(drop)
    }

    /// The same prober; what another one has found out about these checks is not forgotten.
    pub fn after<'a>(
        self,
        before: &Self,
        checks: impl IntoIterator<Item = &'a Arc<Check>>,
    ) -> Self {
        let (forgeries, guests, budget) =
            (before.forgeries.clone(), before.guests.clone(), before.budget.clone());
        let checks: Vec<_> = checks.into_iter().collect();
        let known = checks.iter().map(|check| &check.id).collect();
        forgeries.retain(&known);
        let asked = checks.iter().filter_map(|check| match check.probe.as_ref() {
            Probe::Messaging(messaging) => Some((&check.endpoint.target, messaging)),
            _ => None,
        });
        guests.retain(&known, &asked.collect::<Vec<_>>());
        let deployments = checks.iter().filter_map(|check| check.deployment()).collect();
        budget.lock().unwrap_or_else(PoisonError::into_inner).retain(&deployments);
        Self { forgeries, guests, budget, ..self }
    }

    /// Runs a check once. `turn` counts rounds, so that each takes the next address of a name.
    ///
    /// Never takes longer than the check's timeout, whatever the peer does.
    pub async fn run(&self, check: &Check, turn: u64) -> Outcome {
        let started_at = clock::now();
        let begin = Instant::now();
        let stalled_before = self.lag.stalled(begin);
        let deadline = begin + check.cadence.timeout();
        let run = Run { prober: self, check, turn, deadline, pinned: None };
        let (ended, mut observation) = run.attempt().await;
        observation.stalled = self.lag.stalled(Instant::now()).saturating_sub(stalled_before);
        let control = match &check.control {
            Some(page) => control::beside(&run, page, &ended, &observation).await,
            None => None,
        };
        judged(check, started_at, ended, observation, control.as_ref())
    }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without random numbers no run comes to anything.
    aws_lc_rs::rand::fill(&mut bytes).ok();
    u64::from_ne_bytes(bytes)
}

/// The first random number of a process takes aws-lc tens of milliseconds, while it gathers
/// entropy: no run's TLS phase shall pay for that.
fn warm_up() {
    let mut byte = [0];
    if aws_lc_rs::rand::fill(&mut byte).is_err() {
        tracing::error!("this machine gives no random numbers");
    }
}

/// One run and what it needs.
struct Run<'a> {
    prober: &'a Prober,
    check: &'a Check,
    turn: u64,
    deadline: Instant,
    /// Dial this, whatever the name says by now: it is a control run.
    pinned: Option<SocketAddr>,
}

impl Run<'_> {
    /// How it ends, and what it sees until then.
    async fn attempt(&self) -> (Result<(), Failure>, Observation) {
        if let Err(failure) = self.pay() {
            return (Err(failure), Observation::default());
        }
        let mut witness = Witness::new();
        let ended = match timeout_at(self.deadline, self.ask(&mut witness)).await {
            Ok(ended) => ended,
            Err(_) => Err(Failure::TimedOut(witness.phase())),
        };
        (ended, witness.finish())
    }

    /// Takes a connection out of what its deployment is given.
    fn pay(&self) -> Result<(), Failure> {
        let (Some(deployment), Some(per_minute)) =
            (self.check.deployment(), self.prober.per_minute)
        else {
            return Ok(());
        };
        let mut budget = self.prober.budget.lock().unwrap_or_else(PoisonError::into_inner);
        match budget.take(deployment, per_minute, Instant::now()) {
            true => Ok(()),
            false => Err(Failure::BudgetSpent { deployment: deployment.clone() }),
        }
    }

    async fn ask(&self, witness: &mut Witness) -> Result<(), Failure> {
        match self.check.probe.as_ref() {
            Probe::Websocket(websocket) => websocket::run(self, websocket, witness).await,
            Probe::Messaging(messaging) => messaging::run(self, messaging, witness).await,
            Probe::Cors(cors) => cors::run(self, cors, witness).await,
            Probe::Http(http) => http::run(self, http, witness).await,
            Probe::Tls => tls::run(self, witness).await,
        }
    }

    /// The address that it dials, and how many there are to choose from.
    async fn address(&self) -> Result<(SocketAddr, usize), Failure> {
        match self.pinned {
            Some(address) => Ok((address, 1)),
            None => self.prober.resolver.address(&self.check.endpoint, self.turn).await,
        }
    }

    /// Until when waiting that the verdict does not hang on may go on: what is known by then is
    /// told before the deadline cuts the run off.
    fn last_word(&self) -> Instant {
        self.deadline - LAST_WORD
    }

    /// Whether more is said once the door is open.
    fn expects_entry(&self) -> bool {
        self.check.expect() == Expect::Allow && self.pinned.is_none()
    }
}

fn judged(
    check: &Check,
    started_at: Timestamp,
    ended: Result<(), Failure>,
    observation: Observation,
    control: Option<&Control>,
) -> Outcome {
    let timeout = check.cadence.timeout();
    let ended = ended.map_err(|failure| lag::excuse(failure, observation.stalled, timeout));
    let expect = check.expect();
    let (verdict, failure) = match check.probe.as_ref() {
        Probe::Websocket(websocket) => {
            verdict::judge(ended, expect, &websocket.refusal_statuses, control)
        }
        Probe::Messaging(messaging) => {
            verdict::judge(ended, expect, &messaging.refusal_statuses, control)
        }
        Probe::Cors(_) => outcome::cors::verdict::judge(ended, expect, control),
        Probe::Http(_) | Probe::Tls => {
            verdict::judge(ended, expect, &RefusalStatuses::default(), control)
        }
    };
    let remarks = warning::remarks(&observation);
    Outcome { started_at, observation, verdict, failure, remarks }
}

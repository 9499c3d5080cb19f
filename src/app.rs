//! The composition root: builds the parts, starts them, watches them, ends them in order.

mod descriptors;
mod discoveries;
mod outgoing;
mod own_metrics;
mod pulse;
pub mod reload;
mod serving;
mod sight;
mod watchdog;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use metrics::{Gauge, counter, gauge};
use tokio::runtime;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::canary::{Canaries, CanaryError};
use crate::casebook::question::Asker;
use crate::casebook::{self, Casebook};
use crate::check::Check;
use crate::clock;
use crate::clock::lag::Lag;
use crate::clock::timer::Timer;
use crate::config::Config;
use crate::config::genesys::connections_per_minute;
use crate::http::drawings::Drawings;
use crate::http::reload::Request;
use crate::http::server::{self, Spare};
use crate::http::{self, Context};
use crate::inbox::{self, InboxError};
use crate::notify::Notifier;
use crate::outcome::Outcome;
use crate::outcome::chain::skew::EARLIEST;
use crate::outcome::sight::Sight;
use crate::probe::Prober;
use crate::record::history::History;
use crate::record::store::{Store, StoreError, Writer};
use crate::record::told::Tell;
use crate::record::{self, Message, Reader, Recorder};
use crate::schedule::promise::Promise;
use crate::schedule::slot::Slot;
use crate::schedule::{self, Confirm, Pace, Plan};
use crate::systemd::PassedError;
use crate::tenant::{self, Tenant};
use discoveries::{Discoveries, Restored};
use outgoing::Told;
use reload::{By, Outlets, Reloader, Reloads};
use sight::{Eyes, Watch};
use watchdog::Watched;

/// Confirm runs that are asked for and not yet planned.
const QUEUED_CONFIRMS: usize = 256;

/// How long runs may go on after the daemon was told to end.
const GRACE: Duration = Duration::from_secs(3);

/// A daemon that has its port and its store, and has begun nothing.
#[derive(Debug)]
pub struct App {
    config: Config,
    listener: TcpListener,
    connections: usize,
    spare: Spare,
    store: Store,
    restored: record::store::Restored,
    events: inbox::Store,
    reloads: Reloads,
    requests: Receiver<Request>,
    discovered: Restored,
}

/// Why the daemon cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The port is taken, or not ours to take.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// It was not made for us.
    #[error(transparent)]
    Passed(#[from] PassedError),
    /// No store, no results.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No acknowledgement without it.
    #[error(transparent)]
    Events(#[from] InboxError),
    /// Threads, signals, the runtime.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
    /// Nothing to tell by whether the monitor sees.
    #[error("{0}; [selfcheck] enabled = false does without them")]
    Canaries(#[from] CanaryError),
    /// A thread that must not end has ended.
    #[error("the {0} has ended; see the log above")]
    Gone(&'static str),
}

impl App {
    /// Takes the port, then the store: neither is touched if the other is not to be had.
    pub fn open(config: Config) -> Result<Self, AppError> {
        Self::open_on(config, None)
    }

    /// The same, on the socket that systemd has passed, if it has.
    pub fn open_on(config: Config, passed: Option<TcpListener>) -> Result<Self, AppError> {
        let connections = descriptors::connections();
        let spare = Spare::hold(descriptors::SPARE);
        let address = config.daemon.listen;
        let listener = passed.map_or_else(|| server::bind(address), server::prepared);
        let listener = listener.map_err(|error| AppError::Listen { address, error })?;
        let (store, restored) = Store::open(&config.store.path, clock::now())?;
        let events = inbox::Store::open(&config.events.path, clock::now())?;
        let (config, discovered) = discoveries::restored(config);
        let (reloads, requests) = sync_channel(reload::QUEUED_REQUESTS);
        let reloads = Reloads(reloads);
        Ok(Self {
            config,
            listener,
            connections,
            spare,
            store,
            restored,
            events,
            reloads,
            requests,
            discovered,
        })
    }

    /// Where it listens; the port that the system chose, where the config says 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Asks for the config to be read again, also once the daemon runs.
    pub fn reloads(&self) -> Reloads {
        self.reloads.clone()
    }

    /// Runs until `stop`. `ready` is called once everything has begun.
    pub fn run(self, stop: CancellationToken, ready: impl FnOnce()) -> Result<(), AppError> {
        let honest = |prober: Arc<Prober>| {
            move |check: Arc<Check>, turn| {
                let prober = prober.clone();
                async move { prober.run(&check, turn).await }
            }
        };
        self.run_through(honest, stop, ready)
    }

    /// The same, with somebody between the prober and all who ask it: endpoints and self-checks
    /// see through the same eyes.
    pub fn run_through<M, P, Fut>(
        self,
        make: M,
        stop: CancellationToken,
        ready: impl FnOnce(),
    ) -> Result<(), AppError>
    where
        M: Fn(Arc<Prober>) -> P + Send + 'static,
        P: Fn(Arc<Check>, u64) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let own = own_metrics::install();
        let (confirms, confirmed) = mpsc::channel(QUEUED_CONFIRMS);
        let (messages, inbox) = mpsc::channel(record::QUEUED_MESSAGES);
        let (plans, planned) = mpsc::channel(1);
        let (limits, limited) = watch::channel(reload::limits(&self.config));
        let (kept, keeping) = watch::channel(reload::kept(&self.config));
        let (http, settings) = watch::channel(reload::http_settings(&self.config));
        let (eyes, seen_with) = watch::channel(None);
        let canaries = match self.config.selfcheck.enabled {
            true => Some(Canaries::open(clock::now().max(EARLIEST))?),
            false => None,
        };
        let store_path = self.config.store.path.clone();
        let salt = self.store.salt()?;
        let writer = Writer::spawn(self.store, limited)?;
        let (events, inbox_of_events) = inbox::Writer::spawn(self.events, keeping)?;
        let (cases, told) = mpsc::channel(casebook::QUEUED_MESSAGES);
        let path = &self.config.events.path;
        let book = Casebook::open(
            path,
            inbox_of_events.clone(),
            &self.config.checks,
            self.config.correlation,
        )?;
        let numbers = book.numbers();
        let outgoing = Told::new(&self.config.notify);
        let drills = http::drill::Drills::new(outgoing.subscriptions());
        let book = book.telling(outgoing.subscriptions());
        let book = book.spawn(told)?;
        let notifier = {
            let (path, inbox) = (path.clone(), inbox_of_events.clone());
            Notifier { path, inbox, targets: outgoing.targets() }.spawn(stop.clone())?
        };
        let genesys = tenant::Settings::new(self.config.genesys.as_ref(), &self.config.checks);
        let (genesys, settings_of_genesys) = watch::channel(genesys);
        let (offers, offered) = watch::channel(self.discovered.taken);
        let (tenant, known) = {
            let (path, reloads) = (path.clone(), self.reloads.clone());
            let ask = Arc::new(move || reloads.ask(By::Discovery));
            Tenant {
                path,
                inbox: inbox_of_events.clone(),
                casebook: cases.downgrade(),
                settings: settings_of_genesys,
                discoveries: tenant::Discoveries { list: offers, ask },
            }
            .spawn(stop.clone())?
        };
        let (casebook_lives, inbox_lives) = (cases.clone(), inbox_of_events.clone());
        let tell = tell(cases.clone());
        let checks = &self.config.checks;
        let recorder = Recorder::new(checks, writer, self.restored, confirms, tell);
        let recorder = recorder.spawn(inbox)?;

        // The machine's roots, hosts and name servers are read anew with every config.
        let lag = Arc::new(Lag::default());
        let seen = lag.clone();
        let inflight = gauge!("watchpost_inflight_probes");
        let doors = canaries.as_ref().map(Canaries::endpoints).unwrap_or_default();
        let probing = move |config: &Config| {
            let contact = config.daemon.contact.as_deref();
            let nameservers = &config.daemon.nameservers;
            let endpoints = config.endpoints.iter().chain(&doors);
            let prober = Prober::new(endpoints, nameservers, contact);
            let per_minute = connections_per_minute(config.genesys.as_ref());
            let prober = prober.measured_by(seen.clone()).known_by(salt).within(per_minute);
            let before = eyes.borrow().as_ref().map(|eyes: &Eyes<_>| eyes.prober.clone());
            let prober = Arc::new(match before {
                Some(before) => prober.after(&before, &config.checks),
                None => prober,
            });
            let probe = make(prober.clone());
            let settings = config.selfcheck.clone();
            eyes.send_replace(Some(Eyes { probe: probe.clone(), prober, settings }));
            let inflight = inflight.clone();
            move |check: Arc<Check>, slot: Slot| {
                let (run, inflight) = (probe(check, slot.number), inflight.clone());
                async move {
                    let _under_way = UnderWay::begin(inflight);
                    run.await
                }
            }
        };
        // One thread: probes wait far more than they work, and waking another thread for each
        // step of theirs costs as much as the step.
        let probes = runtime::Builder::new_current_thread().enable_all().build()?;
        let mut pulse = Box::pin(pulse::beat(lag, messages.clone(), own.clone()));
        let probe = probing(&self.config);
        // Before anything is published or run: a prober that sees nothing has nothing to say.
        let mut watch = Watch::new(canaries, seen_with);
        let sight = probes.block_on(async {
            tokio::select! {
                sight = watch.look() => sight,
                () = &mut pulse => Sight::default(),
            }
        });
        // Without a receiver the daemon ends below.
        messages.blocking_send(Message::Sight(sight.clone())).ok();
        let looking = watch.keep_looking(sight, messages.clone());

        let plan = reload::plan(&self.config, probe);
        let (messages_too, casebook) = (messages.downgrade(), cases.downgrade());
        let told = outgoing;
        let outlets = Outlets {
            messages: messages_too,
            casebook,
            plans,
            http,
            told,
            limits,
            kept,
            tenant: genesys,
        };
        let discovered = Discoveries::new(offered, &self.config, self.discovered.refused);
        Reloader { config: self.config, outlets, probing, discovered }.spawn(self.requests)?;
        let reader = Reader::new(messages.clone());
        let drawings = Drawings::new(History::spawn(store_path)?);
        let context = Context {
            reader: reader.clone(),
            drawings,
            inbox: inbox_of_events,
            casebook: Asker::new(cases, numbers),
            tenant: known,
            own,
            settings,
            drills,
            reloads: self.reloads.0,
            pages: http::Pages::default(),
        };
        let (serving, handle) = {
            let router = http::router(context);
            let (connections, spare, stop) = (self.connections, self.spare, stop.clone());
            serving::begin(self.listener, |listener| {
                server::serve(listener, router, connections, spare, stop)
            })?
        };
        let scheduler = Arc::new(Promise::new(Instant::now()));
        let watched = Watched { scheduler: scheduler.clone(), recorder: reader, http: handle };
        let ended = probes.block_on(async {
            let pace = Pace { timer: Timer::precise(), promise: scheduler, grace: GRACE };
            // What they have is given back with them: the threads end once nobody has it.
            let inner = async move {
                tokio::select! {
                    () = pulse => "pulse",
                    () = looking => "self-checks",
                    () = casebook_lives.closed() => "casebook",
                    () = inbox_lives.ended() => "inbox",
                }
            };
            let checks = run_checks(plan, pace, inner, messages, confirmed, planned, stop.clone());
            ready();
            watchdog::watch(watched, stop.clone())?;
            checks.await
        });
        // Whatever ended first, the rest ends with it.
        stop.cancel();
        drop(probes);
        // Its end is no trouble of the daemon's: it has said so itself.
        tenant.join().ok();
        // In this order: each has the next one's channel.
        let threads = [
            ("http server", serving),
            ("recorder", recorder),
            ("casebook", book),
            ("notifier", notifier),
        ]
        .map(|(name, thread)| (name, thread.join()));
        let joined = threads.into_iter().chain([("inbox", events.join())]);
        let joined = joined.map(|(name, end)| end.map_err(|_| AppError::Gone(name)));
        joined.fold(ended, Result::and)
    }
}

/// What the recorder tells, to the casebook, which nobody waits for.
fn tell(cases: mpsc::Sender<casebook::Message>) -> Tell {
    Box::new(move |news| {
        if let Err(TrySendError::Full(_)) = cases.try_send(casebook::Message::News(news)) {
            counter!("watchpost_casebook_dropped_total").increment(1);
        }
    })
}

async fn run_checks<F, Fut>(
    plan: Plan<F>,
    pace: Pace,
    inner: impl Future<Output = &'static str>,
    messages: mpsc::Sender<Message>,
    confirmed: mpsc::Receiver<Confirm>,
    planned: mpsc::Receiver<Plan<F>>,
    stop: CancellationToken,
) -> Result<(), AppError>
where
    F: Fn(Arc<Check>, Slot) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    let recorder_gone = messages.clone();
    tokio::select! {
        () = schedule::run(plan, pace, messages, confirmed, planned, stop) => Ok(()),
        () = recorder_gone.closed() => Err(AppError::Gone("recorder")),
        name = inner => Err(AppError::Gone(name)),
    }
}

/// Counts a run as under way until it is dropped, also by a panic.
struct UnderWay(Gauge);

impl UnderWay {
    fn begin(inflight: Gauge) -> Self {
        inflight.increment(1.0);
        Self(inflight)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

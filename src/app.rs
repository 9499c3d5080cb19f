//! The composition root: builds the parts, starts them, watches them, ends them in order.

mod own_metrics;
mod pulse;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::check::Check;
use crate::clock;
use crate::clock::lag::Lag;
use crate::clock::timer::Timer;
use crate::config::Config;
use crate::http::{self, Context, server};
use crate::probe::Prober;
use crate::record::store::{Limits, Store, StoreError, Writer};
use crate::record::{self, Message, Reader, Recorder};
use crate::schedule::slot::Slot;
use crate::schedule::{self, Confirm};

/// Confirm runs that are asked for and not yet planned.
const QUEUED_CONFIRMS: usize = 256;

/// How long runs may go on after the daemon was told to end.
const GRACE: Duration = Duration::from_secs(3);

/// How long tasks of strangers' connections may linger after that.
const HTTP_LINGER: Duration = Duration::from_millis(200);

/// A daemon that has its port and its store, and has begun nothing.
#[derive(Debug)]
pub struct App {
    config: Config,
    listener: TcpListener,
    store: Store,
    restored: record::store::Restored,
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
    /// No store, no results.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Threads, signals, the runtime.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
    /// A thread that must not end has ended.
    #[error("the {0} has ended; see the log above")]
    Gone(&'static str),
}

impl App {
    /// Takes the port, then the store: neither is touched if the other is not to be had.
    pub fn open(config: Config) -> Result<Self, AppError> {
        let address = config.daemon.listen;
        let listen = |error| AppError::Listen { address, error };
        let listener = TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let (store, restored) = Store::open(&config.store.path)?;
        Ok(Self { config, listener, store, restored })
    }

    /// Where it listens; the port that the system chose, where the config says 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Runs until `stop`. `ready` is called once everything has begun.
    pub fn run(self, stop: CancellationToken, ready: impl FnOnce()) -> Result<(), AppError> {
        let own = own_metrics::install();
        let (confirms, confirmed) = mpsc::channel(QUEUED_CONFIRMS);
        let (messages, inbox) = mpsc::channel(record::QUEUED_MESSAGES);
        let limits =
            Limits { age: self.config.store.retention, bytes: self.config.store.max_size_bytes };
        let writer = Writer::spawn(self.store, limits)?;
        let recorder = Recorder::new(&self.config.checks, writer, self.restored, confirms);
        let recorder = recorder.spawn(inbox)?;

        let context = Context {
            reader: Reader::new(messages.clone()),
            own: own.clone(),
            settings: http::metrics::Settings { prime_failures: self.config.daemon.prime_failures },
        };
        let http = serve_http(self.listener, context, stop.clone())?;
        // One thread: probes wait far more than they work, and waking another thread for each
        // step of theirs costs as much as the step.
        let probes = runtime::Builder::new_current_thread().enable_all().build()?;
        let ended = probes.block_on(run_checks(
            &self.config,
            messages,
            confirmed,
            own,
            stop.clone(),
            ready,
        ));
        // Whatever ended first, the rest ends with it.
        stop.cancel();
        drop(probes);
        let joined = [("http server", http), ("recorder", recorder)]
            .map(|(name, thread)| thread.join().map_err(|_| AppError::Gone(name)));
        joined.into_iter().fold(ended, Result::and)
    }
}

/// On a runtime of its own, so that a scrape takes no time from the probes.
fn serve_http(
    listener: TcpListener,
    context: Context,
    stop: CancellationToken,
) -> io::Result<thread::JoinHandle<()>> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(4)
        .thread_name("http")
        .enable_all()
        .build()?;
    let listener = {
        let _entered = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    thread::Builder::new().name("http".to_owned()).spawn(move || {
        runtime.block_on(server::serve(listener, http::router(context), stop));
        runtime.shutdown_timeout(HTTP_LINGER);
    })
}

async fn run_checks(
    config: &Config,
    messages: mpsc::Sender<Message>,
    confirmed: mpsc::Receiver<Confirm>,
    own: PrometheusHandle,
    stop: CancellationToken,
    ready: impl FnOnce(),
) -> Result<(), AppError> {
    let contact = config.daemon.contact.as_deref();
    let lag = Arc::new(Lag::default());
    let nameservers = &config.daemon.nameservers;
    let prober = Prober::new(&config.endpoints, nameservers, contact).measured_by(lag.clone());
    let prober = Arc::new(prober);
    let probe = move |check: Arc<Check>, slot: Slot| {
        let prober = prober.clone();
        async move {
            let _inflight = Inflight::begin();
            prober.run(&check, slot.number).await
        }
    };
    let settings = schedule::Settings {
        max_inflight: config.daemon.max_inflight,
        grace: GRACE,
        now: clock::now(),
    };
    let recorder_gone = messages.clone();
    let pulse = pulse::beat(lag, messages.clone(), own);
    let timer = Timer::precise();
    let schedule = schedule::run(&config.checks, settings, timer, probe, messages, confirmed, stop);
    ready();
    tokio::select! {
        () = schedule => Ok(()),
        () = recorder_gone.closed() => Err(AppError::Gone("recorder")),
        () = pulse => Err(AppError::Gone("pulse")),
    }
}

/// Counts a run as under way until it is dropped, also by a panic.
struct Inflight;

impl Inflight {
    fn begin() -> Self {
        gauge!("watchpost_inflight_probes").increment(1.0);
        Self
    }
}

impl Drop for Inflight {
    fn drop(&mut self) {
        gauge!("watchpost_inflight_probes").decrement(1.0);
    }
}

//! `config.toml` to checks. A wrong file never starts half: every fault is listed, with its fix.

mod budget;
pub mod caution;
mod correlation;
mod cors;
mod credentials;
mod deployment;
pub mod discovered;
pub mod document;
mod events;
pub mod fault;
pub mod field;
pub mod forecast;
pub mod genesys;
mod http;
mod matrix;
mod messages;
mod messaging;
pub mod notify;
pub mod objective;
mod origins;
pub mod pem;
mod raw;
mod receivers;
mod request;
pub mod secret;
mod selfcheck;
mod settings;
pub mod stamp;
pub mod unknown;
mod users;
pub mod values;
pub mod whereabouts;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::check::Check;
use crate::check::endpoint::Endpoint;
use crate::correlate;
use crate::receiver::Receiver;
use caution::Caution;
use deployment::Home;
use discovered::Discovered;
pub use events::Events;
use fault::{Faults, Span};
use field::Table;
use genesys::{Environment, Genesys};
use notify::Notify;
pub use selfcheck::Selfcheck;
use stamp::Stamp;
use values::LogFormat;
use whereabouts::{Purpose, Whereabouts};

/// Longest config that is read.
const MAX_CONFIG_BYTES: u64 = 16 * 1024 * 1024;

/// A config that can run: every value in it is legal.
#[derive(Debug)]
pub struct Config {
    /// The file.
    pub path: PathBuf,
    /// Which version of the file it was, where it was read from one.
    pub stamp: Option<Stamp>,
    /// The process as a whole.
    pub daemon: Daemon,
    /// What is kept.
    pub store: Store,
    /// What is kept of what the contact centre says.
    pub events: Events,
    /// How users and probes are held against each other.
    pub correlation: correlate::Settings,
    /// How the monitor checks itself.
    pub selfcheck: Selfcheck,
    /// In the order of the file.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// Endpoints x probes x origins.
    pub checks: Vec<Arc<Check>>,
    /// Where events may be posted.
    pub receivers: Vec<Arc<Receiver>>,
    /// Who is told of incidents.
    pub notify: Vec<Notify>,
    /// The organisation at Genesys Cloud, where there is one.
    pub genesys: Option<Genesys>,
    /// What is legal, and probably not meant.
    pub cautions: Vec<Caution>,
}

/// `[daemon]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// Where the page, the metrics and the API are served.
    pub listen: SocketAddr,
    /// Whom the owner of a probed server may write to; part of the `User-Agent`.
    pub contact: Option<String>,
    /// Name servers to ask instead of the machine's own.
    pub nameservers: Vec<SocketAddr>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Runs at a time, over all endpoints.
    pub max_inflight: usize,
    /// Most series that `/metrics` may grow to.
    pub max_series: usize,
    /// Whether `probe_failures_total` shows a zero for each reason that has not happened yet.
    pub prime_failures: bool,
    /// Whether the HTTP server lets the daemon be told something.
    pub admin: bool,
    /// Whether a file that changes is read without being told.
    pub watch_config: bool,
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The database file.
    pub path: PathBuf,
    /// Results older than this are deleted.
    pub retention: Duration,
    /// The oldest results are deleted above this size.
    pub max_size_bytes: u64,
}

/// Why there is no config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file itself cannot be had.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file can be read, and this is wrong in it.
    #[error("{0}")]
    Faults(Faults),
}

impl Config {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_for(path, Purpose::Run)
    }

    /// The same for a command.
    pub fn load_for(path: &Path, purpose: Purpose) -> Result<Self, ConfigError> {
        Self::read(path, &[], purpose)
    }

    /// The same, with endpoints that were discovered beside those of the file, where it wants them.
    pub fn load_with(path: &Path, discovered: &[Discovered]) -> Result<Self, ConfigError> {
        Self::read(path, discovered, Purpose::Run)
    }

    fn read(path: &Path, discovered: &[Discovered], purpose: Purpose) -> Result<Self, ConfigError> {
        let unreadable = |error| ConfigError::Unreadable { path: path.to_owned(), error };
        // Before the text: a file that changes meanwhile is another version.
        let stamp = Stamp::of(path);
        let text = document::text(path, MAX_CONFIG_BYTES).map_err(unreadable)?;
        let config =
            Self::parse_for(path, &text, discovered, purpose).map_err(ConfigError::Faults)?;
        Ok(Self { stamp, ..config })
    }

    /// Reads the text of a file; other files that it names are found relative to `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Faults> {
        Self::parse_for(path, text, &[], Purpose::Run)
    }

    fn parse_for(
        path: &Path,
        text: &str,
        discovered: &[Discovered],
        purpose: Purpose,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::new(path, text).for_purpose(purpose);
        let file: Option<raw::File> = document::read(
            text,
            unknown::known_keys,
            "compare with the shipped config.toml",
            &mut faults,
        );
        let Some(file) = file else { return Err(faults) };

        let folder = path.parent().unwrap_or(Path::new("."));
        let whereabouts = &Whereabouts::new(folder, purpose);
        let series_at = series_at(&file.daemon);
        let daemon = daemon(file.daemon, &mut faults);
        let store = store(file.store, whereabouts, &mut faults);
        let events = events::read(file.events, &store.path, &mut faults);
        let correlation = correlation::read(file.correlation, &mut faults);
        let selfcheck = selfcheck::read(file.selfcheck, &mut faults);
        let receivers = receivers::read(file.receivers, whereabouts, &mut faults);
        let environment = Environment(&|name| std::env::var(name).ok());
        let is_given = !matches!(file.genesys, Table::Absent);
        let genesys = genesys::read(file.genesys, whereabouts, &environment, &mut faults);
        let home = match &genesys {
            Some(genesys) => Home::At(&genesys.account.bases, genesys.account.compat),
            None if is_given => Home::Wrong,
            None => Home::Nowhere,
        };
        let per_minute = genesys::connections_per_minute(genesys.as_ref());
        // Whoever names an organisation need not name endpoints: what there is, is asked for there.
        let discovered = genesys.as_ref().map(|genesys| match genesys.discover {
            true => discovered,
            false => &[],
        });
        let matrix = matrix::build(
            file.defaults,
            file.endpoints,
            discovered,
            whereabouts,
            home,
            per_minute,
            &mut faults,
        );
        budget::check(&matrix.checks, per_minute, &matrix.places, &mut faults);
        let notify = notify::read(file.notify, &matrix.endpoints, whereabouts, &mut faults);
        let config = Self {
            path: path.to_owned(),
            stamp: None,
            daemon,
            store,
            events,
            correlation,
            selfcheck,
            endpoints: matrix.endpoints,
            checks: matrix.checks,
            receivers,
            notify,
            genesys,
            cautions: faults.take_cautions(),
        };
        let (series, max) = (forecast::series(&config), config.daemon.max_series);
        if series > max {
            let problem = format!("this config makes {series} series, more than {max}");
            let fix = "watch fewer origins, set prime-failures = false, or raise max-series";
            faults.add(&series_at, "daemon.max-series", problem, fix);
        }
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }
}

/// Where the bound on series stands, or where it would.
fn series_at(table: &Table<raw::Daemon>) -> Span {
    match table {
        Table::Given(span, raw) => raw.max_series.span().unwrap_or_else(|| span.clone()),
        Table::Absent | Table::Bad(_) => 0..0,
    }
}

fn daemon(table: Table<raw::Daemon>, faults: &mut Faults) -> Daemon {
    let (_, raw) =
        table.take("daemon", "write it as a table: [daemon]", faults).unwrap_or_default();
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 9720));
    let max_inflight = raw.max_inflight.take_spanned("daemon.max-inflight", faults);
    if let Some((span, 0)) = &max_inflight {
        faults.add(span, "daemon.max-inflight", "nothing could run", "write 1 or more");
    }
    Daemon {
        listen: raw.listen.take("daemon.listen", faults).unwrap_or(loopback),
        contact: raw.contact.take("daemon.contact", faults).map(|contact| contact.0),
        nameservers: raw.nameservers.take("daemon.nameservers", faults).unwrap_or_default(),
        log_format: raw.log_format.take("daemon.log-format", faults).unwrap_or_default(),
        max_inflight: max_inflight.map_or(8192, |(_, n)| n as usize),
        max_series: raw
            .max_series
            .take("daemon.max-series", faults)
            .map_or(500_000, |n| n as usize),
        prime_failures: raw.prime_failures.take("daemon.prime-failures", faults).unwrap_or(true),
        admin: raw.admin.take("daemon.admin", faults).unwrap_or(false),
        watch_config: raw.watch_config.take("daemon.watch-config", faults).unwrap_or(false),
    }
}

fn store(table: Table<raw::Store>, whereabouts: &Whereabouts<'_>, faults: &mut Faults) -> Store {
    let (_, raw) = table.take("store", "write it as a table: [store]", faults).unwrap_or_default();
    let path = raw.path.take("store.path", faults).unwrap_or("watchpost.db".into());
    let days = |n: u64| Duration::from_secs(n * 24 * 60 * 60);
    let mib = raw.max_size_mib.take_spanned("store.max-size-mib", faults);
    if let Some((span, 0..16)) = &mib {
        faults.add(span, "store.max-size-mib", "too small to work in", "write 16 or more");
    }
    Store {
        path: whereabouts.database(&path),
        retention: raw.retention.take("store.retention", faults).map_or(days(30), |d| d.0),
        max_size_bytes: mib.map_or(1024, |(_, n)| u64::from(n)) * 1024 * 1024,
    }
}

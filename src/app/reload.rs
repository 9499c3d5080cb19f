//! Another config while the daemon runs: read as a whole, then applied by difference.
//!
//! On a thread of its own, as files may be slow, and nothing may wait for them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use metrics::gauge;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::descriptors;
use super::discoveries::Discoveries;
use super::outgoing::Told;
use crate::casebook;
use crate::check::difference::Difference;
use crate::clock;
use crate::config::stamp::Stamp;
use crate::config::{Config, ConfigError, Daemon, Events, Store};
use crate::http;
pub use crate::http::reload::By;
use crate::http::reload::Request;
use crate::inbox;
use crate::incident::{ChangeEvent, ChangeSource};
use crate::record::Message;
use crate::record::store::Limits;
use crate::schedule::Plan;
use crate::systemd;
use crate::tenant;

/// Requests that wait. More would see no other file than the last of these.
pub const QUEUED_REQUESTS: usize = 4;

/// Time between looks at a file that is watched.
///
/// Looking works the same for a file that is written in place, moved into place or reached by
/// links that are swapped, and on every file system; the events of the kernel do not.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Asks for the config to be read again.
#[derive(Debug, Clone)]
pub struct Reloads(pub(super) SyncSender<Request>);

impl Reloads {
    /// Asks, and does not wait for what comes of it.
    pub fn ask(&self, by: By) {
        match self.0.try_send(Request { by, answer: None }) {
            // One that waits has not looked at the file yet: it will do for this one too.
            Ok(()) | Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => error!("nobody reads the config any more"),
        }
    }
}

/// Where the parts of a config go.
#[derive(Debug)]
pub struct Outlets<F> {
    /// To the recorder, which ends when its senders are gone: this one does not count.
    pub messages: mpsc::WeakSender<Message>,
    /// To the casebook, which ends the same way.
    pub casebook: mpsc::WeakSender<casebook::Message>,
    /// To the scheduler.
    pub plans: mpsc::Sender<Plan<F>>,
    /// To the HTTP server.
    pub http: watch::Sender<http::Settings>,
    /// To the casebook and to the notifier.
    pub told: Told,
    /// To the store.
    pub limits: watch::Sender<Limits>,
    /// To the inbox.
    pub kept: watch::Sender<inbox::Limits>,
    /// To the thread for Genesys Cloud.
    pub tenant: watch::Sender<tenant::Settings>,
}

/// Reads configs for as long as somebody may ask for it.
pub struct Reloader<F, P> {
    /// What runs.
    pub config: Config,
    /// Where it goes.
    pub outlets: Outlets<F>,
    /// Makes the probe of a config.
    pub probing: P,
    /// What was discovered last, and what of it was taken up.
    pub discovered: Discoveries,
}

impl<F, P> Reloader<F, P>
where
    F: Send + 'static,
    P: Fn(&Config) -> F + Send + 'static,
{
    /// Starts the thread. It may hang on a file for ever, so nobody waits for its end.
    pub fn spawn(mut self, requests: Receiver<Request>) -> std::io::Result<()> {
        let serve = move || self.serve(&requests);
        thread::Builder::new().name("reload".to_owned()).spawn(serve).map(drop)
    }

    fn serve(&mut self, requests: &Receiver<Request>) {
        let mut watched = Watched { read: self.config.stamp, seen: self.config.stamp };
        loop {
            let request = if self.config.daemon.watch_config {
                requests.recv_timeout(LOOK_EVERY)
            } else {
                requests.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            let (by, answer) = match request {
                Ok(Request { by, answer }) => (by, answer),
                Err(RecvTimeoutError::Timeout) => {
                    if !watched.look(Stamp::of(&self.config.path)) {
                        continue;
                    }
                    (By::File, None)
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            watched.read = Stamp::of(&self.config.path);
            let result = self.reload(by);
            if let Some(answer) = answer {
                // Whoever asked may have gone away meanwhile.
                answer.send(result).ok();
            }
        }
    }

    fn reload(&mut self, by: By) -> Result<String, String> {
        systemd::reloading();
        let read = self.discovered.load(&self.config.path);
        let result = read.map(|config| self.apply(config));
        // The log comes last: whoever reads it finds everything as it says.
        gauge!("watchpost_config_last_reload_successful").set(f64::from(u8::from(result.is_ok())));
        match result {
            Ok((difference, fixed)) => {
                info!("config read again: {difference}");
                for caution in &self.config.cautions {
                    warn!("config: {caution}");
                }
                let mut changes = difference.to_string();
                self.note(&changes, by);
                if !fixed.is_empty() {
                    let fixed = fixed.join(", ");
                    warn!("needs a restart: {fixed}");
                    changes = format!("{changes}; needs a restart: {fixed}");
                }
                systemd::reloaded(&changes);
                Ok(changes)
            }
            Err(error) => {
                log_faults(&error);
                systemd::reloaded("the config is wrong, and the one before goes on: see the log");
                Err(error.to_string())
            }
        }
    }

    /// For the casebook: whoever looks into an incident wants to know of this.
    fn note(&self, changes: &str, by: By) {
        let (at, source) = (clock::now(), ChangeSource::Config);
        let what = format!("config read again: {changes}");
        let change = ChangeEvent { at, source, endpoint: None, what, who: Some(by.to_string()) };
        if let Some(casebook) = self.outlets.casebook.upgrade() {
            casebook.blocking_send(casebook::Message::Changed(change)).ok();
        }
    }

    /// Hands every part to whom it concerns; gives what changes, and what cannot.
    fn apply(&mut self, config: Config) -> (Difference, Vec<&'static str>) {
        let difference = Difference::between(&self.config.checks, &config.checks);
        let fixed = needing_restart(&self.config, &config);
        // Before the schedule, so that no run of a new check comes from an unknown one.
        if let Some(messages) = self.outlets.messages.upgrade() {
            // Without a receiver the daemon ends, here and below.
            messages.blocking_send(Message::Change(config.checks.clone())).ok();
        }
        // The probe first, as it takes a while.
        let probe = (self.probing)(&config);
        self.outlets.plans.blocking_send(plan(&config, probe)).ok();
        self.outlets.http.send_replace(http_settings(&config));
        self.outlets.told.change(&config.notify);
        self.outlets.limits.send_replace(limits(&config));
        self.outlets.kept.send_replace(kept(&config));
        let tenant = tenant::Settings::new(config.genesys.as_ref(), &config.checks);
        self.outlets.tenant.send_replace(tenant);
        if let Some(casebook) = self.outlets.casebook.upgrade() {
            casebook.blocking_send(casebook::Message::Settings(config.correlation)).ok();
        }
        let now = clock::now().as_microsecond() as f64 / 1e6;
        gauge!("watchpost_config_last_reload_success_timestamp_seconds").set(now);
        let Daemon { listen, log_format, .. } = self.config.daemon;
        let path = self.config.store.path.clone();
        let events = self.config.events.path.clone();
        self.config = Config {
            daemon: Daemon { listen, log_format, ..config.daemon },
            store: Store { path, ..config.store },
            events: Events { path: events, ..config.events },
            ..config
        };
        (difference, fixed)
    }
}

/// What the scheduler does by a config.
pub fn plan<F>(config: &Config, probe: F) -> Plan<F> {
    let at = (Instant::now(), clock::now());
    Plan::new(&config.checks, descriptors::inflight(config.daemon.max_inflight), at, probe)
}

/// What the HTTP server takes from a config.
pub fn http_settings(config: &Config) -> http::Settings {
    http::Settings {
        metrics: http::metrics::Settings { prime_failures: config.daemon.prime_failures },
        admin: config.daemon.admin,
        receivers: http::webhook::Receivers::new(&config.receivers),
    }
}

/// What the inbox takes from a config.
pub fn kept(config: &Config) -> inbox::Limits {
    let Events { retention: age, max_size_bytes: bytes, capacity, .. } = config.events;
    inbox::Limits { age, bytes, capacity }
}

/// What the store takes from a config.
pub fn limits(config: &Config) -> Limits {
    Limits { age: config.store.retention, bytes: config.store.max_size_bytes }
}

/// Settings that differ, and that a daemon takes up at its start alone.
fn needing_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    [
        ("daemon.listen", old.daemon.listen != new.daemon.listen),
        ("daemon.log-format", old.daemon.log_format != new.daemon.log_format),
        ("store.path", old.store.path != new.store.path),
        ("events.path", old.events.path != new.events.path),
        ("selfcheck.enabled", old.selfcheck.enabled != new.selfcheck.enabled),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
    .collect()
}

/// One line for each fault, and one for what that means.
fn log_faults(error: &ConfigError) {
    match error {
        ConfigError::Unreadable { .. } => error!("{error}"),
        ConfigError::Faults(faults) => {
            for fault in faults.iter() {
                let (line, key, fix) = (fault.line, &fault.key, &fault.fix);
                error!(line, %key, %fix, "config: {}", fault.problem);
            }
        }
    }
    error!("the config is not taken up; the one before goes on");
}

/// A file that is looked at from time to time.
struct Watched {
    /// The version that was read last, good or broken.
    read: Option<Stamp>,
    /// The version of the last look.
    seen: Option<Stamp>,
}

impl Watched {
    /// Whether there is another version to be read: one that two looks have seen alike, since one
    /// that still changes is being written.
    fn look(&mut self, now: Option<Stamp>) -> bool {
        let settled = std::mem::replace(&mut self.seen, now) == now;
        settled && now != self.read
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(text: &str) -> Config {
        let endpoint = "[[endpoints]]\nname = \"a\"\nurl = \"ws://127.0.0.1:9/\"\n";
        Config::parse(Path::new("/tmp/config.toml"), &format!("{text}{endpoint}")).unwrap()
    }

    #[test]
    fn what_cannot_change_while_running_is_named() {
        let old = config("");
        let new = config(
            "[daemon]\nlisten = \"127.0.0.1:1\"\nlog-format = \"json\"\nmax-inflight = 2\n\
             [store]\npath = \"other.db\"\nretention = \"1d\"\n\
             [events]\npath = \"other-events.db\"\n\
             [selfcheck]\nenabled = false\n",
        );
        assert_eq!(needing_restart(&old, &old), [""; 0]);
        let named = [
            "daemon.listen",
            "daemon.log-format",
            "store.path",
            "events.path",
            "selfcheck.enabled",
        ];
        assert_eq!(needing_restart(&old, &new), named);
    }

    #[test]
    fn a_file_is_read_once_it_rests() {
        let folder = tempfile::tempdir().unwrap();
        let mut versions = ["a", "bb", "ccc"].map(|text| {
            let path = folder.path().join(text);
            std::fs::write(&path, text).unwrap();
            Stamp::of(&path)
        });
        let [first, second, third] = &mut versions;
        let mut watched = Watched { read: *first, seen: *first };
        assert!(!watched.look(*first));
        assert!(!watched.look(*second), "it may be half written");
        assert!(!watched.look(*third), "it was");
        assert!(watched.look(*third));
        watched.read = *third;
        assert!(!watched.look(*third), "once is enough, also where it was broken");
        assert!(!watched.look(None));
        assert!(watched.look(None), "a file that is gone is a broken one");
    }
}

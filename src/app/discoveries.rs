//! Endpoints that were discovered: taken up with the config, as far as it has room for them.

use std::path::Path;
use std::sync::Arc;

use metrics::gauge;
use tokio::sync::watch;

use crate::config::discovered::Discovered;
use crate::config::{Config, ConfigError};
use crate::tenant::kept::{self, Kind};

/// What was discovered last, and what of it runs.
#[derive(Debug)]
pub struct Discoveries {
    offered: watch::Receiver<Arc<[Discovered]>>,
    taken: Arc<[Discovered]>,
}

impl Discoveries {
    /// Those that run are the ones that are offered now.
    pub fn new(
        offered: watch::Receiver<Arc<[Discovered]>>,
        config: &Config,
        refused: bool,
    ) -> Self {
        let taken = offered.borrow().clone();
        show(config, refused);
        Self { offered, taken }
    }

    /// Reads a config with them; where it is good without them and not with them, those that run
    /// stay.
    pub fn load(&mut self, path: &Path) -> Result<Config, ConfigError> {
        let offered = self.offered.borrow_and_update().clone();
        let error = match Config::load_with(path, &offered) {
            Ok(config) => {
                self.taken = offered;
                show(&config, false);
                return Ok(config);
            }
            Err(error) => error,
        };
        if Config::load(path).is_err() {
            // It is the file that is wrong.
            return Err(error);
        }
        tracing::warn!(
            discovered = offered.len(),
            "what was discovered is not taken up, and what runs goes on: {error}"
        );
        let config = Config::load_with(path, &self.taken)?;
        show(&config, true);
        Ok(config)
    }
}

/// What was discovered before the daemon ended last.
#[derive(Debug, Default)]
pub struct Restored {
    /// What runs.
    pub taken: Arc<[Discovered]>,
    /// Whether there is no room for it.
    pub refused: bool,
}

/// A config with what was discovered before; the one that there is, where that cannot be.
pub fn restored(config: Config) -> (Config, Restored) {
    if !config.genesys.as_ref().is_some_and(|genesys| genesys.discover) {
        return (config, Restored::default());
    }
    let rows = kept::read::<Vec<Discovered>>(&config.events.path, Kind::Discovered);
    let discovered: Arc<[Discovered]> =
        rows.into_iter().next().map(|(_, list)| list).unwrap_or_default().into();
    if discovered.is_empty() {
        return (config, Restored::default());
    }
    match Config::load_with(&config.path, &discovered) {
        Ok(with) => (with, Restored { taken: discovered, refused: false }),
        Err(error) => {
            tracing::warn!("what was discovered is not taken up: {error}");
            (config, Restored { refused: true, ..Restored::default() })
        }
    }
}

fn show(config: &Config, refused: bool) {
    if config.genesys.as_ref().is_some_and(|genesys| genesys.discover) {
        gauge!("watchpost_genesys_discovery_refused").set(f64::from(u8::from(refused)));
    }
}

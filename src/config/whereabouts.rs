//! What a config is read for, and where things are that it does not hold itself: beside it, or
//! where systemd keeps them.

use std::path::{Path, PathBuf};

/// Where the unit's `StateDirectory=` is.
const STATE: &str = "/var/lib/watchpost";

/// Where systemd keeps the credentials of the unit while it runs, for root to read.
const CREDENTIALS: &str = "/run/credentials/watchpost.service";

/// What a config is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To run the daemon: its environment says where things are.
    Run,
    /// To ask now what the daemon asks, perhaps beside an installed one.
    Ask,
    /// To be judged: what only systemd can give is taken on trust.
    Lint,
    /// To look at what the daemon keeps: no secret is needed.
    Look,
}

/// Where things are.
#[derive(Debug)]
pub struct Whereabouts<'a> {
    folder: &'a Path,
    state: Option<PathBuf>,
    credentials: Option<PathBuf>,
    is_beside: bool,
}

impl<'a> Whereabouts<'a> {
    /// Those of a config in this folder, as the environment has them.
    pub fn new(folder: &'a Path, purpose: Purpose) -> Self {
        let named = |name| std::env::var_os(name).map(PathBuf::from);
        let is_beside = purpose != Purpose::Run;
        let kept = Path::new(CREDENTIALS);
        Self {
            folder,
            state: named("STATE_DIRECTORY"),
            credentials: named("CREDENTIALS_DIRECTORY")
                .or_else(|| (is_beside && kept.is_dir()).then(|| kept.to_owned())),
            is_beside,
        }
    }

    /// Where a file is that the config names.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.join(path)
    }

    /// Where the database is that the config names. A command finds that of the installed daemon,
    /// where there is none beside the config.
    pub fn database(&self, path: &Path) -> PathBuf {
        if let Some(state) = &self.state {
            return state.join(path);
        }
        let (here, there) = (self.join(path), Path::new(STATE).join(path));
        match self.is_beside && !here.exists() && there.exists() {
            true => there,
            false => here,
        }
    }

    /// Where a credential is; none where there are none.
    pub fn credential(&self, name: &str) -> Option<PathBuf> {
        self.credentials.as_ref().map(|root| root.join(name))
    }
}

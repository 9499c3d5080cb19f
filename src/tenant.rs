//! The organisation at Genesys Cloud, while the daemon runs: what it has, what changes there.
//!
//! On a thread of its own, so that no probe waits for it. Its tasks ask and listen; what they find
//! goes into a read model, to the casebook as changes, to the inbox as events, and to the reloader
//! as endpoints. Its trouble is the monitor's own: the daemon goes on without it, and says so.

mod audits;
pub mod binding;
mod changes;
mod channel;
pub mod discovery;
pub mod kept;
pub mod known;
pub mod refresh;
pub mod report;
mod statuspage;
pub mod view;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use metrics::{counter, gauge};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::casebook;
use crate::check::Check;
use crate::check::endpoint::EndpointName;
use crate::config::discovered::Discovered;
use crate::config::genesys::Genesys;
use crate::event::key::Key;
use crate::genesys::DeploymentId;
use crate::inbox::Inbox;
use crate::platform::{Gates, Platform};
use kept::Kept;
use view::View;

/// How long a task that broke is left alone before it begins anew.
const BEGIN_ANEW: Duration = Duration::from_secs(30);

/// What the tenant works by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// The organisation; none where nobody wants to know of one.
    pub genesys: Option<Arc<Genesys>>,
    /// The deployments that endpoints are doors of.
    pub doors: Arc<BTreeSet<(DeploymentId, EndpointName)>>,
    /// The queues that endpoints name.
    pub queues: Arc<BTreeSet<Key>>,
}

impl Settings {
    /// Those of a config.
    pub fn new(genesys: Option<&Genesys>, checks: &[Arc<Check>]) -> Self {
        let compat = genesys.map(|genesys| genesys.account.compat).unwrap_or_default();
        let endpoints = checks.iter().map(|check| &check.endpoint);
        let doors = endpoints.filter_map(|endpoint| {
            Some((binding::deployment(endpoint, compat)?, endpoint.name.clone()))
        });
        let users = checks.iter().filter_map(|check| check.endpoint.users.as_ref());
        let queues = users.flat_map(|users| users.queues.iter().cloned());
        Self {
            genesys: genesys.cloned().map(Arc::new),
            doors: Arc::new(doors.collect()),
            queues: Arc::new(queues.collect()),
        }
    }

    /// The deployments alone.
    pub fn deployments(&self) -> BTreeSet<DeploymentId> {
        self.doors.iter().map(|(id, _)| id.clone()).collect()
    }

    /// The endpoints that are doors of a deployment.
    pub fn endpoints(&self, deployment: &DeploymentId) -> Vec<EndpointName> {
        let mine = self.doors.iter().filter(|(id, _)| id == deployment);
        mine.map(|(_, endpoint)| endpoint.clone()).collect()
    }
}

/// Where what was discovered goes.
#[derive(Clone)]
pub struct Discoveries {
    /// The endpoints, as a whole each time.
    pub list: watch::Sender<Arc<[Discovered]>>,
    /// Has them taken up.
    pub ask: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Discoveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Discoveries({})", self.list.borrow().len())
    }
}

/// What a task has to work with. It is ended, and begun anew, where the settings of the
/// organisation change.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Asks the platform API and what is public.
    pub platform: Platform,
    /// What `[genesys]` says; its account has the bases.
    pub genesys: Arc<Genesys>,
    /// The whole of the settings: the doors may change while a task runs.
    pub settings: watch::Receiver<Settings>,
    /// Where changes are told; it ends before this does.
    pub casebook: mpsc::WeakSender<casebook::Message>,
    /// Where events go.
    pub inbox: Inbox,
    /// What outlives the process.
    pub kept: Kept,
    /// The read model.
    pub view: Arc<watch::Sender<Arc<View>>>,
    /// Where what was discovered goes.
    pub discoveries: Discoveries,
    /// The daemon ends.
    pub stop: CancellationToken,
}

impl Desk {
    /// Changes the read model.
    pub fn show(&self, change: impl FnOnce(&mut View)) {
        self.view.send_modify(|view| change(Arc::make_mut(view)));
    }
}

/// Every task. Each goes on until it is ended; one that returns has nothing to do.
fn begin(desk: &Desk, tasks: &mut JoinSet<()>) {
    tasks.spawn(keep_up("deployments", desk.clone(), refresh::run));
    tasks.spawn(keep_up("audits", desk.clone(), audits::run));
    tasks.spawn(keep_up("status page", desk.clone(), statuspage::run));
    tasks.spawn(keep_up("channel", desk.clone(), channel::run));
}

/// The thread, before it begins.
#[derive(Debug)]
pub struct Tenant {
    /// The file of events, in which there is a table for what is kept.
    pub path: PathBuf,
    /// Who writes it.
    pub inbox: Inbox,
    /// Where changes are told.
    pub casebook: mpsc::WeakSender<casebook::Message>,
    /// What it works by.
    pub settings: watch::Receiver<Settings>,
    /// Where what was discovered goes.
    pub discoveries: Discoveries,
}

impl Tenant {
    /// Starts the thread; it ends with `stop`, whatever is under way.
    pub fn spawn(
        self,
        stop: CancellationToken,
    ) -> io::Result<(JoinHandle<()>, watch::Receiver<Arc<View>>)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(4)
            .build()?;
        let (view, seen) = watch::channel(Arc::new(View::default()));
        let mark = Mark { view: Arc::new(view), stop: stop.clone() };
        let thread = thread::Builder::new().name("tenant".to_owned()).spawn(move || {
            runtime.block_on(self.serve(&mark.view, stop));
            // A resolver may hang on a name.
            runtime.shutdown_background();
        })?;
        Ok((thread, seen))
    }

    async fn serve(mut self, view: &Arc<watch::Sender<Arc<View>>>, stop: CancellationToken) {
        // Other settings are no reason to ask a server that wants to be left alone.
        let gates = Gates::default();
        loop {
            let genesys = self.settings.borrow_and_update().genesys.clone();
            let mut tasks = JoinSet::new();
            view.send_replace(Arc::new(View::of(genesys.as_deref())));
            let tells = genesys
                .as_ref()
                .map(|genesys| (genesys, Platform::behind(gates.clone(), genesys.account.clone())));
            match tells {
                Some((genesys, Ok(platform))) => {
                    describe();
                    let desk = Desk {
                        platform,
                        genesys: genesys.clone(),
                        settings: self.settings.clone(),
                        casebook: self.casebook.clone(),
                        inbox: self.inbox.clone(),
                        kept: Kept::new(self.path.clone(), self.inbox.clone()),
                        view: view.clone(),
                        discoveries: self.discoveries.clone(),
                        stop: stop.clone(),
                    };
                    begin(&desk, &mut tasks);
                }
                Some((_, Err(error))) => {
                    tracing::error!(%error, "Genesys Cloud cannot be asked");
                    let broken = Some(error.to_string());
                    view.send_modify(|view| Arc::make_mut(view).broken = broken);
                }
                None => {}
            }
            let changed = self.other_settings(genesys, &stop).await;
            tasks.shutdown().await;
            if !changed {
                return;
            }
            // What the status page told holds for nobody who does not ask it any more.
            tokio::select! {
                () = stop.cancelled() => return,
                () = statuspage::hint(&self.casebook, None) => {}
            }
        }
    }

    /// Waits until the organisation is another; the doors are the tasks' own matter.
    async fn other_settings(
        &mut self,
        before: Option<Arc<Genesys>>,
        stop: &CancellationToken,
    ) -> bool {
        loop {
            tokio::select! {
                () = stop.cancelled() => return false,
                changed = self.settings.changed() => if changed.is_err() {
                    // Nobody reads configs any more: these stay.
                    stop.cancelled().await;
                    return false;
                }
            }
            if self.settings.borrow_and_update().genesys != before {
                return true;
            }
        }
    }
}

/// Has a task run, and begun anew where it breaks: that is a bug, and the others go on.
async fn keep_up<F, Fut>(name: &'static str, desk: Desk, task: F)
where
    F: Fn(Desk) -> Fut + Send,
    Fut: Future<Output = ()> + Send + 'static,
{
    loop {
        // Ends with this one, unlike a task that was merely spawned.
        let mut inner = JoinSet::new();
        inner.spawn(task(desk.clone()));
        match inner.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                tracing::error!(task = name, "a task of Genesys Cloud broke: it begins anew");
                counter!("watchpost_genesys_task_panics_total").increment(1);
                sleep(BEGIN_ANEW).await;
            }
            _ => return,
        }
    }
}

fn describe() {
    counter!("watchpost_genesys_task_panics_total").absolute(0);
    gauge!("watchpost_genesys_running").set(1.0);
}

/// Says so where the thread ends before the daemon does.
struct Mark {
    view: Arc<watch::Sender<Arc<View>>>,
    stop: CancellationToken,
}

impl Drop for Mark {
    fn drop(&mut self) {
        if !self.stop.is_cancelled() {
            tracing::error!(
                "the thread for Genesys Cloud has ended: what is known of it stays as it is"
            );
            gauge!("watchpost_genesys_running").set(0.0);
            let broken = Some("its thread has ended; see the log".to_owned());
            self.view.send_modify(|view| Arc::make_mut(view).broken = broken);
        }
    }
}

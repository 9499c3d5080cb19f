//! The audit log, asked again and again: its entries become changes.
//!
//! Each service has a log of its own, and is read as far as it can be: one that is slow, or refuses,
//! keeps no other from being read.

mod reach;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::Desk;
use super::kept::Kind;
use crate::casebook;
use crate::check::endpoint::EndpointName;
use crate::clock;
use crate::event::key::Key;
use crate::genesys::audit::{Entry, Query};
use crate::genesys::trouble::Trouble;
use crate::genesys::{Compat, DeploymentId};
use crate::incident::{ChangeEvent, ChangeSource};
use crate::platform::audits::Audits;
use reach::Reach;

/// Shortest time between two questions.
const SHORTEST: Duration = Duration::from_secs(60);

/// Logs that are read at a time.
const AT_A_TIME: usize = 4;

/// Up to when a log was read.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Through {
    at: Timestamp,
}

/// Which log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Log {
    service: Key,
    entity: Option<Key>,
}

impl Log {
    /// What tells it from the others.
    fn id(&self) -> &Key {
        self.entity.as_ref().unwrap_or(&self.service)
    }
}

/// A log that is being followed.
#[derive(Debug, Clone, Copy)]
struct Followed {
    reach: Reach,
    /// What the log of this program says of it.
    told: Option<&'static str>,
}

/// Why a log was not read up to now.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Api(#[from] Trouble),
    #[error("there are more entries in a minute than are read")]
    Cut,
}

impl Failed {
    fn code(&self) -> &'static str {
        match self {
            Self::Api(trouble) => trouble.kind.code(),
            Self::Cut => "too_many_entries",
        }
    }
}

/// What came of one log.
type Asked = (Log, Followed, Result<usize, Failed>);

/// Asks for as long as it is let.
pub async fn run(desk: Desk) {
    if !desk.genesys.news.audits || desk.genesys.account.credentials.is_none() {
        return;
    }
    let kept: BTreeMap<_, _> = desk.kept.read::<Through>(Kind::Audits).into_iter().collect();
    let mut all: BTreeMap<Key, Followed> = BTreeMap::new();
    loop {
        let now = clock::now();
        let asks = logs(&desk).into_iter().map(|log| {
            let followed = all.get(log.id()).copied().unwrap_or_else(|| {
                let through = kept.get(log.id().as_str()).map(|through| through.at);
                Followed { reach: Reach::new(through), told: None }
            });
            follow(&desk, log, followed, now)
        });
        let asked: Vec<Asked> = stream::iter(asks).buffer_unordered(AT_A_TIME).collect().await;
        take(&desk, &mut all, asked, now);
        sleep(desk.genesys.refresh.max(SHORTEST)).await;
    }
}

/// The logs that are read.
fn logs(desk: &Desk) -> Vec<Log> {
    let genesys = &desk.genesys;
    let services = &genesys.news.audit_services;
    match genesys.account.compat {
        Compat::Genesys => {
            services.iter().map(|service| Log { service: service.clone(), entity: None }).collect()
        }
        // The seeds ask of one entity at a time.
        Compat::Seed => {
            let Some(service) = services.first() else { return Vec::new() };
            let deployments = desk.settings.borrow().deployments();
            let log = |id: &DeploymentId| Log {
                service: service.clone(),
                entity: Some(id.key().clone()),
            };
            deployments.iter().map(log).collect()
        }
    }
}

/// By a type of its own: see [`crate::platform::Platform::ask`].
fn follow(desk: &Desk, log: Log, followed: Followed, now: Timestamp) -> BoxFuture<'_, Asked> {
    Box::pin(async move {
        let Followed { mut reach, told } = followed;
        let result = read(desk, &log, &mut reach, now).await;
        (log, Followed { reach, told }, result)
    })
}

/// Reads a log up to now; gives how many entries there were.
async fn read(desk: &Desk, log: &Log, reach: &mut Reach, now: Timestamp) -> Result<usize, Failed> {
    let mut from = reach.begin(now);
    let mut count = 0;
    loop {
        let to = reach.end(from, now);
        let Log { service, entity } = log.clone();
        let (told, is_cut) = ask(desk, Query { from, to, service, entity }, now).await?;
        if is_cut {
            if !reach.halve(from, to) {
                return Err(Failed::Cut);
            }
            continue;
        }
        count += told;
        reach.read(to, now);
        // Should that fail, the same entries are asked for again, and known again.
        let row = (log.id().to_string(), Through { at: to });
        desk.kept.write(Kind::Audits, &[row]).await.ok();
        if to >= now {
            return Ok(count);
        }
        from = to;
    }
}

/// Tells of every entry of this time, as far as they are listed; gives how many there were, and
/// whether there are more.
async fn ask(desk: &Desk, query: Query, now: Timestamp) -> Result<(usize, bool), Trouble> {
    let genesys = &desk.genesys;
    let (compat, path) = (genesys.account.compat, genesys.news.audit_path.as_str());
    let mut listing = Audits::open(&desk.platform, query, compat, path, now).await?;
    let mut count = 0;
    while let Some(page) = listing.next().await? {
        for entry in &page.entries {
            tell(desk, entry).await;
            count += 1;
        }
    }
    Ok((count, listing.is_cut()))
}

/// Shows what came of all of them.
fn take(desk: &Desk, all: &mut BTreeMap<Key, Followed>, asked: Vec<Asked>, now: Timestamp) {
    let mut count = 0;
    let mut trouble: Option<(Key, &'static str, String)> = None;
    for (log, mut followed, result) in asked {
        let id = log.id();
        followed.told = match result {
            Ok(more) => {
                count += more;
                None
            }
            Err(failed) => {
                let (code, why) = (failed.code(), format!("{id}: {failed}"));
                if followed.told != Some(code) {
                    tracing::warn!(trouble = code, why, "the audit log cannot be read");
                }
                // Of several, always the same one.
                let first = trouble.take().filter(|(known, ..)| known < id);
                trouble = first.or(Some((id.clone(), code, why)));
                Some(code)
            }
        };
        all.insert(id.clone(), followed);
    }
    desk.show(|view| match trouble {
        None => view.audits.succeeded(now, count),
        Some((_, code, why)) => view.audits.failed(code, why),
    });
}

pub(super) async fn tell(desk: &Desk, entry: &Entry) {
    let change = ChangeEvent {
        at: entry.at,
        source: ChangeSource::Audit,
        endpoint: endpoint(desk, entry),
        what: entry.words(),
        who: entry.by.as_ref().map(Key::to_string),
    };
    if let Some(casebook) = desk.casebook.upgrade() {
        // Without a receiver the daemon ends.
        casebook.send(casebook::Message::Changed(change)).await.ok();
    }
}

/// The only endpoint that an entry is about; none where it is about several, or none of them.
fn endpoint(desk: &Desk, entry: &Entry) -> Option<EndpointName> {
    let entity = entry.entity.as_ref()?;
    let settings = desk.settings.borrow();
    let own = DeploymentId::new(entity.as_str(), desk.genesys.account.compat).ok();
    let mut endpoints = own.map(|id| settings.endpoints(&id)).unwrap_or_default();
    if endpoints.is_empty() {
        let view = desk.view.borrow();
        let has = |id: &&DeploymentId| {
            let known = view.deployments.get(*id);
            let configuration = known.and_then(|known| known.configuration()?.id.as_ref());
            configuration.is_some_and(|id| id.as_str() == entity.as_str())
        };
        let deployments = view.deployments.keys().filter(has);
        endpoints = deployments.flat_map(|id| settings.endpoints(id)).collect();
    }
    match endpoints.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

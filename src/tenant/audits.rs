//! The audit log, asked again and again: its entries become changes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::Desk;
use super::kept::Kind;
use super::view::news::is_news;
use crate::casebook;
use crate::check::endpoint::EndpointName;
use crate::clock;
use crate::event::key::Key;
use crate::genesys::audit::{Entry, Query};
use crate::genesys::trouble::Trouble;
use crate::genesys::{Compat, DeploymentId};
use crate::incident::{ChangeEvent, ChangeSource};
use crate::platform::audits::Audits;

/// So much of what was asked for already is asked for again: entries come late. Those that are
/// known already are known again.
const OVERLAP: SignedDuration = SignedDuration::from_mins(30);

/// How far back the first question goes.
const FIRST: SignedDuration = SignedDuration::from_hours(24);

/// How far back one goes after a long time without an answer: what is given at once.
const LONGEST: SignedDuration = SignedDuration::from_hours(13 * 24);

/// Shortest time between two questions.
const SHORTEST: Duration = Duration::from_secs(60);

/// The only row of its kind.
const ROW: &str = "through";

/// Up to when entries were asked for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Through {
    at: Timestamp,
}

/// Asks for as long as it is let.
pub async fn run(desk: Desk) {
    if !desk.genesys.news.audits || desk.genesys.account.credentials.is_none() {
        return;
    }
    let kept = desk.kept.read::<Through>(Kind::Audits);
    let mut through = kept.into_iter().find(|(id, _)| id == ROW).map(|(_, through)| through.at);
    loop {
        let now = clock::now();
        let from = begin(through, now);
        match ask(&desk, from, now).await {
            Ok(count) => {
                through = Some(now);
                desk.show(|view| view.audits.succeeded(now, count));
                // Should that fail, the same entries are asked for again, and known again.
                desk.kept.write(Kind::Audits, &[(ROW.to_owned(), Through { at: now })]).await.ok();
            }
            Err(trouble) => {
                let code = trouble.kind.code();
                if is_news(&desk.view.borrow().audits.trouble, code) {
                    let why = trouble.to_string();
                    tracing::warn!(trouble = code, why, "the audit log cannot be read");
                }
                desk.show(|view| view.audits.failed(code, trouble.to_string()));
            }
        }
        sleep(desk.genesys.refresh.max(SHORTEST)).await;
    }
}

/// From when on to ask, after what was asked already.
fn begin(through: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let before = |span| now.saturating_sub(span).unwrap_or(now);
    match through.and_then(|at| at.saturating_sub(OVERLAP).ok()) {
        // A clock that went back must not skip anything.
        Some(from) => from.clamp(before(LONGEST), before(OVERLAP)),
        None => before(FIRST),
    }
}

/// Tells of every entry of this time; gives how many there were.
async fn ask(desk: &Desk, from: Timestamp, to: Timestamp) -> Result<usize, Trouble> {
    let genesys = &desk.genesys;
    let query = |service: &Key, entity| Query { from, to, service: service.clone(), entity };
    let queries: Vec<_> = match genesys.account.compat {
        Compat::Genesys => {
            genesys.news.audit_services.iter().map(|name| query(name, None)).collect()
        }
        // The seeds ask of one entity at a time.
        Compat::Seed => {
            let Some(service) = genesys.news.audit_services.first() else { return Ok(0) };
            let deployments = desk.settings.borrow().deployments();
            deployments.iter().map(|id| query(service, Some(id.key().clone()))).collect()
        }
    };
    let mut count = 0;
    for query in queries {
        let (compat, path) = (genesys.account.compat, genesys.news.audit_path.as_str());
        let mut listing = Audits::open(&desk.platform, query, compat, path, to).await?;
        while let Some(page) = listing.next().await? {
            for entry in &page.entries {
                tell(desk, entry).await;
                count += 1;
            }
        }
    }
    Ok(count)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_overlap_and_skip_nothing() {
        let at = |hours: i64| Timestamp::from_second(1_795_000_000 + 3600 * hours).unwrap();
        let minutes = |at: Timestamp, minutes| at + SignedDuration::from_mins(minutes);
        assert_eq!(begin(None, at(0)), at(-24), "the first");
        assert_eq!(begin(Some(at(-1)), at(0)), minutes(at(-1), -30));
        assert_eq!(begin(Some(at(-1000)), at(0)), at(-13 * 24), "after a long time");
        assert_eq!(begin(Some(at(5)), at(0)), minutes(at(0), -30), "the clock went back");
    }
}

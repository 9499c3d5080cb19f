//! The deployments, looked at from time to time: the platform API where there are credentials, and
//! the public files of each.

mod listing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::HeaderValue;
use http::header::IF_NONE_MATCH;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::discovery;
use super::kept::Kind;
use super::known::{Heard, Known, Source};
use super::view::Round;
use super::{Desk, changes};
use crate::clock;
use crate::config::discovered::Discovered;
use crate::genesys::deployment::{Deployment, Published, published_domains};
use crate::genesys::paths::Paths;
use crate::genesys::reading::{Misfit, Read, Unreadable};
use crate::genesys::{Compat, DeploymentId};
use crate::outcome::quoted::Quoted;
use crate::platform::{Api, Call, Platform, Reply, Trouble};
pub use listing::Cut;
use listing::List;

/// Most deployments of an organisation that are looked at.
pub const MAX_DEPLOYMENTS: usize = 500;

/// Deployments whose files are read at a time.
const AT_A_TIME: usize = 4;

/// Most of a file that is read.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// Longest that an `ETag` is.
const MAX_ETAG: usize = 256;

/// Looks, and looks again, for as long as it is polled.
pub async fn run(desk: Desk) {
    let mut known = restore(&desk).await;
    let mut settings = desk.settings.clone();
    let mut round = Round::default();
    let mut turn = 0_u64;
    loop {
        let wanted = settings.borrow_and_update().deployments();
        let began = Instant::now();
        let found = look(&desk.platform, &desk.genesys.paths, &known, wanted).await;
        round = take(&desk, &mut known, found, &round).await;
        turn += 1;
        let next = began + jittered(desk.genesys.refresh, desk.genesys.account.region.aws, turn);
        loop {
            tokio::select! {
                () = sleep_until(next) => break,
                changed = settings.changed() => {
                    if changed.is_err() {
                        sleep_until(next).await;
                        break;
                    }
                    let wanted = settings.borrow_and_update().deployments();
                    if wanted.iter().any(|id| !known.contains_key(id)) {
                        break;
                    }
                }
            }
        }
    }
}

/// Up to a tenth sooner or later, so that many monitors do not ask at a time.
fn jittered(refresh: Duration, seed: &str, turn: u64) -> Duration {
    let mixed = seed.bytes().fold(turn ^ u64::from(std::process::id()), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let share = (mixed >> 20) % 1000;
    refresh.mul_f64(0.9 + 0.2 * share as f64 / 1000.0)
}

/// What was known when the daemon ended.
async fn restore(desk: &Desk) -> BTreeMap<DeploymentId, Known> {
    let kept = desk.kept.clone();
    let rows = tokio::task::spawn_blocking(move || kept.read::<Known>(Kind::Deployment)).await;
    let known: BTreeMap<_, _> =
        rows.unwrap_or_default().into_iter().map(|(_, known)| (known.id.clone(), known)).collect();
    let shown = known.iter().map(|(id, known)| (id.clone(), Arc::new(known.clone()))).collect();
    desk.show(|view| view.deployments = shown);
    known
}

/// What a round found.
#[derive(Debug)]
pub struct Found {
    /// Of each deployment, what it is now.
    pub known: BTreeMap<DeploymentId, Known>,
    /// Whether the platform API told of every deployment of the organisation.
    pub complete: bool,
    /// Why it told of some alone.
    pub cut: Option<Cut>,
    /// The first question without an answer: a word, and a sentence.
    pub trouble: Option<(&'static str, String)>,
}

/// Asks everybody once: of these deployments, and of all that the organisation has. Seeds have no
/// list of their channels: these are asked for one by one.
pub async fn look(
    platform: &Platform,
    paths: &Paths,
    before: &BTreeMap<DeploymentId, Known>,
    mut wanted: BTreeSet<DeploymentId>,
) -> Found {
    let account = platform.settings();
    let mut found = Found { known: BTreeMap::new(), complete: false, cut: None, trouble: None };
    let asks = |compat| account.credentials.is_some() && account.compat == compat;
    let seeds = asks(Compat::Seed);
    let mut listed = None;
    if asks(Compat::Genesys) {
        match listing::list(platform, &paths.deployments).await {
            Ok(List { deployments, complete, cut, unreadable }) => {
                wanted.extend(deployments.keys().cloned());
                (found.complete, found.cut) = (complete, cut);
                if unreadable > 0 {
                    let sentence = format!("{unreadable} deployments of the list cannot be read");
                    found.trouble.get_or_insert(("malformed", sentence));
                }
                listed = Some(Ok(deployments));
            }
            Err(trouble) => {
                found.trouble.get_or_insert_with(|| word(&trouble));
                // Those of the organisation that are known stay in sight.
                let of_org = before.values().filter(|known| known.api.said.is_some());
                wanted.extend(of_org.map(|known| known.id.clone()));
                listed = Some(Err(trouble));
            }
        }
    }
    let looks = wanted.into_iter().map(|id| {
        let known = before.get(&id).cloned().unwrap_or_else(|| Known::new(id.clone()));
        let listed = listed.as_ref().map(|listed| match listed {
            Ok(deployments) => Ok(deployments.get(&id).cloned()),
            Err(trouble) => Err(trouble.kind.code()),
        });
        async move {
            if seeds {
                return look_at_channel(platform, paths, known).await;
            }
            let heard = match listed {
                None => None,
                Some(Ok(Some(read))) => Some(Ok(said(read, None))),
                // The list may have been cut, or changed from one page to the next: it is asked.
                Some(Ok(None)) => Some(by_api(platform, paths, &id).await),
                Some(Err(code)) => Some(Ok(Heard::Trouble(code.to_owned()))),
            };
            look_at(platform, known, heard).await
        }
    });
    let mut looks = stream::iter(looks).buffer_unordered(AT_A_TIME);
    while let Some((known, trouble)) = looks.next().await {
        if let Some(trouble) = trouble {
            found.trouble.get_or_insert(trouble);
        }
        found.known.insert(known.id.clone(), known);
    }
    found
}

/// What is known by now of one deployment, and the first question without an answer.
type Looked = (Known, Option<(&'static str, String)>);

/// What the public files say of one deployment, and the API where it was asked.
async fn look_at(
    platform: &Platform,
    mut known: Known,
    api: Option<Result<Heard<Deployment>, Trouble>>,
) -> Looked {
    let before = known.clone();
    let (domains, config) = tokio::join!(
        file(platform, Api::CdnDomains, &known.id, "domains.json", known.domains.etag.as_deref()),
        file(platform, Api::CdnConfig, &known.id, "config.json", known.config.etag.as_deref()),
    );
    let now = clock::now();
    let troubles = [
        api.and_then(|told| hear(&mut known.api, told, now)),
        hear(&mut known.domains, domains.map(|file| of_file(file, published_domains)), now),
        hear(&mut known.config, config.map(|file| of_file(file, Published::read)), now),
    ];
    let seen_before = before.api.said.is_some() || before.domains.said.is_some();
    known.follow(seen_before.then_some(&before), now);
    (known, troubles.into_iter().flatten().next())
}

/// Of a file of the CDN, what it says.
enum FileReply {
    Said(Reply),
    Unchanged,
    Absent,
}

async fn file(
    platform: &Platform,
    api: Api,
    id: &DeploymentId,
    name: &str,
    etag: Option<&str>,
) -> Result<FileReply, Trouble> {
    let path = format!("/webdeployments/v1/deployments/{id}/{name}");
    let mut call = Call { max_bytes: MAX_FILE_BYTES, ..Call::get(api, path) };
    if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
        call = call.header(IF_NONE_MATCH, etag);
    }
    match platform.call(call).await {
        Ok(reply) if reply.status == 304 => Ok(FileReply::Unchanged),
        Ok(reply) => Ok(FileReply::Said(reply)),
        // The CDN has no list of what it has not: it answers 403.
        Err(trouble) if matches!(trouble.status, Some(403 | 404 | 410)) => Ok(FileReply::Absent),
        Err(trouble) => Err(trouble),
    }
}

fn of_file<T>(reply: FileReply, read: impl Fn(&Value) -> Result<Read<T>, Unreadable>) -> Heard<T> {
    match reply {
        FileReply::Unchanged => Heard::Unchanged,
        FileReply::Absent => Heard::Absent,
        FileReply::Said(reply) => {
            let etag = reply.etag.as_ref().and_then(|etag| etag.to_str().ok());
            let etag = etag.filter(|etag| etag.len() <= MAX_ETAG).map(str::to_owned);
            match read(&reply.json) {
                Ok(read) => said(read, etag),
                Err(_) => Heard::Trouble("malformed".to_owned()),
            }
        }
    }
}

fn said<T>(read: Read<T>, etag: Option<String>) -> Heard<T> {
    let Read { value, misfits } = read;
    let misfits: Vec<Misfit> = misfits;
    Heard::Said { value, misfits, etag }
}

/// What the platform API says of one deployment, or, of a server of the seeds, of one channel.
async fn by_api(
    platform: &Platform,
    paths: &Paths,
    id: &DeploymentId,
) -> Result<Heard<Deployment>, Trouble> {
    let compat = platform.settings().compat;
    let (api, path) = match compat {
        Compat::Genesys => (Api::Deployments, &paths.deployments),
        Compat::Seed => (Api::SeedChannel, &paths.channels),
    };
    match platform.call(Call::get(api, format!("{path}/{id}"))).await {
        Ok(reply) => {
            let read = match compat {
                Compat::Genesys => Deployment::read(&reply.json, compat),
                Compat::Seed => Deployment::of_channel(&reply.json),
            };
            Ok(match read {
                Ok(read) if read.value.id == *id => said(read, None),
                Ok(_) | Err(_) => Heard::Trouble("malformed".to_owned()),
            })
        }
        Err(trouble) if matches!(trouble.status, Some(404 | 410)) => Ok(Heard::Absent),
        Err(trouble) => Err(trouble),
    }
}

/// What a channel of the seeds says; it has no public files.
async fn look_at_channel(platform: &Platform, paths: &Paths, mut known: Known) -> Looked {
    let before = known.clone();
    let told = by_api(platform, paths, &known.id).await;
    let now = clock::now();
    let trouble = hear(&mut known.api, told, now);
    known.follow(before.api.said.is_some().then_some(&before), now);
    (known, trouble)
}

/// Takes in what one source told; gives the trouble that it had.
fn hear<T>(
    source: &mut Source<T>,
    told: Result<Heard<T>, Trouble>,
    now: Timestamp,
) -> Option<(&'static str, String)> {
    match told {
        Ok(heard) => {
            source.hear(heard, now);
            None
        }
        Err(trouble) => {
            source.hear(Heard::Trouble(trouble.kind.code().to_owned()), now);
            Some(word(&trouble))
        }
    }
}

/// Takes up what a round found: told, shown, kept and discovered.
async fn take(
    desk: &Desk,
    known: &mut BTreeMap<DeploymentId, Known>,
    found: Found,
    before: &Round,
) -> Round {
    let now = clock::now();
    let settings = desk.settings.borrow().clone();
    for (id, after) in &found.known {
        let Some(before) = known.get(id) else { continue };
        for change in changes::between(before, after, &settings.endpoints(id), now) {
            let Some(casebook) = desk.casebook.upgrade() else { break };
            casebook.send(crate::casebook::Message::Changed(change)).await.ok();
        }
    }
    let gone: Vec<String> = known
        .keys()
        .filter(|id| !found.known.contains_key(*id))
        .map(|id| id.as_str().to_owned())
        .collect();
    let Found { known: after, complete, cut, trouble } = found;
    *known = after;
    let round = Round {
        ended_at: Some(now),
        succeeded_at: if trouble.is_none() { Some(now) } else { before.succeeded_at },
        trouble: trouble.clone(),
        cut,
    };
    if let Some(cut) = cut.filter(|cut| before.cut != Some(*cut)) {
        tracing::warn!(problem = cut.code(), why = cut.sentence(), "not every deployment is read");
    }
    let told = before.trouble.as_ref().map(|(word, _)| *word);
    match (&trouble, told) {
        (Some((word, sentence)), told) if told != Some(word) => {
            tracing::warn!(
                trouble = word,
                why = sentence,
                "Genesys Cloud: what was known last stays"
            );
        }
        (None, Some(_)) => tracing::info!("Genesys Cloud: every question is answered again"),
        _ => {}
    }
    discover(desk, known, complete).await;
    let shown = known.iter().map(|(id, known)| (id.clone(), Arc::new(known.clone()))).collect();
    desk.show(|view| {
        view.deployments = shown;
        view.round = round.clone();
    });
    let rows: Vec<_> =
        known.iter().map(|(id, known)| (id.as_str().to_owned(), known.clone())).collect();
    let written = match desk.kept.write(Kind::Deployment, &rows).await {
        Ok(()) => desk.kept.forget(Kind::Deployment, gone).await,
        refused => refused,
    };
    if let Err(error) = written {
        tracing::warn!(%error, "what is known of Genesys Cloud is not kept over a restart");
    }
    round
}

/// Offers the endpoints that follow, where they are others than before.
async fn discover(desk: &Desk, known: &BTreeMap<DeploymentId, Known>, complete: bool) {
    if !desk.genesys.discover {
        return;
    }
    let before = desk.discoveries.list.borrow().clone();
    let bases = desk.platform.bases();
    let rule = desk.genesys.origin_match;
    let found = discovery::discover(&before, known, complete, bases, rule);
    desk.show(|view| view.skipped = found.skipped);
    if found.endpoints == *before {
        return;
    }
    let endpoints: Arc<[Discovered]> = found.endpoints.into();
    tracing::info!(endpoints = endpoints.len(), "Genesys Cloud: other endpoints are discovered");
    desk.discoveries.list.send_replace(endpoints.clone());
    (desk.discoveries.ask)();
    let rows = [(String::new(), endpoints.to_vec())];
    if let Err(error) = desk.kept.write(Kind::Discovered, &rows).await {
        tracing::warn!(%error, "what was discovered is not kept over a restart");
    }
}

fn word(trouble: &Trouble) -> (&'static str, String) {
    (trouble.kind.code(), Quoted::text(&trouble.to_string()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_not_all_at_the_same_distance() {
        let refresh = Duration::from_secs(300);
        let waits: BTreeSet<_> = (0..50).map(|turn| jittered(refresh, "eu-west-1", turn)).collect();
        assert!(waits.len() > 25, "{waits:?}");
        assert!(waits.iter().all(|wait| (270..=330).contains(&wait.as_secs())), "{waits:?}");
    }
}

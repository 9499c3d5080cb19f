//! Endpoints out of deployments. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::known::{Answer, Known};
use crate::check::endpoint::EndpointName;
use crate::check::origin::{Expect, Origin};
use crate::check::target::{Scheme, Target};
use crate::config::discovered::{Discovered, MAX_ENDPOINTS, MAX_ORIGINS, Page, beside};
use crate::genesys::DeploymentId;
use crate::genesys::bases::{Bases, join};
use crate::genesys::domains::{Domains, OriginMatch};
use crate::genesys::lint;

/// A page that no list names: it must be refused.
pub const STRANGER: &str = "https://not-allowed.watchpost.invalid";

/// A page for deployments that let in everybody.
pub const ANYBODY: &str = "https://anybody.watchpost.invalid";

/// Longest name that is made of a deployment's.
const MAX_NAME: usize = 48;

/// Why a deployment becomes no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// It is not in use.
    NotActive,
    /// Whom it lets in is not known.
    NoList,
    /// Its list lets in nobody.
    NobodyAllowed,
    /// There are more than are taken.
    TooMany,
}

impl Skip {
    /// Why, in plain words.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NotActive => "it is not active",
            Self::NoList => "its list of allowed domains is not known",
            Self::NobodyAllowed => "its list lets in nobody",
            Self::TooMany => "there are too many deployments",
        }
    }
}

/// What was discovered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The endpoints, by deployment.
    pub endpoints: Vec<Discovered>,
    /// The rest.
    pub skipped: Vec<(DeploymentId, Skip)>,
}

/// The endpoints of an organisation, those before as far as nobody said otherwise.
///
/// One vanishes where the API says of its deployment that it is not in use or that there is none,
/// or leaves it out of a list of all; trouble takes none away.
pub fn discover(
    before: &[Discovered],
    known: &BTreeMap<DeploymentId, Known>,
    complete: bool,
    bases: &Bases,
    rule: OriginMatch,
) -> Found {
    let mut found = Found::default();
    let before: BTreeMap<_, _> = before.iter().map(|one| (&one.deployment, one)).collect();
    // Those that are there already keep their names.
    let mut names: BTreeSet<EndpointName> = BTreeSet::new();
    let ids: BTreeSet<&DeploymentId> = known
        .iter()
        .filter(|(_, known)| known.api.answer != Answer::NotAsked)
        .map(|(id, _)| id)
        .chain(before.keys().copied())
        .collect();
    let (old, new): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| before.contains_key(*id));
    for id in old.into_iter().chain(new) {
        let mine = before.get(id).copied();
        let Some(known) = known.get(id) else {
            // Nobody was asked for it, or nobody answered: it is not known to be gone.
            if let Some(mine) = mine.filter(|_| !complete) {
                names.insert(mine.name.clone());
                found.endpoints.push(mine.clone());
            }
            continue;
        };
        match made(known, mine, bases, rule) {
            Ok(_) if found.endpoints.len() >= MAX_ENDPOINTS => {
                found.skipped.push((id.clone(), Skip::TooMany));
            }
            Ok((url, origins)) => {
                let name = named(known, mine, &names);
                names.insert(name.clone());
                found.endpoints.push(Discovered { deployment: id.clone(), name, url, origins });
            }
            Err(skip) => found.skipped.push((id.clone(), skip)),
        }
    }
    found.endpoints.sort_by(|a, b| a.deployment.cmp(&b.deployment));
    found
}

/// Where the door is, and which pages are tried at it.
fn made(
    known: &Known,
    before: Option<&Discovered>,
    bases: &Bases,
    rule: OriginMatch,
) -> Result<(String, Vec<Page>), Skip> {
    let api = known.api.said.as_ref().filter(|_| known.api.answer != Answer::Absent);
    let api = api.ok_or(Skip::NotActive)?;
    match api.status.and_then(|status| status.is_on()) {
        Some(true) => {}
        Some(false) => return Err(Skip::NotActive),
        // A word that is not known here takes nothing away, and adds nothing.
        None if before.is_some() => {}
        None => return Err(Skip::NotActive),
    }
    let origins = match (&api.domains, before) {
        (Some(domains), _) => pages(domains, rule)?,
        (None, Some(before)) => before.origins.clone(),
        (None, None) => return Err(Skip::NoList),
    };
    Ok((url(known, bases), origins))
}

/// The region's own, unless the deployment names another place that is the region's, too.
fn url(known: &Known, bases: &Bases) -> String {
    let config = known.config.said.as_ref();
    let named = config.and_then(|config| config.messaging_endpoint.as_ref());
    let named = named.and_then(|text| text.as_str().parse::<Target>().ok());
    let base = named.filter(|target| bases.owns(target) && !target.path.contains('?'));
    let base = base.unwrap_or_else(|| bases.messaging.clone());
    let base = Target { scheme: websocket(&base), ..base };
    join(&base, &format!("/v1?deploymentId={}&application=watchpost", known.id)).to_string()
}

fn websocket(target: &Target) -> Scheme {
    if target.scheme.is_tls() { Scheme::Wss } else { Scheme::Ws }
}

/// One page for each entry, and one that must be refused.
fn pages(domains: &Domains, rule: OriginMatch) -> Result<Vec<Page>, Skip> {
    let page = |origin: String, expect| Page { origin, expect };
    if domains.allow_all {
        return Ok(vec![page(ANYBODY.to_owned(), Expect::Allow)]);
    }
    let mut pages: Vec<Page> = Vec::new();
    for entry in &domains.entries {
        let Some(working) = lint::working(entry.as_str(), rule) else { continue };
        let origin = match rule {
            OriginMatch::Genesys => format!("https://{working}"),
            OriginMatch::Strict => working,
        };
        let Ok(origin @ Origin::Page(_)) = origin.parse::<Origin>() else { continue };
        let origin = origin.to_string();
        if pages.len() < MAX_ORIGINS - 1 && pages.iter().all(|page| page.origin != origin) {
            pages.push(page(origin, Expect::Allow));
        }
    }
    if pages.is_empty() {
        // What could not be read may let in somebody.
        return Err(if domains.cut { Skip::NoList } else { Skip::NobodyAllowed });
    }
    let stranger = Origin::Page(STRANGER.to_owned());
    if domains.predict(&stranger, rule) == Some(Expect::Deny) {
        pages.push(page(STRANGER.to_owned(), Expect::Deny));
    }
    Ok(pages)
}

/// The deployment's own name made legal; with a part of its id where another one has that.
fn named(
    known: &Known,
    before: Option<&Discovered>,
    taken: &BTreeSet<EndpointName>,
) -> EndpointName {
    let plain = legal(known.name().unwrap_or_default());
    let plain = EndpointName::try_from(plain).ok();
    let long = plain.as_ref().and_then(|name| beside(name, &known.id));
    let by_id = || EndpointName::try_from(format!("deployment-{}", known.id)).ok();
    let mine = before.map(|before| before.name.clone());
    let still =
        mine.clone().filter(|name| plain.as_ref() == Some(name) || long.as_ref() == Some(name));
    let free = |name: &EndpointName| !taken.contains(name);
    let names = [still, plain, long, by_id(), mine];
    let name = names.into_iter().flatten().find(free);
    name.unwrap_or_else(|| EndpointName::internal(known.id.as_str()))
}

/// `Shop (EU) – live` to `Shop-EU-live`.
fn legal(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') {
            text.push(c);
        } else if !text.ends_with('-') && !text.is_empty() {
            text.push('-');
        }
        if text.len() >= MAX_NAME {
            break;
        }
    }
    text.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests;

//! What the published list of a deployment says of the page, held against what was seen.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tokio::runtime::Runtime;

use crate::check::origin::Expect;
use crate::check::probe::{Probe, RefusalStatuses};
use crate::clock;
use crate::config::genesys::Genesys;
use crate::diagnose::Diagnosis;
use crate::genesys::DeploymentId;
use crate::genesys::account::Account;
use crate::genesys::domains::OriginMatch;
use crate::genesys::finding::{Entry, Evidence, Finding, diagnose};
use crate::genesys::region::Region;
use crate::outcome::quoted::Quoted;
use crate::platform::Platform;
use crate::tenant::binding;
use crate::tenant::refresh::look;

/// How old what is asked now may be.
const JUST_NOW: std::time::Duration = std::time::Duration::from_secs(60);

/// What the list says, and what follows.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// The deployment that the URL names.
    pub deployment: DeploymentId,
    /// Whether the list lets the page in; none where it is not known.
    pub predicted: Option<Expect>,
    /// The entry that does.
    pub entry: Option<Quoted>,
    /// Why somebody did not answer.
    pub trouble: Option<String>,
    /// What is so.
    pub finding: Finding,
    /// In plain words.
    pub sentence: String,
    /// What to do about it.
    pub fix: &'static str,
}

/// Whom to ask for lists: the config's organisation, or the public files of a region.
pub fn source(genesys: Option<Genesys>, region: Option<Region>) -> Option<(Account, OriginMatch)> {
    if let Some(genesys) = genesys {
        return Some((genesys.account, genesys.origin_match));
    }
    Some((Account::nobody(region?), OriginMatch::Genesys))
}

/// Looks the page up; none where the URL names no deployment, or nobody knows its region.
pub fn listed(
    runtime: &Runtime,
    genesys: Option<Genesys>,
    region: Option<Region>,
    diagnosis: &Diagnosis,
) -> Option<Listed> {
    let endpoint = &diagnosis.check.endpoint;
    let by_host = || Region::from_text(&endpoint.target.host.to_string()).ok();
    let paths = genesys.as_ref().map(|genesys| genesys.paths.clone()).unwrap_or_default();
    let (account, rule) = source(genesys, region.or_else(by_host))?;
    let id = binding::deployment(endpoint, account.compat)?;
    let platform = Platform::new(account).ok()?;
    let wanted = BTreeSet::from([id.clone()]);
    let found = runtime.block_on(look(&platform, &paths, &BTreeMap::new(), wanted));
    let known = found.known.get(&id)?;
    let now = clock::now();
    let usual = RefusalStatuses::default();
    let refusals = match &*diagnosis.check.probe {
        Probe::Websocket(websocket) => &websocket.refusal_statuses,
        Probe::Messaging(messaging) => &messaging.refusal_statuses,
        _ => &usual,
    };
    let predict = |origin| {
        let [api, cdn] = known.predictions(origin, rule, JUST_NOW, now);
        api.or(cdn)
    };
    let others = diagnosis.tried.iter().filter(|tried| {
        tried.near_miss.origin != diagnosis.origin
            && predict(&tried.near_miss.origin) == Some(Expect::Allow)
    });
    let control = others.filter_map(|tried| binding::entry(&tried.outcome, refusals));
    let actual = diagnosis.asked.first().and_then(|outcome| binding::entry(outcome, refusals));
    let [by_api, by_cdn] = known.predictions(&diagnosis.origin, rule, JUST_NOW, now);
    let evidence = Evidence {
        by_api,
        by_cdn,
        actual,
        control: control.min_by_key(|entry| *entry != Entry::LetIn),
        config: known.by_config(JUST_NOW, now),
        api: known.by_api(JUST_NOW, now),
        shut_out_by: known.shut_out_by(rule, JUST_NOW, now),
        legacy: false,
        list_changed_at: known.list_changed_at,
    };
    let told = diagnose(&evidence, now);
    let entry = known.list().and_then(|list| list.entry_for(&diagnosis.origin, rule));
    Some(Listed {
        deployment: id,
        predicted: evidence.predicted(),
        entry: entry.cloned(),
        trouble: found.trouble.map(|(_, sentence)| sentence),
        finding: told.finding,
        sentence: told.sentence(),
        fix: told.fix(),
    })
}

impl std::fmt::Display for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let says = match (self.predicted, &self.entry) {
            (Some(Expect::Allow), Some(entry)) => format!("the page is listed, as \"{entry}\""),
            (Some(Expect::Allow), None) => "all domains are allowed".to_owned(),
            (Some(Expect::Deny), _) => "the page is not listed".to_owned(),
            (None, _) => "it is not known whom it lets in".to_owned(),
        };
        writeln!(f, "  deployment {}: {says}", self.deployment)?;
        if let Some(trouble) = &self.trouble {
            writeln!(f, "  not everything was answered: {trouble}")?;
        }
        writeln!(f, "  {}: {}\n  do: {}\n", self.finding, self.sentence, self.fix)
    }
}

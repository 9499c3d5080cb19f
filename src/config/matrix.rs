//! Endpoints x probes x origins: from the tables of the file to checks.

use std::collections::HashMap;
use std::sync::Arc;

use super::deployment::{Home, Ties};
use super::discovered::Discovered;
use super::fault::{Faults, Span};
use super::field::{Field, Table};
use super::messaging::Ladder;
use super::pem::PemFiles;
use super::raw;
use super::settings::{Reader, inherit};
use super::users::Taken;
use super::whereabouts::Whereabouts;
use crate::check::Check;
use crate::check::endpoint::{Endpoint, EndpointName};
use crate::check::messaging::Messaging;
use crate::check::origin::{Expect, OriginRule};
use crate::check::probe::{Probe, ProbeKind, Websocket};
use crate::check::target::{Scheme, Target};
use crate::genesys::DeploymentId;

const ENDPOINT_FIX: &str = "write it as a list of tables: [[endpoints]]";

/// What the tables come to.
#[derive(Default)]
pub struct Matrix {
    /// In the order of the file.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// Of each endpoint in turn.
    pub checks: Vec<Arc<Check>>,
    /// Where each endpoint stands.
    pub places: HashMap<EndpointName, Span>,
}

/// Resolves every endpoint against the defaults; whatever is wrong becomes a fault.
///
/// What was discovered comes behind the file's own, where the file wants any: it need not have one
/// itself then.
pub fn build(
    defaults: Table<raw::Endpoint>,
    endpoints: raw::Tables<raw::Endpoint>,
    discovered: Option<&[Discovered]>,
    whereabouts: &Whereabouts<'_>,
    home: Home<'_>,
    per_minute: u32,
    faults: &mut Faults,
) -> Matrix {
    let fix = "write it as a table: [defaults]";
    let (span, defaults) = defaults.take("defaults", fix, faults).unwrap_or_default();
    for (key, given) in [
        ("defaults.name", !matches!(defaults.name, Field::Absent)),
        ("defaults.url", !matches!(defaults.url, Field::Absent)),
        ("defaults.deployment", !matches!(defaults.deployment, Field::Absent)),
        ("defaults.users", !matches!(defaults.users, Table::Absent)),
    ] {
        if given {
            faults.add(&span, key, "not a default", "move it to an endpoint");
        }
    }

    let mut reader =
        Reader { whereabouts, pem: PemFiles::default(), taken: Taken::default(), home, faults };
    // Once by themselves, so that a fault in them bears their own name and stands there once.
    reader.settings(defaults.clone(), "defaults");
    let mut matrix = Matrix::default();
    let empty = matches!(&endpoints, Table::Absent)
        || matches!(&endpoints, Table::Given(_, tables) if tables.is_empty());
    if empty && discovered.is_none() {
        reader.faults.add(&(0..0), "endpoints", "nothing to watch", "add an [[endpoints]] table");
    }
    let tables = endpoints.take("endpoints", ENDPOINT_FIX, reader.faults);
    let tables = tables.map_or(Vec::new(), |(_, tables)| tables);
    let mut names: HashMap<EndpointName, usize> = HashMap::new();
    for (index, table) in tables.into_iter().enumerate() {
        let place = format!("endpoints[{index}]");
        let Some((span, raw)) = table.take(&place, ENDPOINT_FIX, reader.faults) else { continue };
        if let Field::Given(place_of_name, name) = &raw.name {
            let line = reader.faults.line(place_of_name.start);
            if let Some(first) = names.insert(name.clone(), line) {
                let problem = format!("\"{name}\" is already the name on line {first}");
                let key = format!("{place}.name");
                reader.faults.add(place_of_name, key, problem, "give it another name");
            }
        }
        let Some((endpoint, checks)) = reader.endpoint(&span, raw, &defaults, &place) else {
            continue;
        };
        matrix.places.insert(endpoint.name.clone(), span);
        matrix.endpoints.push(endpoint);
        matrix.checks.extend(checks);
    }
    for one in discovered.unwrap_or_default() {
        if is_named(&one.deployment, &matrix.endpoints) {
            continue;
        }
        let place = format!("discovered.{}", one.name);
        let is_taken = |name: &EndpointName| names.contains_key(name);
        let Some(raw) = one.table(&defaults, is_taken, per_minute) else { continue };
        if let Field::Given(_, name) = &raw.name {
            names.insert(name.clone(), 0);
        }
        if let Some((endpoint, checks)) = reader.endpoint(&(0..0), raw, &defaults, &place) {
            matrix.endpoints.push(endpoint);
            matrix.checks.extend(checks);
        }
    }
    matrix
}

/// Whether the file has an endpoint for a deployment already.
fn is_named(deployment: &DeploymentId, endpoints: &[Arc<Endpoint>]) -> bool {
    let users = endpoints.iter().filter_map(|endpoint| endpoint.users.as_ref());
    let mut ids = users.flat_map(|users| users.deployments.iter().chain(&users.of_url));
    ids.any(|id| id.as_str().eq_ignore_ascii_case(deployment.as_str()))
}

impl Reader<'_> {
    fn endpoint(
        &mut self,
        span: &Span,
        mut raw: raw::Endpoint,
        defaults: &raw::Endpoint,
        place: &str,
    ) -> Option<(Arc<Endpoint>, Vec<Arc<Check>>)> {
        let name_key = format!("{place}.name");
        if matches!(raw.name, Field::Absent) {
            self.faults.add(span, &name_key, "missing", "add name = \"…\"");
        }
        let name = raw.name.clone().take(name_key, self.faults);
        let names_deployment = !matches!(raw.deployment, Field::Absent);
        let named = self.deployment(std::mem::take(&mut raw.deployment), place);
        let url = std::mem::take(&mut raw.url);
        let target = self.url(span, url, names_deployment, named.as_ref(), place);
        let idle = idle_keys(&raw);
        let tables = [
            ("messaging", raw.messaging.span()),
            ("cors", raw.cors.span()),
            ("http", raw.http.span()),
        ];
        let probes_at = raw.probes.span().or_else(|| defaults.probes.span());
        let users = self.users(std::mem::take(&mut raw.users), place);
        let settings = self.settings(inherit(raw, defaults), place);
        let (name, target) = (name?, target?);
        let ties = Ties::of(named, &target, self.home);
        let probes = self.probes(settings.probes, &target, ties.named.is_some(), place);
        self.idle(idle, &probes, place);
        for (name, span) in tables {
            let idle = !probes.iter().any(|kind| kind.as_str() == name);
            if let Some(span) = span.filter(|_| idle) {
                let scheme = if name == "messaging" { "a wss" } else { "an https" };
                let fix =
                    format!("remove it, or add \"{name}\" to `probes` and write {scheme}:// url");
                let problem = format!("without effect: there is no {name} probe");
                self.faults.add(&span, format!("{place}.{name}"), problem, fix);
            }
        }
        let endpoint = Arc::new(Endpoint {
            name,
            users: ties.users(users, &target),
            deployment: ties.metered,
            target,
            reach: settings.reach,
            trust: settings.trust,
            identity: settings.identity,
            owner: settings.owner,
            health: settings.health,
            slo: settings.slo,
            max_inflight: settings.max_inflight,
        });
        let cadence = settings.cadence?;
        let mut checks = Vec::new();
        for kind in probes {
            let pages = match kind {
                ProbeKind::Cors => {
                    let at = probes_at.clone().unwrap_or_else(|| span.clone());
                    self.pages(&settings.origins, &endpoint.target, &at, place)
                }
                _ => settings.origins.clone(),
            };
            let probe = Arc::new(match kind {
                ProbeKind::Messaging => {
                    let Some(deployment) = ties.of_guests.clone() else {
                        if !kind.is_asked_of(&endpoint.target) {
                            continue;
                        }
                        let at = probes_at.clone().unwrap_or_else(|| span.clone());
                        let problem = "no deployment whose guests could be asked for";
                        let fix = "add deployment = \"…\", or ?deploymentId=… to the url";
                        self.faults.add(&at, format!("{place}.probes"), problem, fix);
                        continue;
                    };
                    let Websocket { headers, refusal_statuses, .. } = settings.websocket.clone();
                    let Ladder { level, attributes } = settings.ladder.clone();
                    let messaging =
                        Messaging { level, deployment, headers, refusal_statuses, attributes };
                    Probe::Messaging(messaging)
                }
                ProbeKind::Websocket => Probe::Websocket(settings.websocket.clone()),
                ProbeKind::Cors => Probe::Cors(settings.cors.clone()),
                ProbeKind::Http => Probe::Http(settings.http.clone()),
                ProbeKind::Tls => Probe::Tls,
            });
            let check = |origin| Check::new(endpoint.clone(), probe.clone(), origin, cadence);
            if kind.has_origin() {
                let control = control(&pages);
                let check = |rule: &Arc<OriginRule>| check(Some(rule.clone()));
                let beside = |rule| Arc::new(check(rule).beside(control.clone()));
                checks.extend(pages.iter().map(beside));
            } else {
                checks.push(Arc::new(check(None)));
            }
        }
        Some((endpoint, checks))
    }

    /// Faults for keys of a page's request that no probe makes.
    fn idle(&mut self, keys: Vec<(&'static str, Span)>, probes: &[ProbeKind], place: &str) {
        if probes.is_empty() || probes.contains(&ProbeKind::Websocket) {
            return;
        }
        let has = |kind| probes.contains(&kind);
        let (of_guests, of_pages) = (has(ProbeKind::Messaging), has(ProbeKind::Cors));
        let used = |key: &str| match key {
            "origins" => of_guests || of_pages,
            "headers" | "refusal-statuses" => of_guests,
            _ => false,
        };
        for (key, span) in keys.into_iter().filter(|(key, _)| !used(key)) {
            let fix = "remove it, or add \"websocket\" to `probes` and write a wss:// url";
            let problem = match (of_guests, of_pages) {
                (true, _) => "without effect: it is for a websocket probe; see `messaging`",
                (false, true) => "without effect: it is for a websocket probe; see `cors`",
                (false, false) => "without effect: only a websocket probe asks for a page",
            };
            self.faults.add(&span, format!("{place}.{key}"), problem, fix);
        }
    }

    fn probes(
        &mut self,
        given: Option<(Span, Vec<ProbeKind>)>,
        target: &Target,
        names_deployment: bool,
        place: &str,
    ) -> Vec<ProbeKind> {
        let key = format!("{place}.probes");
        let natural = match target.scheme {
            Scheme::Ws | Scheme::Wss if names_deployment => ProbeKind::Messaging,
            Scheme::Ws | Scheme::Wss | Scheme::Http => ProbeKind::Websocket,
            Scheme::Https | Scheme::Tls => ProbeKind::Tls,
        };
        let Some((span, mut kinds)) = given else { return vec![natural] };
        if kinds.is_empty() {
            self.faults.add(&span, &key, "an empty list", "name a probe, or leave the key out");
        }
        kinds.sort();
        kinds.dedup();
        for kind in &kinds {
            if !kind.is_asked_of(target) {
                let problem = format!("{kind} cannot be asked of {target}");
                self.faults.add(&span, &key, problem, "remove it, or change the scheme of the url");
            }
        }
        kinds
    }
}

/// The page that refusals are held against, where there are any.
fn control(rules: &[Arc<OriginRule>]) -> Option<Arc<OriginRule>> {
    let first = |expect| rules.iter().find(|rule| rule.expect == expect);
    first(Expect::Deny).and(first(Expect::Allow)).cloned()
}

/// Keys of the endpoint itself that do nothing unless a page's request is made.
fn idle_keys(raw: &raw::Endpoint) -> Vec<(&'static str, Span)> {
    [
        ("origins", raw.origins.span()),
        ("messages", raw.messages.span()),
        ("headers", raw.headers.span()),
        ("subprotocols", raw.subprotocols.span()),
        ("refusal-statuses", raw.refusal_statuses.span()),
    ]
    .into_iter()
    .filter_map(|(key, span)| Some((key, span?)))
    .collect()
}

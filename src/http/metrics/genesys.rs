//! Families of the deployments at Genesys Cloud.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::check::endpoint::EndpointName;
use crate::genesys::finding::Finding;
use crate::genesys::lint::lint;
use crate::http::exposition::{Exposition, Kind};
use crate::record::snapshot::Snapshot;
use crate::tenant::binding::{Bound, findings};
use crate::tenant::known::{Answer, Known};
use crate::tenant::view::View;

/// Writes them all; none where no organisation is configured.
pub fn write(e: &mut Exposition, snapshot: &Snapshot, view: &View) {
    let Some(organisation) = &view.organisation else { return };
    let found = findings(snapshot, view);
    let doors: BTreeMap<&EndpointName, &Known> = found
        .iter()
        .filter_map(|bound| {
            Some((&bound.record.check.endpoint.name, &**view.deployments.get(&bound.deployment)?))
        })
        .collect();

    let name = "watchpost_genesys_finding";
    let help = "What is so with a page at the door of a deployment: 1 for the one that is.";
    e.family(name, Kind::Gauge, help);
    for Bound { record, diagnosis, .. } in &found {
        let check = &record.check;
        let labels = e.labels().with("endpoint", &check.endpoint.name);
        let origin = check.origin.as_ref().map_or("", |rule| rule.name.as_str());
        let labels = labels.with("origin", origin).with("expect", check.expect().as_str());
        for finding in Finding::ALL {
            let is = f64::from(u8::from(*finding == diagnosis.finding));
            e.sample_with(&labels, &[("finding", finding.code())], is);
        }
    }

    let name = "watchpost_genesys_deployment_info";
    e.family(name, Kind::Info, "The status of the deployment behind an endpoint.");
    for (endpoint, known) in &doors {
        let status = known.status().map_or("unknown", |status| status.as_str());
        let all =
            known.list().map_or("unknown", |list| if list.allow_all { "true" } else { "false" });
        let labels = e.labels().with("allow_all", all).with("endpoint", endpoint);
        let labels = labels.with("status", status);
        e.sample(&labels, 1.0);
    }

    let name = "watchpost_genesys_deployment_seen_timestamp_seconds";
    e.family(name, Kind::Gauge, "When a source told of the deployment behind an endpoint last.");
    for (endpoint, known) in &doors {
        let sources = [
            ("api", known.api.said_at, &known.api.answer),
            ("config", known.config.said_at, &known.config.answer),
            ("domains", known.domains.said_at, &known.domains.answer),
        ];
        for (source, at, answer) in sources {
            if *answer != Answer::NotAsked
                && let Some(at) = at
            {
                let labels = e.labels().with("endpoint", endpoint).with("source", source);
                e.sample(&labels, seconds(at));
            }
        }
    }

    let name = "watchpost_genesys_list_oddities";
    e.family(
        name,
        Kind::Gauge,
        "What is odd about the list of allowed domains, by how much it matters.",
    );
    for (endpoint, known) in &doors {
        let Some(list) = known.list() else { continue };
        let odd = lint(list, organisation.origin_match);
        let grave = odd.iter().filter(|remark| remark.oddity.is_grave()).count();
        for (weight, count) in [("grave", grave), ("light", odd.len() - grave)] {
            let labels = e.labels().with("endpoint", endpoint).with("weight", weight);
            e.sample(&labels, count as f64);
        }
    }

    let name = "watchpost_genesys_cdn_differs";
    e.family(name, Kind::Gauge, "Whether the CDN says something else than the platform API.");
    for (endpoint, known) in &doors {
        let differs = !known.contradictions(view.patience(), snapshot.taken_at).is_empty();
        let labels = e.labels().with("endpoint", endpoint);
        e.sample(&labels, f64::from(u8::from(differs)));
    }

    let none = e.labels();
    let round = &view.round;
    let name = "watchpost_genesys_refresh_success";
    e.family(name, Kind::Gauge, "Whether every question of the last round was answered.");
    if round.ended_at.is_some() {
        e.sample(&none, f64::from(u8::from(round.trouble.is_none())));
    }
    let name = "watchpost_genesys_refresh_success_timestamp_seconds";
    e.family(name, Kind::Gauge, "When the last round ended in which every question was answered.");
    if let Some(at) = round.succeeded_at {
        e.sample(&none, seconds(at));
    }
    let name = "watchpost_genesys_deployments";
    e.family(name, Kind::Gauge, "Deployments that are known.");
    e.sample(&none, view.deployments.len() as f64);
}

/// Whether there is what one of the daemon's own families is about. Its series stay with whoever
/// counts them, and an organisation may be taken out of the config.
pub fn is_there(family: &str, view: &View) -> bool {
    let of_client = [
        "watchpost_genesys_token_expiry_timestamp_seconds",
        "watchpost_genesys_ratelimit_remaining",
    ];
    let organisation = view.organisation.as_ref();
    if of_client.contains(&family) {
        return organisation.is_some_and(|organisation| organisation.has_credentials);
    }
    match family {
        _ if family.starts_with("watchpost_genesys_") => organisation.is_some(),
        _ if family.starts_with("watchpost_channel_") => view.channel.is_some(),
        _ => true,
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}

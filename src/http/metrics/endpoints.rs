//! Families to join with: what an endpoint and an origin are, and how often checks run.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::probe::ProbeKind;
use crate::http::exposition::{Exposition, Kind};
use crate::record::snapshot::Snapshot;

/// Writes them all.
pub fn write(e: &mut Exposition, snapshot: &Snapshot) {
    let name = "probe_interval_seconds";
    e.family(name, Kind::Gauge, "Time between the slots of a check.");
    let cadences: BTreeMap<_, _> = snapshot
        .checks
        .iter()
        .map(|record| {
            let check = &record.check;
            ((&*check.endpoint.name, check.probe.kind()), check.cadence.interval())
        })
        .collect();
    for ((endpoint, probe), interval) in cadences {
        let labels = e.labels().with("endpoint", endpoint).with("probe", probe.as_str());
        e.sample(&labels, interval.as_secs_f64());
    }

    let name = "probe_endpoint_info";
    e.family(name, Kind::Info, "Where an endpoint is, and whose.");
    for record in &snapshot.endpoints {
        let endpoint = &record.endpoint;
        let labels = e
            .labels()
            .with("endpoint", &endpoint.name)
            .with("runbook", &endpoint.owner.runbook)
            .with("target", &endpoint.target.to_string())
            .with("team", &endpoint.owner.team)
            .with("tier", &endpoint.owner.tier);
        e.sample(&labels, 1.0);
    }

    let name = "probe_origin_info";
    e.family(name, Kind::Info, "What a page of this origin sends.");
    let rules = snapshot.checks.iter().filter_map(|record| record.check.origin.as_ref());
    let origins: BTreeSet<_> =
        rules.map(|rule| (rule.name.as_str(), rule.origin.to_string())).collect();
    for (origin, url) in origins {
        let labels = e.labels().with("origin", origin).with("url", &url);
        e.sample(&labels, 1.0);
    }

    let name = "watchpost_checks";
    e.family(name, Kind::Gauge, "Checks that are scheduled.");
    for probe in ProbeKind::ALL {
        let mine = snapshot.checks.iter().filter(|record| record.check.probe.kind() == probe);
        let labels = e.labels().with("probe", probe.as_str());
        e.sample(&labels, mine.count() as f64);
    }
}

//! Whether a config asks more connections of a deployment than it is given.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::fault::{Faults, Span};
use crate::check::Check;
use crate::check::endpoint::EndpointName;
use crate::check::origin::Expect;
use crate::event::key::Key;

/// What one endpoint and kind of probe takes in a round.
#[derive(Debug, Default)]
struct Round {
    pages: u32,
    refused: bool,
    seconds: f64,
}

impl Round {
    /// A page for each check, and one more to hold refusals against.
    fn connections(&self) -> u32 {
        self.pages + u32::from(self.refused)
    }

    fn a_minute(&self) -> f64 {
        f64::from(self.connections()) * 60.0 / self.seconds
    }
}

/// Adds a fault for each deployment of which more is asked than it is given.
pub fn check(
    checks: &[Arc<Check>],
    per_minute: u32,
    places: &HashMap<EndpointName, Span>,
    faults: &mut Faults,
) {
    let mut deployments: BTreeMap<&Key, BTreeMap<(&EndpointName, &str), Round>> = BTreeMap::new();
    for check in checks {
        let Some(deployment) = check.deployment() else { continue };
        let rounds = deployments.entry(deployment).or_default();
        let round = rounds.entry((&check.endpoint.name, check.probe.kind().as_str())).or_default();
        round.pages += 1;
        round.refused |= check.expect() == Expect::Deny;
        round.seconds = check.cadence.interval().as_secs_f64();
    }
    for (deployment, rounds) in deployments {
        let total: f64 = rounds.values().map(Round::a_minute).sum();
        if total <= f64::from(per_minute) {
            continue;
        }
        let told: Vec<_> = rounds
            .iter()
            .map(|((endpoint, kind), round)| {
                let more = if round.refused { " and 1 to hold refusals against" } else { "" };
                format!(
                    "{:.0} by {endpoint} ({kind}, {} every {} s{more})",
                    round.a_minute().ceil(),
                    round.pages,
                    round.seconds,
                )
            })
            .collect();
        let problem = format!(
            "{:.0} connections a minute to deployment {deployment}, more than {per_minute}: {}",
            total.ceil(),
            told.join(", "),
        );
        let all: u32 = rounds.values().map(Round::connections).sum();
        let enough = (f64::from(all) * 60.0 / f64::from(per_minute)).ceil();
        let fix = format!(
            "interval = \"{enough}s\" would do, or fewer origins, or a higher \
             connections-per-minute in [genesys]: customers share the limit of a deployment"
        );
        let at = rounds.keys().filter_map(|(endpoint, _)| places.get(*endpoint)).next_back();
        faults.add(&at.cloned().unwrap_or(0..0), "endpoints", problem, fix);
    }
}

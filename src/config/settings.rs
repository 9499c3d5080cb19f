//! The keys that an endpoint may take from `[defaults]`.

use std::sync::Arc;
use std::time::Duration;

use super::deployment::Home;
use super::fault::{Faults, Span};
use super::field::{Field, Table};
use super::messaging::Ladder;
use super::pem::PemFiles;
use super::raw;
use super::users::Taken;
use super::values::{HumanDuration, Line};
use super::whereabouts::Whereabouts;
use crate::check::cadence::{Cadence, CadenceError};
use crate::check::endpoint::{Identity, Owner, Reach, Trust};
use crate::check::health_policy::HealthPolicy;
use crate::check::origin::OriginRule;
use crate::check::probe::{Cors, Http, ProbeKind, Websocket};

/// Reads tables one after the other, and gathers what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) whereabouts: &'a Whereabouts<'a>,
    pub(super) pem: PemFiles,
    pub(super) taken: Taken,
    pub(super) home: Home<'a>,
    pub(super) faults: &'a mut Faults,
}

/// An endpoint's keys, apart from its name and URL.
pub(super) struct Settings {
    pub(super) probes: Option<(Span, Vec<ProbeKind>)>,
    pub(super) origins: Vec<Arc<OriginRule>>,
    pub(super) cadence: Option<Cadence>,
    pub(super) reach: Reach,
    pub(super) trust: Trust,
    pub(super) identity: Option<Identity>,
    pub(super) owner: Owner,
    pub(super) health: HealthPolicy,
    pub(super) slo: f64,
    pub(super) max_inflight: usize,
    pub(super) websocket: Websocket,
    pub(super) ladder: Ladder,
    pub(super) cors: Cors,
    pub(super) http: Http,
}

impl Reader<'_> {
    /// Every key of a table; a wrong one becomes a fault and reads as its default.
    pub(super) fn settings(&mut self, mut raw: raw::Endpoint, place: &str) -> Settings {
        let key = |name: &str| format!("{place}.{name}");
        let websocket = self.websocket(&mut raw, place);
        let ladder = self.ladder(std::mem::take(&mut raw.messaging), place);
        let cors = self.cors(std::mem::take(&mut raw.cors), place);
        let http = self.http(std::mem::take(&mut raw.http), place);
        let max_inflight = raw.max_inflight.take_spanned(key("max-inflight"), self.faults);
        if let Some((span, 0)) = &max_inflight {
            let fix = "write 1 or more";
            self.faults.add(span, key("max-inflight"), "nothing could run", fix);
        }
        let text = |field: Field<Line>, name, faults: &mut Faults| {
            field.take(key(name), faults).map_or(String::new(), |text| text.0)
        };
        Settings {
            probes: raw.probes.take_spanned(key("probes"), self.faults),
            origins: self.origins(raw.origins, place),
            cadence: self.cadence(raw.interval, raw.timeout, place),
            reach: Reach {
                connect_to: raw.connect_to.take(key("connect-to"), self.faults),
                family: raw
                    .address_family
                    .take(key("address-family"), self.faults)
                    .unwrap_or_default(),
            },
            trust: self.trust(raw.ca_file, place),
            identity: self.identity(raw.client_cert, raw.client_key, place),
            owner: Owner {
                team: text(raw.team, "team", self.faults),
                tier: text(raw.tier, "tier", self.faults),
                runbook: text(raw.runbook, "runbook", self.faults),
            },
            health: self.health(raw.health, place),
            slo: raw.slo.take(key("slo"), self.faults).map_or(0.995, |slo| slo.0),
            max_inflight: max_inflight.map_or(4, |(_, n)| n as usize),
            websocket,
            ladder,
            cors,
            http,
        }
    }

    fn cadence(
        &mut self,
        interval: Field<HumanDuration>,
        timeout: Field<HumanDuration>,
        place: &str,
    ) -> Option<Cadence> {
        let keys = [format!("{place}.interval"), format!("{place}.timeout")];
        let interval = interval.take_spanned(&keys[0], self.faults);
        let timeout = timeout.take_spanned(&keys[1], self.faults);
        let seconds = Duration::from_secs;
        let (interval_span, every) = interval.map_or((None, seconds(30)), |(s, d)| (Some(s), d.0));
        // Half of a short interval, so that `interval` alone can be lowered.
        let (timeout_span, within) =
            timeout.map_or((None, seconds(5).min(every / 2)), |(s, d)| (Some(s), d.0));
        let error = match Cadence::new(every, within) {
            Ok(cadence) => return Some(cadence),
            Err(error) => error,
        };
        let (key, span) = match error {
            CadenceError::Interval => (&keys[0], interval_span),
            CadenceError::Timeout | CadenceError::TimeoutNotBelowInterval { .. } => {
                (&keys[1], timeout_span.or(interval_span))
            }
        };
        self.faults.add(&span.unwrap_or(0..0), key, error, "write a duration in that range");
        None
    }

    fn health(&mut self, table: Table<raw::Health>, place: &str) -> HealthPolicy {
        let key = format!("{place}.health");
        let fix = "write it as a table: health = { down-after = 3, down-window = 5 }";
        let Some((span, raw)) = table.take(&key, fix, self.faults) else {
            return HealthPolicy::default();
        };
        let usual = HealthPolicy::default();
        let sub = |name: &str| format!("{key}.{name}");
        let policy = HealthPolicy::new(
            raw.down_after.take(sub("down-after"), self.faults).unwrap_or(usual.down_after()),
            raw.down_window.take(sub("down-window"), self.faults).unwrap_or(usual.down_window()),
            raw.up_after.take(sub("up-after"), self.faults).unwrap_or(usual.up_after()),
            raw.confirm_runs.take(sub("confirm-runs"), self.faults).unwrap_or(usual.confirm_runs()),
            raw.confirm_delay
                .take(sub("confirm-delay"), self.faults)
                .map_or(usual.confirm_delay(), |delay| delay.0),
        );
        policy.unwrap_or_else(|error| {
            self.faults.add(&span, &key, error, "write numbers in that range");
            usual
        })
    }
}

/// The endpoint's own keys before those of the defaults. A list or table is taken whole.
pub(super) fn inherit(own: raw::Endpoint, defaults: &raw::Endpoint) -> raw::Endpoint {
    let defaults = defaults.clone();
    raw::Endpoint {
        name: own.name,
        url: own.url,
        deployment: own.deployment,
        probes: own.probes.or(defaults.probes),
        origins: own.origins.or(defaults.origins),
        interval: own.interval.or(defaults.interval),
        timeout: own.timeout.or(defaults.timeout),
        connect_to: own.connect_to.or(defaults.connect_to),
        address_family: own.address_family.or(defaults.address_family),
        ca_file: own.ca_file.or(defaults.ca_file),
        client_cert: own.client_cert.or(defaults.client_cert),
        client_key: own.client_key.or(defaults.client_key),
        headers: own.headers.or(defaults.headers),
        subprotocols: own.subprotocols.or(defaults.subprotocols),
        messages: own.messages.or(defaults.messages),
        refusal_statuses: own.refusal_statuses.or(defaults.refusal_statuses),
        messaging: own.messaging.or(defaults.messaging),
        cors: own.cors.or(defaults.cors),
        http: own.http.or(defaults.http),
        users: own.users,
        max_inflight: own.max_inflight.or(defaults.max_inflight),
        slo: own.slo.or(defaults.slo),
        team: own.team.or(defaults.team),
        tier: own.tier.or(defaults.tier),
        runbook: own.runbook.or(defaults.runbook),
        health: own.health.or(defaults.health),
    }
}

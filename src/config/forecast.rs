//! What a config will cost and how soon it will notice: the figures that `lint` prints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::Config;
use super::objective::{FEWEST, Objective};
use crate::check::Check;
use crate::check::endpoint::Endpoint;
use crate::check::origin::Expect;
use crate::check::probe::ProbeKind;
use crate::genesys::api::Api;
use crate::genesys::finding::Finding;
use crate::outcome::chain::verification::VerifyFailure;
use crate::outcome::sight::SelfCheck;
use crate::outcome::strikes::strikes;

/// Series of one check besides its failures: success, up, runs by result, failure info, last run,
/// duration, DNS, IP version.
const PER_CHECK: usize = 1 + 1 + 4 + 1 + 1 + 3;

/// Series that only a WebSocket check has: phases of the last run, status, upgraded.
const PER_WEBSOCKET: usize = 5 + 1 + 1;

/// Series that only a messaging check has besides those: the rung, and whether sessions stopped.
const PER_MESSAGING: usize = 1 + 1;

/// Series that only a CORS check has: allowed, status.
const PER_CORS: usize = 1 + 1;

/// Series that only an HTTP check has: phases of the last run, status.
const PER_HTTP: usize = 5 + 1;

/// Series that only a check has whose page must be refused: whether it got in.
const PER_DENIED: usize = 1;

/// Series of failures of one check that are not primed: few reasons ever strike.
const UNPRIMED_FAILURES: usize = 4;

/// Warnings of one check: few are raised at a time.
const WARNINGS: usize = 2;

/// Series of one histogram: 16 bounds, `+Inf`, sum and count.
const PER_HISTOGRAM: usize = 19;

/// Series of one encrypted endpoint with two addresses and chains of three.
const PER_TLS: usize = 11 + 2 * (3 * 3 + VerifyFailure::LABELS.len());

/// Series of one receiver: 18 classes, 21 reasons, 5 others, and a histogram with 10 bounds.
const PER_RECEIVER: usize = 18 + 21 + 5 + 13;

/// Series of one endpoint that takes users: conversations by outcome, windows by result, and those
/// revised, blind spots and false alarms.
const PER_TAKER: usize = 3 + 5 + 3;

/// Series of conversations of whom nothing tells whose users they are.
const UNMAPPED: usize = 3;

/// Series of one target of `[[notify]]`: messages by result, how many wait, and for how long.
const PER_TARGET: usize = 4 + 1 + 1;

/// Series of the organisation at Genesys Cloud: for each thing that is asked a few statuses, when
/// the token ends, and how much is left.
const GENESYS: usize = Api::ALL.len() * 4 + 1 + 1;

/// Series of one page at the door of a deployment: its finding.
const PER_PAGE: usize = Finding::ALL.len();

/// Series of one endpoint that is such a door: the deployment's status, who told of it, what is odd
/// about its list, and whether the CDN differs.
const PER_DOOR: usize = 1 + 3 + 2 + 1;

/// Series of an organisation: how looks at its deployments go, how many there are, whether all
/// tasks run, and whether what was discovered is taken up.
const ORGANISATION: usize = 3 + 2 + 1;

/// The daemon's own.
const OWN: usize = 88;

/// How many series `/metrics` grows to.
pub fn series(config: &Config) -> usize {
    let failures = |check: &Check| {
        if config.daemon.prime_failures { strikes(check).count() } else { UNPRIMED_FAILURES }
    };
    let checks = config.checks.iter().map(|check| match check.probe.kind() {
        ProbeKind::Websocket => PER_CHECK + WARNINGS + PER_WEBSOCKET + failures(check),
        ProbeKind::Messaging => {
            PER_CHECK + WARNINGS + PER_WEBSOCKET + PER_MESSAGING + failures(check)
        }
        ProbeKind::Cors => PER_CHECK + WARNINGS + PER_CORS + failures(check),
        ProbeKind::Http => PER_CHECK + WARNINGS + PER_HTTP + failures(check),
        ProbeKind::Tls => PER_CHECK + WARNINGS + failures(check),
    });
    let denied = config.checks.iter().filter(|check| check.expect() == Expect::Deny);
    let denied = denied.count() * PER_DENIED;
    let latencies: BTreeSet<_> =
        config.checks.iter().map(|check| (&check.endpoint.name, check.probe.kind())).collect();
    let latencies = latencies.into_iter().map(|(_, probe)| match probe {
        ProbeKind::Websocket | ProbeKind::Messaging | ProbeKind::Cors | ProbeKind::Http => {
            1 + 6 * 2 * PER_HISTOGRAM
        }
        ProbeKind::Tls => 1 + 4 * 2 * PER_HISTOGRAM,
    });
    let endpoints = config
        .endpoints
        .iter()
        .map(|endpoint| if endpoint.target.scheme.is_tls() { 1 + PER_TLS } else { 1 });
    let takers = config.endpoints.iter().filter(|endpoint| endpoint.users.is_some()).count();
    let users = if takers > 0 { takers * PER_TAKER + UNMAPPED } else { 0 };
    let origins: BTreeSet<_> =
        config.checks.iter().filter_map(|check| Some(&check.origin.as_ref()?.name)).collect();
    checks.sum::<usize>()
        + denied
        + latencies.sum::<usize>()
        + endpoints.sum::<usize>()
        + origins.len()
        + users
        + if config.selfcheck.enabled { SelfCheck::ALL.len() } else { 0 }
        + config.receivers.len() * PER_RECEIVER
        + config.notify.len() * PER_TARGET
        + genesys(config)
        + OWN
}

/// Series of the organisation at Genesys Cloud.
fn genesys(config: &Config) -> usize {
    if config.genesys.is_none() {
        return 0;
    }
    let is_door = |endpoint: &Endpoint| {
        endpoint
            .users
            .as_ref()
            .is_some_and(|users| users.of_url.is_some() || !users.deployments.is_empty())
    };
    let pages = config
        .checks
        .iter()
        .filter(|check| check.probe.kind().has_origin() && is_door(&check.endpoint));
    let doors = config.endpoints.iter().filter(|endpoint| is_door(endpoint)).count();
    GENESYS + pages.count() * PER_PAGE + doors * PER_DOOR + ORGANISATION
}

/// What a config comes to.
#[derive(Debug)]
pub struct Forecast {
    discovers: bool,
    checks: usize,
    series: usize,
    targets: Vec<Target>,
}

#[derive(Debug)]
struct Target {
    endpoint: String,
    checks: usize,
    probes_a_day: u64,
    detection: Duration,
    failures: u8,
    window: u8,
    slo: f64,
    burn: u64,
}

impl Forecast {
    /// The figures of a config.
    pub fn new(config: &Config) -> Self {
        let mut by_endpoint: BTreeMap<&str, Vec<&Check>> = BTreeMap::new();
        for check in &config.checks {
            by_endpoint.entry(&check.endpoint.name).or_default().push(check);
        }
        let targets =
            by_endpoint.into_iter().filter_map(|(name, checks)| Target::new(name, &checks));
        let discovers = config.genesys.as_ref().is_some_and(|genesys| genesys.discover);
        let (checks, series) = (config.checks.len(), series(config));
        Self { discovers, checks, series, targets: targets.collect() }
    }
}

impl Target {
    fn new(endpoint: &str, checks: &[&Check]) -> Option<Self> {
        let slowest = checks.iter().max_by_key(|check| check.cadence.interval())?;
        let health = slowest.endpoint.health;
        let runs_an_hour =
            checks.iter().map(|c| 3600.0 / c.cadence.interval().as_secs_f64()).sum::<f64>();
        let objective = Objective::of(slowest.endpoint.slo, checks);
        Some(Self {
            endpoint: endpoint.to_owned(),
            checks: checks.len(),
            probes_a_day: (runs_an_hour * 24.0).round() as u64,
            detection: detection(slowest),
            failures: health.down_after(),
            window: health.down_window(),
            slo: objective.slo,
            burn: objective.failures_to_page(),
        })
    }
}

/// The longest from the begin of an outage in which the endpoint hangs to the verdict `down`.
fn detection(check: &Check) -> Duration {
    let (interval, timeout) = (check.cadence.interval(), check.cadence.timeout());
    let health = check.endpoint.health;
    let more = u32::from(health.down_after() - 1);
    let confirmed = more.min(health.confirm_runs().into());
    interval
        + timeout
        + (health.confirm_delay() + timeout) * confirmed
        + interval * (more - confirmed)
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checks = plural(self.checks, "check");
        writeln!(f, "{checks}, up to {} series on /metrics", self.series)?;
        if self.discovers {
            writeln!(f, "and those of deployments that are discovered: genesys.discover is on")?;
        }
        let width = self.targets.iter().map(|target| target.endpoint.len()).max().unwrap_or(0);
        for target in &self.targets {
            let Target { endpoint, checks, probes_a_day, .. } = target;
            let checks = plural(*checks, "check");
            writeln!(f, "\n{endpoint:width$}  {checks}, {probes_a_day} probes a day")?;
            let seconds = target.detection.as_secs_f64();
            let (failures, window) = (target.failures, target.window);
            writeln!(
                f,
                "{:width$}  down within {seconds:.0} s: {failures} failures of {window} runs",
                ""
            )?;
            let (burn, slo) = (target.burn, target.slo * 100.0);
            let runs = if burn == 1 { "run pages" } else { "runs in an hour page" };
            write!(f, "{:width$}  {burn} failed {runs} by burn rate at an SLO of {slo} %", "")?;
            writeln!(
                f,
                "{}",
                if burn < FEWEST {
                    ": a blip is enough; lower the SLO or the interval"
                } else {
                    ""
                }
            )?;
        }
        Ok(())
    }
}

fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

//! `[selfcheck]`: how the monitor checks itself.

use std::net::SocketAddr;
use std::time::Duration;

use super::fault::Faults;
use super::field::Table;
use super::raw;

/// The shortest interval: a round may take that long where something is wrong.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The longest: what a blind monitor says in between is believed.
const MAX_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// `[selfcheck]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selfcheck {
    /// Whether there are any.
    pub enabled: bool,
    /// Time between rounds.
    pub interval: Duration,
    /// Addresses of which one must accept TCP.
    pub egress: Vec<SocketAddr>,
    /// A name that must have an address.
    pub dns_name: Option<String>,
}

/// Every key of the table.
pub(super) fn read(table: Table<raw::Selfcheck>, faults: &mut Faults) -> Selfcheck {
    let fix = "write it as a table: [selfcheck]";
    let (_, raw) = table.take("selfcheck", fix, faults).unwrap_or_default();
    let interval = raw.interval.take_spanned("selfcheck.interval", faults);
    if let Some((span, interval)) = &interval
        && !(MIN_INTERVAL..=MAX_INTERVAL).contains(&interval.0)
    {
        let fix = "write a duration in that range";
        faults.add(span, "selfcheck.interval", "self-checks are 1s to 5m apart", fix);
    }
    Selfcheck {
        enabled: raw.enabled.take("selfcheck.enabled", faults).unwrap_or(true),
        interval: interval.map_or(Duration::from_secs(30), |(_, interval)| interval.0),
        egress: raw.egress.take("selfcheck.egress", faults).unwrap_or_default(),
        dns_name: raw.dns_name.take("selfcheck.dns-name", faults).map(|name| name.0),
    }
}

//! `GET /metrics`: every series, rendered from one snapshot.

mod checks;
mod correlation;
mod endpoints;
mod genesys;
mod latency;
mod own;
mod selfcheck;
mod tls;

use crate::casebook::numbers::Numbers;
use crate::check::Check;
use crate::http::exposition::{Exposition, Format, Labels};
use crate::record::snapshot::Snapshot;
use crate::tenant::view::View;

/// How the page is rendered.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Whether reasons that have not struck yet are shown as zeros.
    pub prime_failures: bool,
}

/// A rendered page.
#[derive(Debug)]
pub struct Page {
    /// What is sent.
    pub body: Vec<u8>,
    /// How many samples it holds.
    pub samples: usize,
}

/// Renders a snapshot, and behind it the daemon's own numbers as they were rendered elsewhere.
pub fn render(snapshot: &Snapshot, settings: Settings, format: Format, own: &str) -> Page {
    let (numbers, view) = (Numbers::default(), View::default());
    render_within(Vec::new(), snapshot, (&numbers, &view), settings, format, own)
}

/// The same with what the casebook counts and what is known of the organisation at Genesys Cloud,
/// in room that another page left behind.
pub fn render_within(
    room: Vec<u8>,
    snapshot: &Snapshot,
    (numbers, view): (&Numbers, &View),
    settings: Settings,
    format: Format,
    own: &str,
) -> Page {
    let mut exposition = Exposition::within(room, format);
    // Rendered once for the twenty families that bear them.
    let labels: Vec<Labels> =
        snapshot.checks.iter().map(|record| labels(exposition.labels(), &record.check)).collect();
    checks::write(&mut exposition, snapshot, &labels, settings);
    latency::write(&mut exposition, snapshot);
    tls::write(&mut exposition, snapshot);
    endpoints::write(&mut exposition, snapshot);
    selfcheck::write(&mut exposition, snapshot);
    correlation::write(&mut exposition, numbers);
    genesys::write(&mut exposition, snapshot, view);
    own::write(&mut exposition, own, |family| genesys::is_there(family, view));
    let samples = exposition.samples();
    Page { body: exposition.finish(), samples }
}

/// The labels of a check; those of an origin stay away where no page stands behind it.
fn labels(none: Labels, check: &Check) -> Labels {
    let labels =
        none.with("endpoint", &check.endpoint.name).with("probe", check.probe.kind().as_str());
    match &check.origin {
        Some(rule) => labels.with("origin", &rule.name).with("expect", rule.expect.as_str()),
        None => labels,
    }
}

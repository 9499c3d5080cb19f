//! Whether this monitor can tell good from bad.

use crate::http::exposition::{Exposition, Kind};
use crate::record::snapshot::Snapshot;

/// Writes it.
pub fn write(e: &mut Exposition, snapshot: &Snapshot) {
    let name = "watchpost_selfcheck_success";
    let help =
        "Checks of the monitor by itself. While one is 0, it is blind: nothing is up or down.";
    e.family(name, Kind::Gauge, help);
    for look in snapshot.sight.looks() {
        let labels = e.labels().with("check", look.check.name());
        e.sample(&labels, f64::from(u8::from(look.trouble.is_none())));
    }
}

//! `[correlation]`: how users and probes are held against each other.

use std::time::Duration;

use super::fault::Faults;
use super::field::Table;
use super::raw;
use crate::correlate::Settings;

/// The longest that a window waits for events that are late.
const MAX_SETTLE: Duration = Duration::from_secs(60 * 60);

/// Every key of the table.
pub(super) fn read(table: Table<raw::Correlation>, faults: &mut Faults) -> Settings {
    let fix = "write it as a table: [correlation]";
    let (_, raw) = table.take("correlation", fix, faults).unwrap_or_default();
    let usual = Settings::default();
    let settle = raw.settle.take_spanned("correlation.settle", faults);
    if let Some((span, settle)) = &settle
        && settle.0 > MAX_SETTLE
    {
        let fix = "write 1h or less; what comes later is taken up all the same";
        faults.add(span, "correlation.settle", "a window waits for an hour at the most", fix);
    }
    Settings {
        settle: settle.map_or(usual.settle, |(_, settle)| settle.0),
        silence: raw.silence.take("correlation.silence", faults).unwrap_or(usual.silence),
    }
}

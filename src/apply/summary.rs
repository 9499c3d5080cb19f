//! What a run of the configurator came to, under the names of the seeds.

use std::time::Duration;

use serde::Serialize;

/// Both kinds of deed, as the seeds count them: `metrics` by its own name, the rest beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The counts.
    pub metrics: Metrics,
    /// Milliseconds that a write took on average; `null` where there was none that succeeded.
    pub update_latency_avg: Option<f64>,
    /// The share of writes that succeeded; `null` where there was none.
    pub update_success_rate: Option<f64>,
    /// Milliseconds that a door took to open on average; `null` where none did.
    pub handshake_latency_avg: Option<f64>,
    /// The share of doors that were as declared; `null` where none was tried.
    pub handshake_success_rate: Option<f64>,
}

/// The counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Objects that were to be written.
    pub updates: Tally,
    /// Doors that were tried, each by its last try.
    pub handshakes: Tally,
}

/// How often something was done.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// As it must be.
    pub success: u64,
    /// Not so.
    pub failure: u64,
    /// Milliseconds that those took which have a time.
    pub total_latency: f64,
    #[serde(skip)]
    timed: u64,
}

impl Tally {
    /// One more. A door that is shut, as it must be, has no time in which it opened.
    pub fn add(&mut self, success: bool, latency: Option<f64>) {
        if success {
            self.success += 1;
        } else {
            self.failure += 1;
        }
        if let Some(latency) = latency.filter(|_| success) {
            self.timed += 1;
            self.total_latency += latency;
        }
    }

    fn average(&self) -> Option<f64> {
        (self.timed > 0).then(|| rounded(self.total_latency / self.timed as f64))
    }

    fn rate(&self) -> Option<f64> {
        let all = self.success + self.failure;
        (all > 0).then(|| self.success as f64 / all as f64)
    }
}

impl Summary {
    /// Out of the counts.
    pub fn of(metrics: Metrics) -> Self {
        Self {
            update_latency_avg: metrics.updates.average(),
            update_success_rate: metrics.updates.rate(),
            handshake_latency_avg: metrics.handshakes.average(),
            handshake_success_rate: metrics.handshakes.rate(),
            metrics,
        }
    }
}

/// Milliseconds, to the microsecond.
pub fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

fn rounded(millis: f64) -> f64 {
    (millis * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_divided_by_nothing_is_null() {
        let nothing = serde_json::to_value(Summary::of(Metrics::default())).unwrap();
        let tally = json!({"success": 0, "failure": 0, "totalLatency": 0.0});
        let expected = json!({
            "metrics": {"updates": tally, "handshakes": tally},
            "updateLatencyAvg": null, "updateSuccessRate": null,
            "handshakeLatencyAvg": null, "handshakeSuccessRate": null,
        });
        assert_eq!(nothing, expected);
    }

    #[test]
    fn a_door_that_is_shut_as_declared_succeeds_and_lengthens_no_average() {
        let mut handshakes = Tally::default();
        handshakes.add(true, Some(100.0));
        handshakes.add(true, Some(50.0));
        handshakes.add(true, None);
        handshakes.add(false, Some(9000.0));
        let summary = Summary::of(Metrics { handshakes, ..Metrics::default() });
        assert_eq!(summary.handshake_latency_avg, Some(75.0));
        assert_eq!(summary.handshake_success_rate, Some(0.75));
        assert_eq!(summary.metrics.handshakes.total_latency, 150.0);
    }
}

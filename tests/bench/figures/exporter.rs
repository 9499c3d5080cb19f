//! The yardstick of a scrape: metrics-exporter-prometheus with as many series.

use std::time::Duration;

use metrics::gauge;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rustix::time::{ClockId, clock_gettime};

/// Series of each name, as there are of a gauge with a value for each check.
const SERIES: usize = 10_000;

/// An exporter with this many series, with labels like those of a check.
pub fn with_series(count: usize) -> PrometheusHandle {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        for n in 0..count {
            let name = format!("probe_gauge_number_{}", n / SERIES);
            let endpoint = format!("e{}", n % SERIES / 20);
            let origin = format!("https://app{}.test", n % 20);
            let labels = [
                ("endpoint", endpoint),
                ("probe", "websocket".to_owned()),
                ("origin", origin),
                ("expect", "allow".to_owned()),
            ];
            gauge!(name, &labels).set(n as f64 / 1e6);
        }
    });
    recorder.handle()
}

/// CPU time that it takes to render them.
pub fn render(exporter: &PrometheusHandle) -> Duration {
    let before = cpu();
    let page = exporter.render();
    let took = cpu() - before;
    assert!(!page.is_empty());
    took
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

//! The daemon's pulse: tells the recorder that time passes, and measures how late timers fire.

use std::time::Duration;

use metrics::histogram;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::record::Message;

/// Time between beats.
const BEAT: Duration = Duration::from_millis(100);

/// Beats between runs of the exporter's upkeep: without it, its buffers grow until a scrape.
const UPKEEP_EVERY: u64 = 50;

/// Beats for as long as it is polled.
pub async fn beat(messages: mpsc::Sender<Message>, own: PrometheusHandle) {
    let lag = histogram!("watchpost_runtime_lag_seconds");
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for beat in 1_u64.. {
        let due = beats.tick().await;
        lag.record(Instant::now().saturating_duration_since(due).as_secs_f64());
        // A recorder with a full channel is busy enough; the next beat comes soon.
        messages.try_send(Message::Tick).ok();
        if beat % UPKEEP_EVERY == 0 {
            own.run_upkeep();
        }
    }
}

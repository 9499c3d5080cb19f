//! The daemon's pulse: tells the recorder that time passes, and measures how late timers fire.

use std::sync::Arc;

use metrics::histogram;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::clock::lag::{BEAT, Lag};
use crate::record::Message;

/// Beats between words to the recorder.
const TICK_EVERY: u64 = 10;

/// Beats between runs of the exporter's upkeep: without it, its buffers grow until a scrape.
const UPKEEP_EVERY: u64 = 500;

/// Beats for as long as it is polled, on the thread of the probes.
pub async fn beat(lag: Arc<Lag>, messages: mpsc::Sender<Message>, own: PrometheusHandle) {
    let lags = histogram!("watchpost_runtime_lag_seconds");
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for beat in 1_u64.. {
        let due = beats.tick().await;
        let now = Instant::now();
        lag.beat(due, now);
        lags.record(now.saturating_duration_since(due).as_secs_f64());
        if beat % TICK_EVERY == 0 {
            // A recorder with a full channel is busy enough; the next beat comes soon.
            messages.try_send(Message::Tick).ok();
        }
        if beat % UPKEEP_EVERY == 0 {
            own.run_upkeep();
        }
    }
}

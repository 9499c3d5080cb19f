//! The daemon's own numbers: few, through the `metrics` facade.

use std::sync::OnceLock;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::clock;

/// From what a timer is late by design to what nobody would believe.
///
/// Without buckets the exporter makes summaries, which take 350 KB a series.
const BUCKETS: [f64; 12] =
    [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// From what an event takes on its way to what its sender has kept for a day.
const LAG_BUCKETS: [f64; 10] = [0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3600.0, 21_600.0, 86_400.0];

/// From what the CDN takes to the longest that an answer is waited for.
const REQUEST_BUCKETS: [f64; 8] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the recorder for this process, once.
pub fn install() -> PrometheusHandle {
    let handle = HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)
            .and_then(|builder| {
                let lag = Matcher::Full("watchpost_events_lag_seconds".to_owned());
                builder.set_buckets_for_metric(lag, &LAG_BUCKETS)
            })
            .and_then(|builder| {
                let name = "watchpost_genesys_request_duration_seconds".to_owned();
                builder.set_buckets_for_metric(Matcher::Full(name), &REQUEST_BUCKETS)
            })
            .unwrap_or_else(|error| unreachable!("there are buckets: {error}"));
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::error!("another recorder is installed: own metrics stay empty");
        }
        handle
    });
    describe();
    handle.clone()
}

fn describe() {
    describe_events();
    describe_channel();
    describe_histogram!(
        "watchpost_schedule_delay_seconds",
        Unit::Seconds,
        "How long after its due time a run began."
    );
    describe_histogram!(
        "watchpost_runtime_lag_seconds",
        Unit::Seconds,
        "How late a timer fires in this process. Large values mean that measured times are ours."
    );
    describe_counter!(
        "watchpost_runs_spoiled_total",
        "Runs during which this process was held up: their times are in no histogram."
    );
    describe_gauge!("watchpost_inflight_probes", "Runs under way.");
    describe_counter!("watchpost_probe_panics_total", "Probes that broke. Each is a bug.");
    describe_counter!("watchpost_http_requests_total", "Answers by route and status.");
    describe_counter!(
        "watchpost_http_evicted_total",
        "Connections that were closed for others: they kept this server waiting for longest."
    );
    describe_counter!(
        "watchpost_log_dropped_total",
        "Log lines that were lost: standard error is not read."
    );
    describe_counter!(
        "watchpost_casebook_dropped_total",
        "Runs that incidents and windows do not know of: the casebook was behind."
    );
    describe_gauge!("watchpost_incidents_open", "Open incidents by severity.");
    describe_counter!("watchpost_change_events_total", "Changes that were noticed, by source.");
    describe_counter!(
        "watchpost_notifications_total",
        "Messages about incidents: sent, retried, expired, or refused for good (gone)."
    );
    describe_gauge!("watchpost_notifications_queue_length", "Messages that wait to be sent.");
    describe_gauge!(
        "watchpost_notifications_oldest_seconds",
        Unit::Seconds,
        "For how long the oldest of them waits."
    );
    describe_gauge!("watchpost_store_size_bytes", Unit::Bytes, "Size of the store on disk.");
    describe_gauge!(
        "watchpost_store_oldest_record_timestamp_seconds",
        "When the oldest kept run began. NaN while there is none."
    );
    describe_counter!(
        "watchpost_store_write_failures_total",
        "Batches of results that could not be written."
    );
    describe_gauge!(
        "watchpost_events_inbox_length",
        "Events that nothing was made of yet, on disk or on their way to it."
    );
    describe_gauge!("watchpost_events_inbox_capacity", "As many of them as there may be.");
    describe_gauge!(
        "watchpost_events_inbox_writable",
        "Whether the file of events can be written. Events are refused while it cannot."
    );
    describe_histogram!(
        "watchpost_events_commit_seconds",
        Unit::Seconds,
        "How long a batch of events took until it was on disk."
    );
    describe_counter!(
        "watchpost_events_dead_letter_total",
        "Documents that could not be read, and are kept."
    );
    describe_gauge!(
        "watchpost_events_store_size_bytes",
        Unit::Bytes,
        "Size of the file of events on disk."
    );
    describe_counter!(
        "watchpost_events_store_write_failures_total",
        "Times that the file of events failed."
    );
    describe_gauge!(
        "watchpost_events_oldest_record_timestamp_seconds",
        "When the oldest kept event was stored. NaN while there is none."
    );
    describe_gauge!(
        "watchpost_store_quarantined",
        "Broken files that were set aside and still lie beside the one in use."
    );
    describe_gauge!(
        "watchpost_config_last_reload_successful",
        "Whether the last reading of the config succeeded."
    );
    describe_gauge!(
        "watchpost_config_last_reload_success_timestamp_seconds",
        "When the config in use was read."
    );
    describe_genesys();
    describe_gauge!("watchpost_build_info", "The version, as a label.");
    metrics_process::Collector::default().describe();

    gauge!("watchpost_inflight_probes").set(0.0);
    metrics::counter!("watchpost_probe_panics_total").absolute(0);
    metrics::counter!("watchpost_runs_spoiled_total").absolute(0);
    metrics::counter!("watchpost_store_write_failures_total").absolute(0);
    metrics::counter!("watchpost_http_evicted_total").absolute(0);
    metrics::counter!("watchpost_casebook_dropped_total").absolute(0);
    gauge!("watchpost_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge!("watchpost_config_last_reload_successful").set(1.0);
    let now = clock::now().as_microsecond() as f64 / 1e6;
    gauge!("watchpost_config_last_reload_success_timestamp_seconds").set(now);
}

/// Of the platform API: each is there from when something was asked.
fn describe_genesys() {
    describe_counter!(
        "watchpost_genesys_requests_total",
        "Requests to Genesys Cloud, by what was asked and by status, or why there is none."
    );
    describe_histogram!(
        "watchpost_genesys_request_duration_seconds",
        Unit::Seconds,
        "What a request to Genesys Cloud took up to the head of its answer, or up to its failure."
    );
    describe_gauge!(
        "watchpost_genesys_token_expiry_timestamp_seconds",
        "When the token of the platform API ends."
    );
    describe_gauge!(
        "watchpost_genesys_ratelimit_remaining",
        "How many more calls the platform API would take in its minute, as it said last."
    );
    describe_gauge!("watchpost_genesys_running", "Whether the thread for Genesys Cloud runs.");
    describe_counter!(
        "watchpost_genesys_task_panics_total",
        "Tasks for Genesys Cloud that broke, and began anew. Each is a bug."
    );
    describe_gauge!(
        "watchpost_genesys_discovery_refused",
        "Whether what was discovered makes a config that is refused."
    );
}

/// Of the notification channel: they are there once topics are wanted.
fn describe_channel() {
    describe_gauge!(
        "watchpost_channel_connected",
        "Whether the socket of the notification channel is open."
    );
    describe_gauge!(
        "watchpost_channel_last_frame_timestamp_seconds",
        "When the last frame came over it."
    );
    describe_gauge!(
        "watchpost_channel_topics",
        "Topics that are subscribed to, and those of the config that are not."
    );
    describe_counter!("watchpost_channel_lost_total", "Sockets that were lost, by why.");
    describe_counter!(
        "watchpost_channel_gaps_total",
        "Times in which events may have been missed."
    );
    describe_counter!("watchpost_channel_gap_seconds_total", "How long these were together.");
    describe_counter!(
        "watchpost_channel_backfilled_events_total",
        "Events of these times that were found afterwards."
    );
}

/// Of receivers: each has its own from when it is served.
fn describe_events() {
    describe_counter!(
        "watchpost_events_received_total",
        "Events that were taken in, by what happened."
    );
    describe_counter!(
        "watchpost_events_rejected_total",
        "Requests to a receiver that were not taken in, by why."
    );
    describe_counter!("watchpost_events_duplicate_total", "Events that were there already.");
    describe_counter!(
        "watchpost_events_conflict_total",
        "Events under whose id another one was there already: the first stays."
    );
    describe_counter!(
        "watchpost_events_time_corrected_total",
        "Events whose own time nobody can believe: that of arrival counts."
    );
    describe_gauge!(
        "watchpost_events_last_received_timestamp_seconds",
        "When the last event was taken in."
    );
    describe_histogram!(
        "watchpost_events_lag_seconds",
        Unit::Seconds,
        "How long after it happened an event arrived."
    );
}

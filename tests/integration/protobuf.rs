//! The protobuf page, against the text page of the same moment and against what was recorded.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use watchpost::check::Check;
use watchpost::config::Config;
use watchpost::http::exposition::{Exposition, Format, Histogram, Kind, Native};
use watchpost::http::metrics::{Settings, render};
use watchpost::outcome::Outcome;
use watchpost::outcome::phase::Phase;
use watchpost::record::row::{Row, RunResult};
use watchpost::record::snapshot::Snapshot;
use watchpost::record::state::State;
use watchpost::schedule::slot::{Purpose, Slot};
use watchpost::schedule::{End, SlotEnd};

use crate::fixture::checks::run;
use crate::fixture::daemon::Home;
use crate::fixture::page::{Page, decode};
use crate::fixture::pki::{self, Pki, now, server_config};

const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

fn end(check: &Arc<Check>, number: u64, outcome: Outcome) -> SlotEnd<Outcome> {
    let slot = Slot { number, planned: outcome.started_at, purpose: Purpose::Scheduled };
    SlotEnd { check: check.clone(), slot, delay: Duration::ZERO, end: End::Ran(outcome) }
}

/// What is known after real runs against doors that are open, expired and shut.
async fn recorded() -> Arc<Snapshot> {
    let pki = Pki::new("protobuf");
    let open = pki::open(server_config(pki.good())).await;
    let expired =
        pki::open(server_config(pki.authority.issue(&["door.test"], -20, -10).unwrap())).await;
    let text = format!(
        "[defaults]\norigins = [{{ origin = \"https://a.test\", name = \"a\" }}, {{ origin = \"null\", expect = \"deny\" }}]\n\
         [[endpoints]]\nname = \"open\"\nurl = \"wss://door.test/\"\nprobes = [\"websocket\", \"tls\"]\nteam = \"{}\"\n{}\
         [[endpoints]]\nname = \"expired\"\nurl = \"wss://door.test/\"\n{}\
         [[endpoints]]\nname = \"shut\"\nurl = \"ws://127.0.0.1:9/\"\n",
        "ä \\\\ \\\"team\\\" ".repeat(20),
        pki.keys(&open),
        pki.keys(&expired),
    );
    let config = Config::parse(&pki.ca_file(), &text).unwrap_or_else(|faults| panic!("{faults}"));
    let mut state = State::new(&config.checks, now());
    for (number, check) in config.checks.iter().enumerate() {
        let outcome = run(check).await;
        let place = state.place(&check.id).unwrap();
        state.apply(place, &Row::new(&end(check, number as u64, outcome.clone())));
        state.keep(place, outcome);
    }
    // A phase with times of all sizes.
    let check = &config.checks[0];
    let place = state.place(&check.id).unwrap();
    let mut outcome = run(check).await;
    for octave in 0..26 {
        outcome.observation.phases.set(Phase::Transfer, Duration::from_micros(1 << octave));
        state.apply(place, &Row::new(&end(check, 100 + octave, outcome.clone())));
    }
    state.snapshot(now())
}

/// What the exporter crate says of a counter, a gauge and a histogram.
fn own() -> String {
    let recorder = PrometheusBuilder::new().set_buckets(&[0.0001, 1.0]).unwrap().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        metrics::describe_counter!("watchpost_x_total", "X.");
        metrics::counter!("watchpost_x_total", "handler" => "/metrics").increment(3);
        metrics::describe_gauge!("process_y", "Y.");
        metrics::gauge!("process_y").set(f64::NEG_INFINITY);
        metrics::describe_histogram!("watchpost_z_seconds", "Z.");
        metrics::histogram!("watchpost_z_seconds").record(0.5);
    });
    recorder.handle().render()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_pages_of_a_moment_say_the_same() {
    let snapshot = recorded().await;
    for prime_failures in [true, false] {
        let page = |format| render(&snapshot, Settings { prime_failures }, format, &own());
        let (text, protobuf) = (page(Format::Text), page(Format::Protobuf));
        assert_eq!(text.samples, protobuf.samples);
        let text = Page::of_text(std::str::from_utf8(&text.body).unwrap());
        let protobuf = Page::of_protobuf(&protobuf.body);
        assert!(text.samples.len() > 200 && text.families.len() > 25, "{text:?}");
        assert_eq!(text.families, protobuf.families);
        // The first line that differs says more than both pages.
        for (text, protobuf) in text.samples.iter().zip(&protobuf.samples) {
            assert_eq!(text, protobuf);
        }
        assert_eq!(text.samples.len(), protobuf.samples.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exponential_buckets_hold_what_was_recorded() {
    let snapshot = recorded().await;
    let settings = Settings { prime_failures: false };
    let page = render(&snapshot, settings, Format::Protobuf, "").body;
    let families = decode(&page);
    let family = families
        .iter()
        .find(|family| family.name.as_deref() == Some("probe_phase_duration_seconds"))
        .unwrap();
    let cells: Vec<_> =
        snapshot.latencies.iter().flat_map(|record| record.latency.cells()).collect();
    assert_eq!(family.metric.len(), cells.len());
    for (metric, cell) in family.metric.iter().zip(cells) {
        let histogram = metric.histogram.as_ref().unwrap();
        let count = cell.histogram.len();
        assert_eq!(histogram.sample_count, Some(count));
        assert_eq!(histogram.zero_count, Some(0));
        let buckets = histogram.exponential();
        assert_eq!(buckets.iter().map(|(_, count)| count).sum::<u64>(), count);
        let mut below = 0;
        for (bound, count) in &buckets {
            below += count;
            let up_to = cell.histogram.count_between(0, (bound * 1e6 * 1.005) as u64);
            let surely = cell.histogram.count_between(0, (bound * 1e6 * 0.995) as u64);
            assert!((surely..=up_to).contains(&below), "{bound}: {surely} {below} {up_to}");
        }
        let created = histogram.created_timestamp.unwrap();
        let since = cell.since.unwrap();
        assert_eq!(created.seconds, Some(since.as_second()));
        assert_eq!(created.nanos, Some(since.subsec_nanosecond()));
        assert!(since > snapshot.started_at && since < snapshot.taken_at);
        if (cell.phase, cell.result) == (Phase::Transfer, RunResult::Success) {
            // One for each doubling, and gaps between them.
            assert_eq!((buckets.len(), histogram.positive_span.len()), (26, 26));
        }
    }
}

#[test]
fn a_histogram_without_values_is_native_all_the_same() {
    let mut e = Exposition::new(Format::Protobuf);
    e.family("x", Kind::Histogram, "X.");
    let native = Some(Native::new([]));
    let histogram = Histogram { buckets: &[(1.0, 0)], count: 0, sum: 0.0, native, since: None };
    e.histogram(&e.labels(), &histogram);
    let families = decode(&e.finish());
    let read = families[0].metric[0].histogram.as_ref().unwrap();
    assert!(read.zero_threshold.unwrap() > 0.0);
    let spans: Vec<_> = read.positive_span.iter().map(|s| (s.offset, s.length)).collect();
    assert_eq!(spans, [(Some(0), Some(0))]);
    assert_eq!((read.positive_delta.len(), read.created_timestamp), (0, None));
}

#[test]
fn messages_of_every_length_are_read_back() {
    // Lengths with one, two and three bytes, and both sides of each edge.
    for length in (100..140).chain(16_300..16_400).chain([3_000_000]) {
        let mut e = Exposition::new(Format::Protobuf);
        let value = "x".repeat(length);
        e.family("a", Kind::Gauge, "A.");
        e.sample_with(&e.labels().with("before", &value), &[("after", &value)], 1.5);
        e.family("b_total", Kind::Counter, "B.");
        e.sample(&e.labels(), u64::from(u32::MAX));
        let page = Page::of_protobuf(&e.finish());
        let expected = format!("a{{before=\"{value}\",after=\"{value}\"}}");
        assert!(page.samples[0] == (expected, 1.5_f64.to_bits()), "{length}");
        assert_eq!(page.samples[1], ("b_total".to_owned(), f64::from(u32::MAX).to_bits()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_protobuf_gets_all_series_in_it() {
    let home = Home::new(
        "[defaults]\ninterval = \"1s\"\n[[endpoints]]\nname = \"shut\"\nurl = \"ws://127.0.0.1:9/\"\n",
    );
    let daemon = home.start();
    daemon.wait_for_line("down check=shut");
    // Answers are counted behind the first.
    daemon.get("/metrics");
    let (head, page) = daemon.get_bytes("/metrics", &format!("Accept: {PROTOBUF}\r\n"));
    assert!(
        head.contains("content-type: application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"),
        "{head}"
    );
    let protobuf = Page::of_protobuf(&page);
    let (head, text) = daemon.get_with("/metrics", "Accept: text/plain\r\n");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let text = Page::of_text(&text);
    assert_eq!(text.series(), protobuf.series());
    assert_eq!(text.families, protobuf.families);
    assert!(text.families.contains_key("process_cpu_seconds_total"));
    assert!(text.families.contains_key("watchpost_runtime_lag_seconds"));
}

//! Strings from outside: whatever a server puts wherever it can, every sink shows it as text.

mod edge;
mod organisation;
mod sinks;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt;
use serde_json::Value;
use watchpost::cli::screen::Screen;
use watchpost::outcome::Outcome;
use watchpost::probe::Prober;
use watchpost::report::Report;

use crate::fixture::daemon::{Daemon, Home, watchpost};
use crate::fixture::hostile::{acts, harmless, strings};
use crate::fixture::nameserver::{self, Answer};
use crate::fixture::{checks, pki};
use edge::{Certificates, FIELDS, endpoints, origin};

/// Every string in every field, by the daemon's own probe.
#[tokio::test(flavor = "multi_thread")]
async fn the_screen_and_the_report_show_text() {
    let strings = strings();
    let server = edge::serve().await;
    let certificates = Certificates::mint();
    let tls = pki::open(certificates.server_config()).await;
    let config = endpoints(&server, 4) + &certificates.endpoints(&tls, strings.len());
    let config = watchpost::config::Config::parse(std::path::Path::new("/x.toml"), &config)
        .unwrap_or_else(|faults| panic!("{faults}"));
    let prober = Prober::new(&config.endpoints, &[], None);
    let runs = futures_util::stream::iter(&config.checks)
        .map(|check| async { (check.clone(), prober.run(check, 0).await) });
    let runs: Vec<(Arc<_>, Outcome)> = runs.buffer_unordered(32).collect().await;
    assert_eq!(runs.len(), (FIELDS.len() + 1) * strings.len());

    let mut reasons = BTreeSet::new();
    for run in &runs {
        reasons.insert(run.1.failure.as_ref().map_or("none", |failure| failure.reason().code()));
        let screen = Screen { runs: std::slice::from_ref(run), now: pki::now() }.to_string();
        sinks::screen(&screen);
        let json = serde_json::to_string_pretty(&Report::new(&run.0, &run.1)).unwrap();
        harmless("report", &json);
        sinks::json("report", &serde_json::from_str(&json).unwrap());
        assert!(json.len() < 256 * 1024, "{} bytes of {}", json.len(), run.0.id);
    }
    // The strings have arrived where they were sent to.
    for reason in [
        "bad_accept",
        "bad_connection_header",
        "bad_subprotocol",
        "bad_upgrade_header",
        "cert_hostname_mismatch",
        "closed_by_server",
        "frame_too_big",
        "http_malformed",
        "message_unmatched",
        "tls_alert",
        "unrequested_extension",
        "upgrade_redirected",
        "upgrade_refused",
    ] {
        assert!(reasons.contains(reason), "no {reason} among {reasons:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_prints_what_the_screen_holds() {
    let server = edge::serve().await;
    let strings = strings();
    let hostile = strings.iter().enumerate().filter(|(_, bytes)| {
        String::from_utf8_lossy(bytes).chars().filter(|c| acts(*c)).count() > 2
    });
    for (field, (index, _)) in FIELDS.iter().cycle().zip(hostile.step_by(3)).take(20) {
        let url = format!("ws://{}/{field}", server.address);
        let output = tokio::task::spawn_blocking(move || {
            watchpost(&["check", &url, "--timeout", "300ms", "--origin", &origin(index)])
                .env("CLICOLOR_FORCE", "1")
                .output()
                .unwrap()
        });
        let output = output.await.unwrap();
        let screen = String::from_utf8(output.stdout).unwrap();
        assert!(screen.contains("\u{1b}["), "colours are on");
        sinks::screen(&screen);
    }
}

/// Aliases with hostile labels, and response codes that nobody has defined.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_server_is_a_stranger_too() {
    let server = edge::serve().await;
    let url = format!("ws://name.test:{}/phrase", server.address.port());
    let check = checks::check(&url, "origins = [{ origin = \"https://s0.test\" }]");
    let labels = strings().into_iter().filter(|label| (1..64).contains(&label.len()));
    let aliases = labels.map(|label| Answer::Alias(label, std::net::Ipv4Addr::LOCALHOST));
    let mut arrived = 0;
    for answer in aliases.chain((1..16).map(Answer::Code)) {
        let address = nameserver::serve(answer).await;
        let run = (check.clone(), checks::run_asking(&check, &[address]).await);
        arrived += usize::from(run.1.observation.http_status.is_some());
        sinks::screen(&Screen { runs: std::slice::from_ref(&run), now: pki::now() }.to_string());
        harmless("report", &serde_json::to_string(&Report::new(&run.0, &run.1)).unwrap());
    }
    assert!(arrived > 150, "{arrived} aliases were followed");
}

/// Starts a daemon over all of it; waits until every check has run.
async fn watched(log_format: &str) -> (Home, Daemon, Vec<String>, edge::Certificates) {
    let server = edge::serve().await;
    let certificates = Certificates::mint();
    let tls = pki::open(certificates.server_config()).await;
    let config = format!(
        "log-format = \"{log_format}\"\nprime-failures = false\n\
         [defaults]\ninterval = \"10s\"\ntimeout = \"1s\"\nhealth = {{ down-after = 1 }}\n{}{}",
        endpoints(&server, 16),
        certificates.endpoints(&tls, strings().len())
    );
    let home = Home::new(&config);
    let daemon = home.start();
    let mut waiting: BTreeSet<_> = watchpost::config::Config::load(&home.config())
        .unwrap()
        .checks
        .iter()
        .map(|check| check.id.to_string())
        .collect();
    let lines = tokio::task::block_in_place(|| {
        daemon.lines_until(|line| {
            if let Some(check) = sinks::check_of(line) {
                waiting.remove(check);
            }
            waiting.is_empty()
        })
    });
    (home, daemon, lines, certificates)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_log_shows_text() {
    let (_home, _daemon, lines, _certificates) = watched("text").await;
    for line in &lines {
        harmless("text log", line);
        sinks::log_line(line);
    }
    assert!(lines.iter().any(|line| line.contains("evidence=")), "nothing was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_daemon_serves_and_keeps_shows_text() {
    let (home, mut daemon, lines, _certificates) = watched("json").await;
    for line in &lines {
        harmless("JSON log", line);
        sinks::json("JSON log", &serde_json::from_str(line).unwrap());
    }
    for accept in ["text/plain", "application/openmetrics-text"] {
        let (_, page) = daemon.get_with("/metrics", &format!("Accept: {accept}\r\n"));
        sinks::exposition(&page, accept == "application/openmetrics-text");
        assert!(page.contains("subject=\"CN=\\\\\\\"}·up 1\""), "a subject has come through");
    }
    let accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    sinks::protobuf(&daemon.get_bytes("/metrics", &format!("Accept: {accept}\r\n")).1);
    let api = daemon.get("/api/v1/checks");
    harmless("API", &api);
    let api: Value = serde_json::from_str(&api).unwrap();
    sinks::json("API", &api);
    let checks = api["checks"].as_array().unwrap();
    let mut pages = vec!["/".to_owned(), "/certificates".to_owned()];
    let endpoints: BTreeSet<_> = checks
        .iter()
        .map(|check| check["id"].as_str().unwrap().split('/').next().unwrap().to_owned())
        .collect();
    pages.extend(endpoints.iter().map(|name| format!("/endpoint/{name}")));
    let incidents: Value = serde_json::from_str(&daemon.get("/api/v1/incidents")).unwrap();
    let incidents = incidents["incidents"].as_array().unwrap();
    assert!(!incidents.is_empty(), "something is down");
    pages.extend(incidents.iter().map(|one| format!("/incident/{}", one["id"].as_str().unwrap())));
    let mut scripts = 0;
    for path in pages {
        let page = daemon.get(&path);
        sinks::html(&page);
        assert!(page.len() < 50_000, "{path}: {} bytes", page.len());
        scripts += page.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count();
        harmless("text", &daemon.get_with(&path, "Accept: text/plain\r\n").1.replace('\n', ""));
        let (head, json) = daemon.get_with(&path, "Accept: application/json\r\n");
        assert!(head.contains("application/json"), "{path}: {head}");
        sinks::json(&path, &serde_json::from_str(&json).unwrap());
    }
    assert!(scripts > 3, "a script has come through, and is text");

    daemon.signal("TERM");
    assert!(daemon.wait().success());
    let ids = checks.iter().map(|check| check["id"].as_str().unwrap().to_owned()).collect();
    sinks::store(&home.path().join("watchpost.db"), &ids);
}

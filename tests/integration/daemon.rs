//! The running daemon, seen from outside.

use serde_json::Value;

use crate::fixture::daemon::{Daemon, Home};
use crate::fixture::raw::{self, OPEN};

/// A daemon over one open door, one that refuses and one that nobody answers.
async fn watching() -> (Home, Daemon) {
    let open = raw::answering(OPEN).await;
    let refusing = raw::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    let home = Home::new(&format!(
        "[defaults]\ninterval = \"1s\"\n\
         [[endpoints]]\nname = \"open\"\nurl = \"ws://{}/\"\nteam = \"web\"\n\
         origins = [{{ origin = \"https://a.test\", name = \"a\" }}, {{ origin = \"https://evil.test\", expect = \"deny\" }}]\n\
         [[endpoints]]\nname = \"refusing\"\nurl = \"ws://{}/\"\n",
        open.address, refusing.address
    ));
    let daemon = home.start();
    (home, daemon)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_shows_what_was_seen() {
    let (_home, daemon) = watching().await;
    daemon.wait_for_line("check=open/websocket/a result=success");
    daemon.wait_for_line("check=refusing/websocket/none result=failure reason=upgrade_refused phase=upgrade status=403");
    let page = daemon.get("/metrics");
    let open = "endpoint=\"open\",probe=\"websocket\",origin=\"a\",expect=\"allow\"";
    let refusing = "endpoint=\"refusing\",probe=\"websocket\",origin=\"none\",expect=\"allow\"";
    for line in [
        format!("probe_success{{{open}}} 1\n"),
        format!("probe_up{{{open}}} 1\n"),
        format!("probe_websocket_status_code{{{open}}} 101\n"),
        format!("probe_websocket_connection_upgraded{{{open}}} 1\n"),
        format!("probe_failures_total{{{open},phase=\"upgrade\",reason=\"upgrade_refused\"}} 0\n"),
        format!("probe_success{{{refusing}}} 0\n"),
        format!("probe_websocket_status_code{{{refusing}}} 403\n"),
        format!(
            "probe_failure_info{{{refusing},phase=\"upgrade\",reason=\"upgrade_refused\"}} 1\n"
        ),
        "probe_interval_seconds{endpoint=\"open\",probe=\"websocket\"} 1\n".to_owned(),
        "probe_origin_info{origin=\"a\",url=\"https://a.test\"} 1\n".to_owned(),
    ] {
        assert!(page.contains(&line), "no {line} in\n{page}");
    }
    assert!(!page.contains(&format!("probe_up{{{refusing}}} 1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_page_that_is_let_in_is_down() {
    let (_home, daemon) = watching().await;
    daemon.wait_for_line("down check=open/websocket/https://evil.test");
    let page = daemon.get("/metrics");
    let evil = "endpoint=\"open\",probe=\"websocket\",origin=\"https://evil.test\",expect=\"deny\"";
    assert!(page.contains(&format!("probe_up{{{evil}}} 0\n")));
    assert!(page.contains(&format!("probe_websocket_connection_upgraded{{{evil}}} 1\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_format_is_negotiated() {
    let (_home, daemon) = watching().await;
    let (head, page) =
        daemon.get_with("/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n");
    assert!(
        head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{head}"
    );
    assert!(page.ends_with("# EOF\n") && page.contains("# TYPE probe_runs counter\n"));
    let (head, page) = daemon.get_with("/metrics", "");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(!page.contains("# EOF") && page.contains("# TYPE probe_runs_total counter\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_the_api_say_the_same() {
    let (_home, daemon) = watching().await;
    daemon.wait_for_line("down check=refusing/websocket/none");
    let page = daemon.get("/");
    assert!(
        page.contains("refusing") && page.contains("upgrade_refused") && page.contains("▼ down"),
        "{page}"
    );
    let api: Value = serde_json::from_str(&daemon.get("/api/v1/checks")).unwrap();
    let checks = api["checks"].as_array().unwrap();
    let refusing = checks.iter().find(|check| check["id"] == "refusing/websocket/none").unwrap();
    assert_eq!(
        (&refusing["health"], &refusing["last"]["reason"]),
        (&"down".into(), &"upgrade_refused".into())
    );
    assert!(refusing["percentiles"]["phases"]["upgrade"]["p99"].as_f64().unwrap() > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_lets_nothing_in_from_elsewhere() {
    let (_home, daemon) = watching().await;
    let (head, _) = daemon.get_with("/", "");
    for part in [
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
    ] {
        assert!(head.contains(part), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_writes_stays_text() {
    let hostile = raw::answering(
        "HTTP/1.1 403 <script>alert(1)</script>\r\nContent-Length: 44\r\n\r\n\
         </td><script>alert(2)</script>\x1b[2J\"}\nup 1\n",
    )
    .await;
    let home = Home::new(&format!(
        "log-format = \"json\"\n[[endpoints]]\nname = \"hostile\"\ninterval = \"1s\"\nurl = \"ws://{}/\"\n",
        hostile.address
    ));
    let daemon = home.start();
    let line = daemon.wait_for_line("upgrade_refused");
    assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line}");
    let page = daemon.get("/");
    assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
    assert!(!page.contains('\u{1b}'));
    assert!(!daemon.get("/metrics").contains("<script>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_endpoints_answer() {
    let (_home, daemon) = watching().await;
    assert_eq!(daemon.get("/-/healthy"), "ok\n");
    assert_eq!(daemon.get("/-/ready"), "ready\n");
    let (head, _) = daemon.get_with("/no/such/page", "");
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
}

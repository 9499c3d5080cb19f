//! A door that shuts and opens again, and what is told of that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::fixture::daemon::{Daemon, Home, PATIENCE, watchpost};
use crate::fixture::pki::{self, HOST, Pki};
use crate::fixture::raw::{self, OPEN, Server};

/// A refusal with what nobody else may read.
const SHUT: &str = "HTTP/1.1 403 Forbidden\r\nSet-Cookie: sid=hunter2\r\n\
    WWW-Authenticate: Digest nonce=\"hunter2\"\r\nLocation: /login?code=hunter2\r\n\
    X-Node: <b>7</b>\r\nContent-Length: 0\r\n\r\n";

/// A door that somebody opens and shuts.
pub struct Door {
    pub server: Server,
    shut: Arc<AtomicBool>,
}

impl Door {
    pub async fn open() -> Self {
        let shut = Arc::new(AtomicBool::new(false));
        let is_shut = shut.clone();
        let server = raw::serve(move |mut stream| {
            let answer = if is_shut.load(Ordering::SeqCst) { SHUT } else { OPEN };
            async move {
                raw::answer(&mut stream, answer).await;
                raw::hold(stream).await;
            }
        })
        .await;
        Self { server, shut }
    }

    pub fn shut(&self, shut: bool) {
        self.shut.store(shut, Ordering::SeqCst);
    }

    /// A config that watches it.
    pub fn config(&self, keys: &str) -> String {
        format!(
            "admin = true\n[[endpoints]]\nname = \"door\"\ninterval = \"1s\"\nurl = \"ws://{}/\"\n\
             team = \"web\"\nhealth = {{ confirm-delay = \"1s\" }}\n{keys}",
            self.server.address
        )
    }
}

/// Asks until an answer is as it shall be.
#[track_caller]
pub fn until(daemon: &Daemon, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer: Value = serde_json::from_str(&daemon.get(path)).unwrap();
        if is(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{path}: {answer:#}");
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
}

/// The only incident, once it is open or closed.
pub fn incident(daemon: &Daemon, open: bool) -> Value {
    let is = |answer: &Value| {
        let first = &answer["incidents"][0];
        first.is_object() && first["closed_at"].is_null() == open
    };
    until(daemon, "/api/v1/incidents", is)["incidents"][0].clone()
}

fn said(home: &Home, args: &[&str]) -> String {
    let mut command = watchpost(&["incidents"]);
    let output = command.args(args).arg("--config").arg(home.config()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Waits until the file says so: what the API knows may be on its way there.
fn listed(home: &Home, text: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !said(home, &["list"]).contains(text) {
        assert!(Instant::now() < deadline, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_of_a_door_that_shuts() {
    let door = Door::open().await;
    let home = Home::new(&door.config(""));
    let mut daemon = home.start();
    daemon.wait_for_line("result=success");
    assert_eq!(said(&home, &[]), "no incidents\n");
    let (head, _) = daemon.post("/-/reload", "Content-Length: 0\r\n");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    door.shut(true);
    let summary = incident(&daemon, true);
    assert_eq!((&summary["trouble"], &summary["severity"]), (&"outage".into(), &"major".into()));
    let id = summary["id"].as_str().unwrap().to_owned();
    daemon.metrics_until("an open incident", PATIENCE, |page| {
        page.contains("watchpost_incidents_open{severity=\"major\"} 1\n")
            && page.contains("watchpost_incidents_open{severity=\"critical\"} 0\n")
            && page.contains("watchpost_change_events_total{source=\"config\"} 1\n")
    });

    // Nothing but the file knows of it: the process has no time for an orderly end.
    listed(&home, &id);
    daemon.signal("KILL");
    daemon.wait();
    assert!(said(&home, &["list"]).contains("open"));
    let daemon = home.start();
    assert_eq!(incident(&daemon, true)["id"], *id);
    door.shut(false);
    let summary = incident(&daemon, false);
    assert_eq!(
        (&summary["id"], &summary["closed_because"]),
        (&id.clone().into(), &"recovered".into())
    );

    let path = format!("/api/v1/incidents/{id}");
    let detail: Value = serde_json::from_str(&daemon.get(&path)).unwrap();
    let timeline = detail["timeline"].as_array().unwrap();
    let place = |kind: &str| timeline.iter().position(|entry| entry["kind"] == kind);
    let order = ["change", "first_bad", "down", "opened", "up", "closed"];
    let places: Vec<_> = order.iter().map(|kind| place(kind).expect(kind)).collect();
    assert!(places.is_sorted(), "{timeline:#?}");
    assert_eq!(timeline[places[1]]["cause"]["reason"], "upgrade_refused");
    assert_eq!((&detail["whose"], &detail["severity_points"]), (&"you".into(), &50.into()));
    assert_eq!(detail["owner"]["team"], "web");

    let first = &detail["evidence"][0];
    let bundle = daemon.get(&format!("{path}/evidence/{}", first["n"]));
    assert!(!bundle.contains("hunter2"), "{bundle}");
    assert!(bundle.contains("/login?(left out)") && bundle.contains("<b>7</b>"), "{bundle}");
    let parsed: Value = serde_json::from_str(&bundle).unwrap();
    assert_eq!(parsed["addresses_known"][0], door.server.address.to_string());
    assert_eq!(parsed["clock"]["phases"][0]["begin"], 0.0);

    let (head, page) = daemon.get_with(&path, "Accept: text/markdown\r\n");
    assert!(head.contains("content-type: text/markdown; charset=utf-8"), "{head}");
    assert_eq!(page, daemon.get(&format!("{path}?format=markdown")));
    assert!(page.starts_with("# door: outage (major)\n"), "{page}");
    for heading in [
        "Impact",
        "Severity",
        "Timeline",
        "What changed before",
        "Conversations",
        "Evidence",
        "What to check next",
    ] {
        assert!(page.contains(&format!("\n## {heading}")), "{heading} in {page}");
    }

    // The same by the command line, whether or not the daemon runs.
    listed(&home, "closed");
    drop(daemon);
    assert_eq!(said(&home, &["export", &id, "--markdown"]), page);
    let shown = said(&home, &["show", &id]);
    assert!(shown.lines().count() <= 40 && shown.contains("incident closed: recovered"), "{shown}");
    assert!(!shown.contains('\u{1b}'));
    let json: Value = serde_json::from_str(&said(&home, &["show", &id, "--json"])).unwrap();
    assert_eq!(json, detail);
    let json: Value =
        serde_json::from_str(&said(&home, &["evidence", &id, &first["n"].to_string()])).unwrap();
    assert_eq!(json, parsed);
    let none =
        watchpost(&["incidents", "show", "none", "--config"]).arg(home.config()).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
}

/// The changes that the only incident was told of, once it is open.
fn changes(daemon: &Daemon) -> Vec<Value> {
    let id = incident(daemon, true)["id"].as_str().unwrap().to_owned();
    let detail: Value =
        serde_json::from_str(&daemon.get(&format!("/api/v1/incidents/{id}"))).unwrap();
    let timeline = detail["timeline"].as_array().unwrap();
    timeline.iter().filter(|entry| entry["kind"] == "change").cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_swapped_is_a_change() {
    let (ours, theirs) = (Pki::new("ours"), Pki::new("theirs"));
    let acceptor = |pki: &Pki| TlsAcceptor::from(Arc::new(pki::server_config(pki.good())));
    let (good, bad) = (acceptor(&ours), acceptor(&theirs));
    let swapped = Arc::new(AtomicBool::new(false));
    let is_swapped = swapped.clone();
    let server = raw::serve(move |stream| {
        let acceptor = if is_swapped.load(Ordering::SeqCst) { &bad } else { &good };
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                raw::answer(&mut stream, OPEN).await;
                raw::hold(stream).await;
            }
        }
    })
    .await;
    let home = Home::new(&format!(
        "[[endpoints]]\nname = \"door\"\ninterval = \"1s\"\nurl = \"wss://{HOST}/\"\n\
         health = {{ confirm-delay = \"1s\" }}\n{}",
        ours.keys(&server)
    ));
    let daemon = home.start();
    daemon.wait_for_line("result=success");
    swapped.store(true, Ordering::SeqCst);
    let changes = changes(&daemon);
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0]["source"], "certificate");
    let what = changes[0]["what"].as_str().unwrap();
    let address = server.address;
    assert!(what.starts_with(&format!("{address} presents certificate ")), "{what}");
    let who = changes[0]["who"].as_str().unwrap();
    assert!(who.starts_with("CN=") && !who.contains(HOST), "the issuer: {who}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_contact_centre_is_told_of_in_the_next_incident() {
    let door = Door::open().await;
    let receiver = "[[receivers]]\nname = \"genesys\"\n\
        auth = [{ bearer = { values = [{ file = \"key\" }] } }]\n";
    let home = Home::new(&door.config(receiver));
    let key = "0123456789abcdef0123456789abcdef";
    std::fs::write(home.path().join("key"), key).unwrap();
    let daemon = home.start();
    daemon.wait_for_line("result=success");
    let body = r#"{"topicName":"v2.webdeployments.deployments.d-1",
        "eventBody":{"id":"d-1","status":"Active"}}"#;
    let length = body.len();
    let headers = format!(
        "Authorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n"
    );
    // Twice: it comes at least once.
    for _ in 0..2 {
        let (head, _) = daemon.post_with("/hooks/genesys", &headers, body);
        assert!(head.starts_with("HTTP/1.1 2"), "{head}");
    }
    daemon.metrics_until("a change", PATIENCE, |page| {
        page.contains("watchpost_change_events_total{source=\"deployment\"} 1\n")
    });
    door.shut(true);
    let changes = changes(&daemon);
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0]["source"], "deployment");
    let what = changes[0]["what"].as_str().unwrap();
    assert!(what.contains("d-1") && what.ends_with("; now Active"), "{what}");
    let page = daemon.get("/");
    assert!(page.contains("<h2>What changed</h2>") && page.contains("deployment: <bdi>"), "{page}");
    // Killed and begun anew, it is the same change.
    drop(daemon);
    let daemon = home.start();
    daemon.wait_for_line("result=failure");
    assert_eq!(self::changes(&daemon).len(), 1);
    let listed = until(&daemon, "/api/v1/changes?source=deployment&endpoint=door", |answer| {
        !answer["changes"][0].is_null()
    });
    assert_eq!(listed["changes"].as_array().unwrap().len(), 1, "{listed:#}");
    assert_eq!(listed["changes"][0]["what"], what);
    let is_empty = |answer: &Value| answer["changes"][0].is_null();
    until(&daemon, "/api/v1/changes?source=audit", is_empty);
    until(&daemon, "/api/v1/changes?since=2999-01-01T00:00:00Z", is_empty);
    let (head, told) = daemon.get_with("/api/v1/changes?source=gossip", "");
    assert!(head.starts_with("HTTP/1.1 400") && told.contains("write one of config,"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_nobody_can_answer_are_refused() {
    let door = Door::open().await;
    let home = Home::new(&door.config(""));
    let daemon = home.start();
    for (path, status) in [
        ("/api/v1/incidents?limit=0", 400),
        ("/api/v1/incidents?limit=x", 400),
        ("/api/v1/incidents?state=ajar", 400),
        ("/api/v1/incidents?since=yesterday", 400),
        ("/api/v1/incidents?endpoint=a%20b", 400),
        ("/api/v1/incidents?colour=red", 400),
        ("/api/v1/incidents/none", 404),
        ("/api/v1/incidents/none?format=pdf", 400),
        ("/api/v1/incidents/none/evidence/1", 404),
        ("/api/v1/incidents/none/evidence/x", 400),
        (
            "/api/v1/incidents?state=open&endpoint=door&limit=100&since=2026-01-01T00:00:00Z&cursor=x",
            200,
        ),
    ] {
        let (head, body) = daemon.get_with(path, "");
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {head}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error"].is_string(), status != 200, "{path}: {body}");
    }
}

#[test]
fn the_document_names_every_route() {
    let document: Value =
        serde_json::from_str(include_str!("../../src/http/openapi.json")).unwrap();
    let routes = include_str!("../../src/http.rs").split("\"/api/").skip(1);
    let built: std::collections::BTreeSet<_> =
        routes.map(|rest| format!("/api/{}", rest.split('"').next().unwrap())).collect();
    let told = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(built, told);
}

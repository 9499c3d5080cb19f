//! A drill: something is red beside what is watched, whoever is told of an endpoint is told, and it
//! ends by itself.

use serde_json::Value;

use crate::fixture::daemon::{Daemon, Home, PATIENCE, watchpost};
use crate::fixture::receiver::Receiver;
use crate::incidents::{Door, until};

/// 32 bytes.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn home(door: &Door, receiver: &Receiver) -> Home {
    let notify = format!(
        "[[notify]]\nname = \"ops\"\nwebhook = \"http://{0}/in\"\nsecret = {{ file = \"secret\" }}\n\
         external-url = \"https://watch.test\"\n\
         [[notify]]\nname = \"prometheus\"\nalertmanager = \"http://{0}/am\"\n",
        receiver.address
    );
    let home = Home::new(&door.config(&notify));
    std::fs::write(home.path().join("secret"), SECRET).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_is_red_is_told_of_and_ends_by_itself() {
    let door = Door::open().await;
    let mut receiver = Receiver::answering(&[]).await;
    let home = home(&door, &receiver);
    let daemon = home.start();
    let red = "probe_up{endpoint=\"~drill-door\",probe=\"websocket\"} 0\n";
    let up = "probe_up{endpoint=\"door\",probe=\"websocket\",origin=\"none\",expect=\"allow\"} 1\n";
    daemon.metrics_until("up", PATIENCE, |page| page.contains(up) && !page.contains("~drill"));

    let (head, body) = daemon.post("/-/drill?endpoint=door&seconds=4&by=eve%1b%5b2J", "");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}{body}");
    let begun: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(begun["drill"]["label"], "~drill-door");
    assert_eq!(begun["drill"]["by"], "eve·[2J");
    let page = daemon.get("/metrics");
    assert!(page.contains(red) && page.contains(up), "{page}");
    assert!(
        page.contains("probe_endpoint_info{endpoint=\"~drill-door\",")
            && page.contains("team=\"web\"")
    );
    assert!(!page.contains(
        "probe_runs_total{endpoint=\"~drill-door\",probe=\"websocket\",result=\"failure\"} 1"
    ));
    // One at a time; and no page shows it as something that is watched.
    let (head, _) = daemon.post("/-/drill?endpoint=door&seconds=4", "");
    assert!(head.starts_with("HTTP/1.1 409"), "{head}");
    assert!(!daemon.get("/api/v1/checks").contains("~drill"));

    let why = "probe_failure_info{endpoint=\"~drill-door\",probe=\"websocket\",phase=\"none\",\
        reason=\"drill\"} 1";
    assert!(page.contains(why), "alerts join on it: {page}");
    // Whoever looks while it goes on is told so first.
    for path in ["/", "/endpoint/door", "/endpoint/~drill-door"] {
        let (_, html) = daemon.get_with(path, "Accept: text/html\r\n");
        assert!(html.contains("<h2>A drill is under way</h2>"), "{path}: {html}");
        let (_, text) = daemon.get_with(path, "Accept: text/plain\r\n");
        assert!(text.contains("A drill is under way until "), "{path}: {text}");
    }

    let mut opened = vec![receiver.next().await, receiver.next().await];
    opened.sort_by_key(|request| request.head.contains("/am"));
    let [webhook, alerts] = opened.as_slice() else { unreachable!() };
    let told = webhook.json();
    assert_eq!((&told["type"], &told["data"]["drill"]), (&"incident.opened".into(), &true.into()));
    let url = told["data"]["url"].as_str().unwrap().strip_prefix("https://watch.test").unwrap();
    says_that_it(&daemon, "is", url);
    let alerts = alerts.json();
    assert_eq!(alerts[0]["labels"]["drill"], "true");
    assert_eq!(alerts[0]["endsAt"], begun["drill"]["ends_at"]);

    let over = until(&daemon, "/api/v1/drill", |last| {
        let told = last["drill"]["told"].as_array().unwrap();
        last["drill"]["over"] == true
            && told.len() == 4
            && told.iter().all(|one| one["result"] == "sent")
    });
    assert_eq!(over["drill"]["endpoint"], "door");
    daemon
        .metrics_until("no drill", PATIENCE, |page| page.contains(up) && !page.contains("~drill"));
    let changes = until(&daemon, "/api/v1/changes?source=drill", |changes| {
        changes["changes"].as_array().unwrap().len() == 2
    });
    let ended = changes["changes"][0]["what"].as_str().unwrap();
    assert!(
        ended.starts_with("a drill has ended; ") && ended.contains("ops of incident.closed: sent"),
        "{ended}"
    );
    assert_eq!(changes["changes"][0]["endpoint"], "door");
    says_that_it(&daemon, "was", url);
    assert!(!daemon.get("/").contains("A drill is"), "the banner is gone");
    // It was no incident.
    let incidents: Value = serde_json::from_str(&daemon.get("/api/v1/incidents")).unwrap();
    assert_eq!(incidents["incidents"], serde_json::json!([]));
    // A link that was sent leads there also where the daemon has begun anew since.
    drop(daemon);
    let daemon = home.start();
    says_that_it(&daemon, "was", url);
    let (head, _) = daemon.get_with("/incident/20261121T120000Z-~drill", "");
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
}

/// What the messages of a drill lead to says what it is, in each form.
#[track_caller]
fn says_that_it(daemon: &Daemon, was: &str, url: &str) {
    let ticket = daemon.get(url);
    assert!(ticket.starts_with(&format!("# This {was} a drill")), "{ticket}");
    let api = url.split('?').next().unwrap();
    let known: Value = serde_json::from_str(&daemon.get(api)).unwrap();
    assert_eq!(known["drill"]["endpoint"], "door");
    assert_eq!(known["drill"]["over"], was == "was");
    let path = api.replace("/api/v1/incidents/", "/incident/");
    let (head, html) = daemon.get_with(&path, "Accept: text/html\r\n");
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
    assert!(html.contains(&format!("<h2>This {was} a drill</h2>")), "{html}");
    let (_, text) = daemon.get_with(&path, "Accept: */*\r\n");
    assert!(text.starts_with(&format!("This {was} a drill")) && text.contains("ops of"), "{text}");
    let (_, json) = daemon.get_with(&path, "Accept: application/json\r\n");
    assert!(json.contains("\"drill\":{"), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_is_for_whoever_may_tell_the_daemon_something() {
    let door = Door::open().await;
    let home = Home::new(&door.config(""));
    let daemon = home.start();
    daemon.wait_for_line("result=success");
    let status = |path: &str, headers: &str| {
        let (head, body) = daemon.post(path, headers);
        (head.split(' ').nth(1).unwrap().to_owned(), body)
    };
    for (path, headers, expected) in [
        ("/-/drill?endpoint=door", "Origin: https://evil.test\r\n", "403"),
        ("/-/drill?endpoint=door", "Sec-Fetch-Site: cross-site\r\n", "403"),
        ("/-/drill?endpoint=gate", "", "404"),
        ("/-/drill", "", "400"),
        ("/-/drill?endpoint=door&seconds=0", "", "400"),
        ("/-/drill?endpoint=door&seconds=1801", "", "400"),
        ("/-/drill?endpoint=door&for=5", "", "400"),
    ] {
        let (status, body) = status(path, headers);
        assert_eq!(status, expected, "{path} {headers}: {body}");
    }
    assert_eq!(daemon.get("/api/v1/drill"), "{\"drill\":null}");
    home.write(&door.config("").replace("admin = true", "admin = false"));
    drop(daemon);
    let daemon = home.start();
    let (head, body) = daemon.post("/-/drill?endpoint=door", "");
    assert!(
        head.starts_with("HTTP/1.1 403") && body.contains("daemon.admin is false"),
        "{head}{body}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_waits_for_the_end_and_says_what_was_proven() {
    let door = Door::open().await;
    let receiver = Receiver::answering(&[]).await;
    let home = home(&door, &receiver);
    let daemon = home.start();
    daemon.wait_for_line("result=success");
    let url = format!("http://{}", daemon.address);
    let args = ["drill", "door", "--for", "2s", "--daemon", &url];
    let output = watchpost(&args).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    for part in [
        "~drill-door is down until",
        "ops of incident.opened: it was taken",
        "4 of 4 messages of the daemon were taken",
        "not known: whether Prometheus' rules fired",
        "not known: whether anybody was woken",
    ] {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
    let output = watchpost(&["drill", "gate", "--daemon", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("answers 404"), "{said}");
}

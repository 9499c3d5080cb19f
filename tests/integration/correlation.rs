//! Users against probes on the running daemon: real doors, and events in its inbox.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::time::Instant;
use watchpost::event::key::EventId;

use crate::fixture::daemon::{Daemon, Home, sum};
use crate::fixture::raw;

/// The inbox's file, beside the daemon that reads it.
struct Inbox(Connection);

impl Inbox {
    fn of(home: &Home) -> Self {
        let connection = Connection::open(home.path().join("watchpost-events.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        Self(connection)
    }

    /// Stores an event as the receiver does; one with an id that is there already is not new.
    fn store(&self, id: &str, at: Timestamp, kind: &str, rest: Value) -> bool {
        let id = EventId::of([id.as_bytes()]);
        let mut event = json!({ "id": id, "kind": kind, "at": at });
        event.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let now = at.as_microsecond();
        let insert = "INSERT OR IGNORE INTO events \
             (id, receiver, received_us, at_us, stored_us, kind, event) \
             VALUES (?1, 'test', ?2, ?2, ?2, ?3, ?4)";
        let row = params![id.as_bytes(), now, kind, event.to_string()];
        self.0.execute(insert, row).unwrap() == 1
    }

    /// Conversations that begin and end so, in the queue of an endpoint.
    fn conversations(&self, endpoint: &str, run: &str, count: usize, at: Timestamp, how: &str) {
        for number in 0..count {
            let id = format!("{endpoint}-{run}-{number}");
            let queue = format!("q-{endpoint}");
            self.store(
                &format!("{id}-start"),
                at,
                "customer_start",
                json!({ "conversation": id, "media": "message", "message": "webmessaging" }),
            );
            let rest = json!({ "conversation": id, "queue": queue, "disconnect": how });
            self.store(&format!("{id}-end"), at, "customer_end", rest);
        }
    }
}

fn json_of(daemon: &Daemon, path: &str) -> Value {
    serde_json::from_str(&daemon.get(path)).unwrap()
}

/// What was made of a minute, by endpoint.
fn minute(daemon: &Daemon, at: Timestamp) -> BTreeMap<String, Value> {
    let at = Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap();
    let found = json_of(daemon, &format!("/api/v1/correlations?since={at}&until={at}"));
    let windows = found["windows"].as_array().unwrap().iter();
    windows
        .map(|window| (window["endpoint"].as_str().unwrap().to_owned(), window.clone()))
        .collect()
}

#[track_caller]
fn until<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}, within {within:?}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

fn correlations(windows: &BTreeMap<String, Value>) -> Vec<(&str, &str)> {
    let of = |window: &'_ Value| match window["correlation"].as_str() {
        Some("both_ok") => "both_ok",
        Some("probe_only") => "probe_only",
        Some("users_only") => "users_only",
        Some("both_bad") => "both_bad",
        _ => "other",
    };
    windows.iter().map(|(endpoint, window)| (endpoint.as_str(), of(window))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn good_and_bad_doors_with_happy_and_unhappy_users() {
    let open = raw::opening_then(Vec::new()).await;
    let shut =
        raw::answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await;
    let endpoint = |name: &str, address| {
        format!(
            "[[endpoints]]\nname = \"{name}\"\nurl = \"ws://{address}/\"\ninterval = \"1s\"\n\
             users = {{ queues = [\"q-{name}\"] }}\n"
        )
    };
    let home = Home::new(&format!(
        "[correlation]\nsettle = \"0s\"\n{}{}{}{}",
        endpoint("open-fails", open.address),
        endpoint("open-well", open.address),
        endpoint("shut-fails", shut.address),
        endpoint("shut-well", shut.address),
    ));
    let mut daemon = home.start();
    let inbox = Inbox::of(&home);
    daemon.metrics_until("four runs", Duration::from_secs(20), |page| {
        page.lines().filter(|line| line.starts_with("probe_success{")).count() == 4
    });
    let now = until("not at the end of a minute", Duration::from_secs(20), || {
        let now = watchpost::clock::now();
        (now.as_second().rem_euclid(60) < 50).then_some(now)
    });
    daemon.metrics_until("runs in this minute", Duration::from_secs(20), |page| {
        let runs =
            page.lines().filter(|line| line.starts_with("probe_last_run_timestamp_seconds{"));
        let times = runs.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        times.filter(|at| *at >= now.as_second() as f64).count() == 4
    });
    inbox.conversations("open-fails", "now", 4, now, "error");
    inbox.conversations("open-well", "now", 4, now, "client");
    inbox.conversations("shut-fails", "now", 4, now, "transport_failure");
    inbox.conversations("shut-well", "now", 4, now, "endpoint");
    let before = minute(&daemon, now);
    assert!(before.is_empty(), "judged before its end: {before:?}");
    let windows = until("four windows", Duration::from_secs(75), || {
        let windows = minute(&daemon, now);
        (windows.len() == 4).then_some(windows)
    });
    let expected = [
        ("open-fails", "users_only"),
        ("open-well", "both_ok"),
        ("shut-fails", "both_bad"),
        ("shut-well", "probe_only"),
    ];
    assert_eq!(correlations(&windows), expected);
    let fails = &windows["open-fails"];
    assert_eq!(fails["conversations"], json!({ "started": 4, "ok": 0, "failed": 4, "unknown": 0 }));
    assert_eq!(
        (&fails["figures"]["failed"], &fails["figures"]["usual_share"]),
        (&json!(4), &json!(0.01))
    );
    let page = daemon.get("/metrics");
    for (series, value) in [
        ("watchpost_blind_spot_minutes_total{endpoint=\"open-fails\"}", 1.0),
        ("watchpost_false_alarm_minutes_total{endpoint=\"shut-well\"}", 1.0),
        ("watchpost_conversations_total{endpoint=\"shut-fails\",outcome=\"failed\"}", 4.0),
        ("watchpost_conversations_total{endpoint=\"~unmapped\"", 0.0),
        (
            "watchpost_correlation_windows_total{endpoint=\"open-fails\",correlation=\"users_only\"}",
            1.0,
        ),
    ] {
        assert_eq!(sum(&page, series), value, "{series}\n{page}");
    }
    // People read the same.
    let overview = daemon.get("/");
    assert!(overview.contains("Users: 16 conversations in the last hour, last event "));
    let (_, text) = daemon.get_with("/endpoint/open-fails", "Accept: text/plain\r\n");
    let judged = "users fail and probes do not, a blind spot of ours (users_only), \
                  4 of 4 conversations failed.";
    assert!(text.contains("Users: 4 conversations in the") && text.contains(judged), "{text}");

    // Killed and begun anew, nothing is otherwise.
    daemon.signal("KILL");
    daemon.wait();
    let mut daemon = home.start();
    assert_eq!(minute(&daemon, now), windows);
    // Told twice by its sender, under another name too.
    let rest = json!({ "conversation": "open-well-now-0", "queue": "q-open-well", "disconnect": "client" });
    assert!(!inbox.store("open-well-now-0-end", now, "customer_end", rest.clone()));
    assert!(inbox.store("once more", now, "customer_end", rest));
    // What comes late is taken up.
    inbox.conversations("open-well", "late", 5, now, "timeout");
    let revised = until("a revised window", Duration::from_secs(20), || {
        let windows = minute(&daemon, now);
        (windows["open-well"]["correlation"] == "users_only").then_some(windows)
    });
    let counts = &revised["open-well"]["conversations"];
    assert_eq!(*counts, json!({ "started": 9, "ok": 4, "failed": 5, "unknown": 0 }));
    let revised = "watchpost_correlation_windows_revised_total{endpoint=\"open-well\"}";
    assert_eq!(sum(&daemon.get("/metrics"), revised), 1.0);
    // An endpoint that goes leaves the page.
    home.write(&endpoint("open-well", open.address));
    daemon.signal("HUP");
    daemon.metrics_until("one endpoint", Duration::from_secs(20), |page| {
        !page.contains("watchpost_blind_spot_minutes_total{endpoint=\"shut-well\"}")
    });
    daemon.signal("TERM");
    assert!(daemon.wait().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_with_where_they_belong() {
    let home = Home::new(
        "[[endpoints]]\nname = \"a\"\nurl = \"ws://127.0.0.1:9/?deploymentId=d\"\n\
         [[endpoints]]\nname = \"b\"\nurl = \"ws://127.0.0.1:9/\"\nusers = { queues = [\"q-b\"] }\n",
    );
    let daemon = home.start();
    let inbox = Inbox::of(&home);
    let now = watchpost::clock::now();
    let at = |second: i64| now.checked_add(SignedDuration::from_secs(second)).unwrap();
    for number in 0..5 {
        let rest = json!({ "conversation": format!("c{number}"), "deployment": "d" });
        inbox.store(&format!("s{number}"), at(number), "customer_start", rest);
    }
    inbox.conversations("b", "x", 1, now, "client");
    let rest = json!({ "conversation": "nowhere", "deployment": "unknown" });
    inbox.store("nowhere", now, "acd_start", rest);
    let newest = until("all taken up", Duration::from_secs(20), || {
        let found = json_of(&daemon, "/api/v1/events?limit=3");
        (found["events"][1]["layer"] == "route").then_some(found)
    });
    let of = |event: &Value| {
        [&event["kind"], &event["endpoint"], &event["layer"]]
            .map(|value| value.as_str().unwrap_or("-").to_owned())
    };
    let list = |page: &Value| page["events"].as_array().unwrap().iter().map(of).collect::<Vec<_>>();
    assert_eq!(
        list(&newest),
        [["acd_start", "-", "-"], ["customer_end", "b", "route"], ["customer_start", "b", "route"]]
    );
    let older = json_of(&daemon, &format!("/api/v1/events?cursor={}", newest["next"]));
    assert_eq!(list(&older), vec![["customer_start", "a", "deployment"]; 5]);
    assert_eq!(older["next"], Value::Null);
    let ends = json_of(&daemon, "/api/v1/events?kind=customer_end");
    assert_eq!(list(&ends), [["customer_end", "b", "route"]]);
    assert_eq!(ends["next"], Value::Null);
    let unmapped = json_of(&daemon, "/api/v1/correlations?limit=1")["unmapped"].clone();
    assert_eq!(unmapped["started"], 1);

    for (path, status, words) in [
        ("/api/v1/events?limit=0", 400, "limit: write a number from 1 to 1000"),
        ("/api/v1/events?kind=start", 400, "kind: write one of customer_start,"),
        ("/api/v1/events?cursor=x", 400, "cursor: write the `next`"),
        (
            "/api/v1/events?endpoint=a",
            400,
            "query: no such parameter; there are limit, kind, cursor",
        ),
        ("/api/v1/correlations?endpoint=c", 404, "no such endpoint that takes users"),
        ("/api/v1/correlations?endpoint=%20", 400, "endpoint: write the name of an endpoint"),
        ("/api/v1/correlations?since=now", 400, "since: write a time such as"),
        ("/api/v1/correlations?cursor=99999999999999/a", 400, "cursor: write the `next`"),
        ("/api/v1/correlations?limit=1&limit=2", 400, "limit: given twice"),
    ] {
        let (head, body) = daemon.get_with(path, "");
        let said: Value = serde_json::from_str(&body).unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {head}");
        assert!(said["error"].as_str().unwrap().starts_with(words), "{path}: {body}");
    }
    let empty = json_of(
        &daemon,
        "/api/v1/correlations?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
    );
    assert_eq!(empty["windows"], json!([]));
    assert_eq!(empty["endpoints"][0]["precision"], Value::Null);
}

//! Receivers of the built daemon: who gets in, what is kept, and what strangers are told.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use tokio::time::Instant;
use watchpost::event::word::Kind;
use watchpost::inbox::reader::{Reader, StoredEvent};

use crate::fixture::daemon::{Daemon, Home, PATIENCE, sum};

const NOBODY: &str =
    "[[endpoints]]\nname = \"nobody\"\nurl = \"ws://127.0.0.1:9/\"\n[selfcheck]\nenabled = false\n";

const KEY: &str = "0123456789abcdef0123456789abcdef";
const NEXT: &str = "fedcba9876543210fedcba9876543210";

/// A receiver that takes every method.
const EVERY_METHOD: &str = r#"
[[receivers]]
name = "genesys"
auth = [
  { api-key = { header = "X-Api-Key", values = [{ file = "key" }, { file = "next" }] } },
  { basic = { user = "eventbridge", values = [{ file = "key" }] } },
  { bearer = { values = [{ file = "key" }] } },
  { hub-signature = { values = [{ file = "key" }] } },
  { standard-webhooks = { values = [{ file = "whsec" }] } },
]
"#;

fn home(receivers: &str) -> Home {
    let home = Home::new(&format!("{NOBODY}{receivers}"));
    let whsec = format!("whsec_{}", BASE64_STANDARD.encode(KEY));
    for (name, secret) in [("key", KEY), ("next", NEXT), ("whsec", whsec.as_str())] {
        std::fs::write(home.path().join(name), format!("{secret}\n")).unwrap();
    }
    home
}

/// An answer: its status, its head, its body.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn connect(daemon: &Daemon) -> TcpStream {
    let stream = TcpStream::connect(daemon.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads an answer to its end, or to where the other side gives up.
fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

fn request(daemon: &Daemon, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = connect(daemon);
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    // It may be answered before everything is written.
    stream.write_all(format!("{head}{body}").as_bytes()).ok();
    answer(&mut stream)
}

fn post(daemon: &Daemon, headers: &str, body: &str) -> Answer {
    request(daemon, "POST", "/hooks/genesys", headers, body)
}

fn keyed(daemon: &Daemon, body: &str) -> Answer {
    post(daemon, &format!("X-Api-Key: {KEY}\r\n"), body)
}

fn event(conversation: &str) -> String {
    let topic = format!("v2.detail.events.conversation.{conversation}.customer.start");
    let body = format!(
        "{{\"conversationId\":\"{conversation}\",\"mediaType\":\"MESSAGE\",\"ani\":\"Jane\"}}"
    );
    format!("{{\"topicName\":\"{topic}\",\"eventBody\":{body}}}")
}

fn sign(parts: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes()), parts.as_bytes())
}

fn standard(id: &str, at: i64, body: &str) -> String {
    let signature = BASE64_STANDARD.encode(sign(&format!("{id}.{at}.{body}")));
    format!("webhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: v1,{signature}\r\n")
}

/// Seconds since 1970, as this machine has them.
fn seconds() -> i64 {
    watchpost::clock::now().as_second()
}

fn stored(home: &Home) -> Vec<StoredEvent> {
    Reader::open(&home.path().join("watchpost-events.db")).unwrap().after(0, 100).unwrap()
}

fn letters(home: &Home) -> Vec<(String, String)> {
    let reader = Reader::open(&home.path().join("watchpost-events.db")).unwrap();
    let mut select = reader.connection().prepare("SELECT fault, body FROM dead_letters").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let letter = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, text(row.get(1)?)));
    select.query_map([], letter).unwrap().map(Result::unwrap).collect()
}

#[test]
fn each_method_gets_in_and_its_event_is_kept_once() {
    let home = home(EVERY_METHOD);
    let daemon = home.start();
    let basic = BASE64_STANDARD.encode(format!("eventbridge:{KEY}"));
    let hub = |body: &str, in_hex: bool| {
        let tag = sign(body);
        let text = match in_hex {
            true => tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
            false => BASE64_STANDARD.encode(tag),
        };
        format!("X-Hub-Signature-256: sha256={text}\r\n")
    };
    for (index, headers) in [
        format!("X-Api-Key: {KEY}\r\n"),
        format!("x-api-key: {NEXT}\r\n"),
        format!("Authorization: Basic {basic}\r\n"),
        format!("Authorization: Bearer {KEY}\r\n"),
        hub(&event("c-4"), true),
        hub(&event("c-5"), false),
        standard("msg_6", seconds(), &event("c-6")),
        // One that is wrong beside one that is right.
        format!("Authorization: Bearer {NEXT}\r\nX-Api-Key: {KEY}\r\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = event(&format!("c-{index}"));
        let first = post(&daemon, &headers, &body);
        assert_eq!(
            (first.status, first.body.as_str()),
            (200, "{\"stored\":\"new\"}\n"),
            "{headers}"
        );
        assert_eq!(stored(&home).len(), index + 1, "it is on disk before the answer");
        let again = post(&daemon, &headers, &body);
        assert_eq!((again.status, again.body.as_str()), (200, "{\"stored\":\"duplicate\"}\n"));
    }
    let events = stored(&home);
    assert_eq!(events.len(), 8);
    for (index, event) in events.iter().enumerate() {
        let conversation = event.arrival.event.conversation.as_ref().unwrap();
        assert_eq!(conversation.as_str(), format!("c-{index}"));
        assert_eq!(event.arrival.event.kind, Kind::CustomerStart);
        assert_eq!(&*event.arrival.receiver, "genesys");
    }
    let page = daemon.get("/metrics");
    let of = |series: &str| sum(&page, series);
    let new = "watchpost_events_received_total{source=\"genesys\",class=\"customer_start\"}";
    assert_eq!(of(new), 16.0, "{page}");
    assert_eq!(of("watchpost_events_duplicate_total{source=\"genesys\"}"), 8.0);
    assert_eq!(of("watchpost_events_rejected_total"), 0.0);
    let last = of("watchpost_events_last_received_timestamp_seconds{source=\"genesys\"}");
    assert!((last - seconds() as f64).abs() < 60.0, "{last}");
    let files = ["watchpost-events.db", "watchpost-events.db-wal"];
    for file in files {
        let bytes = std::fs::read(home.path().join(file)).unwrap_or_default();
        assert!(!bytes.windows(4).any(|bytes| bytes == b"Jane"), "a person stands in {file}");
    }
}

#[test]
fn a_captured_request_is_no_new_event_whatever_headers_are_added() {
    let home = home(EVERY_METHOD);
    let daemon = home.start();
    let cloud = |id: &str| format!("ce-specversion: 1.0\r\nce-id: {id}\r\nce-source: x\r\n");
    let added = [
        "webhook-id: other\r\n".to_owned(),
        cloud("1"),
        cloud("2") + "ce-type: v2.detail.events.conversation.{id}.acd.start\r\n",
        "X-Webchat-Health: true\r\n".to_owned(),
    ];
    let hub = |body: &str| {
        let tag = BASE64_STANDARD.encode(sign(body));
        format!("X-Hub-Signature-256: sha256={tag}\r\n")
    };
    let bare = r#"{"conversationId":"c-2","eventTime":1790000000000,"mediaType":"MESSAGE"}"#;
    for (body, count) in [(event("c-1").as_str(), 1), (bare, 2)] {
        let first = post(&daemon, &hub(body), body);
        assert_eq!(first.body, "{\"stored\":\"new\"}\n");
        for more in &added {
            let again = post(&daemon, &(hub(body) + more), body);
            assert_eq!(again.status, 200, "{more}");
            assert_ne!(again.body, first.body, "{more}");
        }
        assert_eq!(stored(&home).len(), count);
    }
    let body = event("c-3");
    let signed = standard("msg_3", seconds(), &body);
    assert_eq!(post(&daemon, &signed, &body).body, "{\"stored\":\"new\"}\n");
    for more in added.iter().skip(1) {
        let again = post(&daemon, &(signed.clone() + more), &body);
        assert_ne!(again.body, "{\"stored\":\"new\"}\n", "{more}");
    }
    assert_eq!(stored(&home).len(), 3);
    // Whoever has the key may tell two of them apart.
    let key = format!("X-Api-Key: {KEY}\r\n");
    let again = post(&daemon, &(key + &cloud("3")), bare);
    assert_eq!(again.body, "{\"stored\":\"new\"}\n");
}

#[test]
fn one_event_of_each_shape_is_correlated() {
    let home = home(&format!(
        "{EVERY_METHOD}[[endpoints]]\nname = \"a\"\nurl = \"ws://127.0.0.1:9/\"\n\
         users = {{ deployments = [\"d-1\"] }}\n"
    ));
    let daemon = home.start();
    let now = watchpost::clock::now();
    let (at, millis) = (now.to_string(), now.as_millisecond());
    let bare = |conversation: &str| {
        json!({
            "conversationId": conversation, "eventTime": millis, "mediaType": "MESSAGE",
            "messageType": "WEBMESSAGING", "direction": "INBOUND", "addressTo": "d-1",
            "disconnectType": "TRANSPORT_FAILURE",
        })
    };
    let frame = |conversation: &str| {
        let topic = format!("v2.detail.events.conversation.{conversation}.customer.end");
        json!({ "topicName": topic, "version": "2", "eventBody": bare(conversation) })
    };
    let kind = "v2.detail.events.conversation.{id}.customer.end";
    let eventbridge = json!({
        "version": "0", "id": "e-1", "detail-type": kind, "source": "aws.partner/genesys.com/x",
        "time": at, "detail": frame("eventbridge"),
    });
    let structured = json!({
        "specversion": "1.0", "id": "e-2", "source": "/relay", "type": kind, "time": at,
        "datacontenttype": "application/json", "data": bare("structured"),
    });
    let seed = json!({
        "event": "routing:conversation:analytic", "conversationId": "seed",
        "channelType": "webchat", "timestamp": at, "disconnectType": "error",
    });
    let binary = format!(
        "ce-specversion: 1.0\r\nce-id: e-3\r\nce-source: /relay\r\nce-type: {kind}\r\n\
         ce-time: {at}\r\nContent-Type: application/json\r\n"
    );
    let shapes = [
        ("bare", "", bare("bare"), "address"),
        ("frame", "", frame("frame"), "address"),
        ("eventbridge", "", eventbridge, "address"),
        ("structured", "", structured, "address"),
        ("binary", binary.as_str(), bare("binary"), "address"),
        ("seed", "X-Webchat-Health: 1\r\n", seed, "window"),
    ];
    for (shape, headers, body, _) in &shapes {
        let headers = format!("X-Api-Key: {KEY}\r\n{headers}");
        let answer = post(&daemon, &headers, &body.to_string());
        assert!((200..300).contains(&answer.status), "{shape}: {answer:?}");
    }
    let json_of = |path| serde_json::from_str::<Value>(&daemon.get(path)).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let all = loop {
        let all = json_of("/api/v1/correlations");
        if all["endpoints"][0]["conversations"]["failed"] == json!(shapes.len()) {
            break all;
        }
        assert!(Instant::now() < deadline, "{all}\n{}", daemon.get("/api/v1/events"));
        std::thread::park_timeout(Duration::from_millis(50));
    };
    let counts = json!({ "started": 6, "ok": 0, "failed": 6, "unknown": 0 });
    assert_eq!(all["endpoints"][0]["conversations"], counts);
    assert_eq!(all["unmapped"]["started"], 0);
    let events = json_of("/api/v1/events");
    for ((shape, .., layer), event) in shapes.iter().rev().zip(events["events"].as_array().unwrap())
    {
        let found = (&event["conversation"], &event["endpoint"], &event["layer"]);
        assert_eq!(found, (&json!(shape), &json!("a"), &json!(layer)), "{event}");
    }
}

#[test]
fn a_stranger_learns_nothing_and_leaves_nothing() {
    let home = home(EVERY_METHOD);
    let daemon = home.start();
    let good = event("c-1");
    let mut answers = Vec::new();
    for (headers, body) in [
        (String::new(), good.as_str()),
        (format!("X-Api-Key: {}\r\n", &KEY[1..]), &good),
        (format!("X-Api-Key: {KEY}\r\nX-Api-Key: {KEY}\r\n"), &good),
        (format!("Authorization: Bearer {NEXT}\r\n"), "not json"),
        ("X-Hub-Signature-256: sha256=00\r\n".to_owned(), "not json"),
        (standard("msg_1", seconds(), "another"), "not json"),
        (standard("msg_1", seconds() - 400, &good), &good),
    ] {
        let mut answer = post(&daemon, &headers, body);
        assert_eq!(answer.status, 401, "{headers}");
        answer.head = answer.head.lines().filter(|line| !line.starts_with("date:")).collect();
        answers.push((answer.head, answer.body));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(stored(&home), []);
    assert_eq!(letters(&home), [], "nothing of a stranger's is even looked at");
    let page = daemon.get("/metrics");
    let rejected = |reason: &str| {
        sum(
            &page,
            &format!("watchpost_events_rejected_total{{source=\"genesys\",reason=\"{reason}\"}}"),
        )
    };
    assert_eq!(
        (rejected("unauthenticated"), rejected("stale"), rejected("not_json")),
        (6.0, 1.0, 0.0)
    );
    assert_eq!(sum(&page, "watchpost_events_rejected_total"), 7.0);
}

#[test]
fn a_stranger_is_refused_before_the_body_comes() {
    let home = home(EVERY_METHOD);
    let daemon = home.start();
    for (announced, status) in
        [("Content-Length: 1000000", 401), ("Transfer-Encoding: chunked", 401)]
    {
        let mut stream = connect(&daemon);
        write!(
            stream,
            "POST /hooks/genesys HTTP/1.1\r\nHost: x\r\nX-Api-Key: x\r\n{announced}\r\n\r\n"
        )
        .unwrap();
        let begun = Instant::now();
        assert_eq!(answer(&mut stream).status, status, "{announced}");
        assert!(begun.elapsed() < Duration::from_secs(4), "a body is waited for five seconds");
    }
}

#[test]
fn whoever_may_post_is_told_what_is_wrong() {
    let home = home(EVERY_METHOD);
    let daemon = home.start();
    let deep =
        format!("{{\"topicName\":\"v2.x\",\"eventBody\":{}{}}}", "[".repeat(50), "]".repeat(50));
    let fields = format!("{{{}}}", vec!["\"conversationId\":\"Jane\""; 300].join(","));
    let text = format!("{{\"conversationId\":\"{}\"}}", "x".repeat(9000));
    for (body, word) in [
        ("hello Jane", "no JSON"),
        ("[]", "one JSON object"),
        ("{\"name\":\"Jane Doe\"}", "nothing here is known"),
        ("{\"topicName\":\"v2.x\",\"eventBody\":\"Jane\"}", "no object in"),
        (&deep, "32 deep"),
        (&fields, "256 fields"),
        (&text, "8 KiB"),
    ] {
        let answer = keyed(&daemon, body);
        assert_eq!(answer.status, 400, "{:.60}", body);
        assert!(answer.body.contains(word), "{:?} of {:.60}", answer.body, body);
    }
    let letters = letters(&home);
    assert_eq!(letters.len(), 7);
    assert!(
        letters.iter().all(|(_, body)| !body.contains("Doe") && !body.contains("hello")),
        "{letters:?}"
    );
    assert_eq!(
        letters[0],
        (
            "not_json, 10 bytes: this is no JSON, or it names a field twice".to_owned(),
            String::new()
        )
    );
    assert_eq!(letters[3].1, "{\"topicName\":\"v2.x\",\"eventBody\":null}");
    assert_eq!(stored(&home), []);
}

#[test]
fn other_requests_are_told_how_to_ask() {
    let home = home(EVERY_METHOD);
    let daemon = home.start();
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let answer = request(&daemon, method, "/hooks/genesys", "", "");
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.head.contains("allow: post"), "{}", answer.head);
    }
    let get = request(&daemon, "GET", "/hooks/genesys?x=1", "", "");
    assert_eq!(get.body, "this is a receiver: POST one event as JSON\n");
    let elsewhere =
        request(&daemon, "POST", "/hooks/genesys/", &format!("X-Api-Key: {KEY}\r\n"), &event("c"));
    assert_eq!(elsewhere.status, 404);
    let packed = format!("X-Api-Key: {KEY}\r\nContent-Encoding: gzip\r\n");
    assert_eq!(post(&daemon, &packed, &event("c")).status, 415);
}

#[test]
fn a_body_is_a_mebibyte_at_the_most_however_it_is_announced() {
    let home = home(EVERY_METHOD);
    let daemon = home.start();
    // More than any other request of this server may have, in texts that are short enough.
    let padding = vec![format!("\"{}\"", "x".repeat(8000)); 125].join(",");
    let large = format!("{{\"conversationId\":\"c\",\"padding\":[{padding}]}}");
    assert!((1_000_000..1024 * 1024).contains(&large.len()), "{}", large.len());
    assert_eq!(keyed(&daemon, &large).status, 200);
    let mut stream = connect(&daemon);
    write!(stream, "POST /hooks/genesys HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\nContent-Length: 1048577\r\n\r\n").unwrap();
    assert_eq!(answer(&mut stream).status, 413, "by what is announced");
    let mut stream = connect(&daemon);
    write!(stream, "POST /hooks/genesys HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..17 {
        stream.write_all(chunk.as_bytes()).ok();
    }
    assert_eq!(answer(&mut stream).status, 413, "by what comes");
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let home = home(EVERY_METHOD);
    let daemon = home.start();
    let begun = Instant::now();
    let mut stream = connect(&daemon);
    write!(stream, "POST /hooks/genesys HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\nContent-Length: 100\r\n\r\n{{").unwrap();
    assert_eq!(answer(&mut stream).status, 408);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn more_than_the_rate_is_put_off() {
    let home = home(&format!("{EVERY_METHOD}max-rate = 1\n"));
    let daemon = home.start();
    for _ in 0..3 {
        assert_eq!(post(&daemon, "X-Api-Key: wrong\r\n", &event("c-0")).status, 401);
    }
    assert_eq!(keyed(&daemon, &event("c-1")).status, 200, "strangers take no room");
    let next: Vec<_> = (2..5).map(|n| keyed(&daemon, &event(&format!("c-{n}")))).collect();
    let put_off = next.iter().find(|answer| answer.status == 429).expect("one is put off");
    assert!(put_off.head.contains("retry-after: 1"), "{}", put_off.head);
}

#[test]
fn a_receiver_changes_with_the_config() {
    let home = home(EVERY_METHOD);
    let daemon = home.start();
    assert_eq!(keyed(&daemon, &event("c-1")).status, 200);
    std::fs::write(home.path().join("key"), "another-key-of-32-bytes-or-more").unwrap();
    let moved = EVERY_METHOD.replace("auth =", "path = \"/elsewhere\"\nauth =");
    home.write(&format!("{NOBODY}{moved}"));
    daemon.signal("HUP");
    daemon.wait_for_line("config read again");
    let old = format!("X-Api-Key: {KEY}\r\n");
    let new = "X-Api-Key: another-key-of-32-bytes-or-more\r\n";
    assert_eq!(post(&daemon, &old, &event("c-2")).status, 404);
    assert_eq!(request(&daemon, "POST", "/elsewhere", &old, &event("c-2")).status, 401);
    assert_eq!(request(&daemon, "POST", "/elsewhere", new, &event("c-2")).status, 200);
}

#[test]
fn an_open_receiver_takes_nothing_from_a_page() {
    let home = home("[[receivers]]\nname = \"lab\"\nopen = \"anyone may post events here\"\n");
    let daemon = home.start();
    assert_eq!(post(&daemon, "", &event("c-1")).status, 200);
    assert_eq!(post(&daemon, "Origin: https://evil.example\r\n", &event("c-2")).status, 403);
    assert_eq!(post(&daemon, "Sec-Fetch-Site: cross-site\r\n", &event("c-2")).status, 403);
    assert_eq!(stored(&home).len(), 1);
}

#[test]
fn a_time_that_cannot_be_is_counted() {
    let home = home(EVERY_METHOD);
    let daemon = home.start();
    let old = "{\"conversationId\":\"c\",\"eventTime\":1}";
    assert_eq!(keyed(&daemon, old).status, 200);
    let page = daemon.get("/metrics");
    assert_eq!(sum(&page, "watchpost_events_time_corrected_total"), 1.0);
    let at = stored(&home)[0].arrival.event.at.as_second();
    assert!((at - seconds()).abs() < 60, "{at}");
}

#[test]
fn what_the_readme_posts_is_stored() {
    let home = home(EVERY_METHOD);
    let daemon = home.start();
    let (_, section) = include_str!("../../README.md").split_once("\n## Receiver\n").unwrap();
    let (_, posted) = section.split_once("-d '").unwrap();
    let (body, answered) = posted.split_once("'\n").unwrap();
    let answer = keyed(&daemon, body);
    assert!(answer.status == 200 && answered.starts_with(&answer.body), "{answer:?}");
    assert_eq!(stored(&home)[0].arrival.event.kind, Kind::CustomerStart);
}

#[test]
fn the_receiver_that_the_shipped_config_shows_is_legal() {
    let shipped = include_str!("../../config.toml");
    let (_, shown) = shipped.split_once("# [[receivers]]\n").unwrap();
    let shown: Vec<_> = shown.lines().map_while(|line| line.strip_prefix("# ")).collect();
    let home = home(&format!("[[receivers]]\n{}\n", shown.join("\n")));
    for (name, secret) in [
        ("events-key", KEY),
        ("events-key.next", KEY),
        ("hub-secret", KEY),
        ("events-password", NEXT),
    ] {
        std::fs::write(home.path().join(name), secret).unwrap();
    }
    let daemon = home.start_with(|command| {
        command.env("CREDENTIALS_DIRECTORY", home.path()).env("EVENTS_TOKEN", KEY);
    });
    let basic = BASE64_STANDARD.encode(format!("eventbridge:{NEXT}"));
    assert_eq!(keyed(&daemon, &event("c-1")).status, 200);
    assert_eq!(
        post(&daemon, &format!("Authorization: Basic {basic}\r\n"), &event("c-2")).status,
        200
    );
}

//! The HTTP probe against servers of raw bytes: what it sends, what it takes, and why it fails.

use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use watchpost::outcome::Outcome;
use watchpost::outcome::phase::Phase;
use watchpost::outcome::reason::Reason;
use watchpost::outcome::verdict::Verdict;

use crate::fixture::checks::{check, run};
use crate::fixture::daemon::watchpost;
use crate::fixture::pki::{self, Pki};
use crate::fixture::raw;

/// What the proxy of the seeds is asked, and what must come back.
const GUEST: &str = r#"probes = ["http"]
[endpoints.http]
method = "POST"
body = '{"name":"Web Guest"}'
expect-json = [{ pointer = "/conversationId" }, { pointer = "/type", equals = "web" }]
forbid-headers = ["Set-Cookie", "X-Token"]
"#;

const GOOD: &str = r#"{"conversationId":"c-1","guestId":"g-1","type":"web"}"#;

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A run against a server that answers every request with these bytes and then closes.
async fn asked(answer: String, keys: &str) -> Outcome {
    let server = raw::serve(move |mut stream| {
        let answer = answer.clone();
        async move {
            raw::request(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.ok();
            // A reset in the place of an end would lose what is on its way.
            stream.shutdown().await.ok();
            raw::hold(stream).await;
        }
    })
    .await;
    run(&check(&format!("http://{}/api/guest/init", server.address), keys)).await
}

fn reason(outcome: &Outcome) -> Option<(Option<Phase>, Reason)> {
    outcome.failure.as_ref().map(|failure| (failure.phase(), failure.reason()))
}

fn said(outcome: &Outcome) -> String {
    outcome.failure.as_ref().unwrap().evidence()
}

/// Each reason that only this probe has, made on a socket.
pub async fn reasons() -> Vec<Reason> {
    let big = format!("[\"{}\"]", "x".repeat(70_000));
    let cases = [
        (answer("200 OK", "{}"), Phase::Transfer, Reason::HttpJsonUnexpected),
        (answer("200 OK\r\nset-cookie: s=hunter2", GOOD), Phase::Request, Reason::HttpHeaderLeaked),
        (answer("200 OK", &big), Phase::Transfer, Reason::HttpBodyTooBig),
        (answer("200 OK", GOOD).replace(": 53", ": 54"), Phase::Transfer, Reason::HttpBodyCutOff),
    ];
    let mut made = Vec::new();
    for (answer, phase, expected) in cases {
        let outcome = asked(answer, GUEST).await;
        assert_eq!(reason(&outcome), Some((Some(phase), expected)), "{:?}", outcome.failure);
        assert_eq!(outcome.verdict, Verdict::Fail);
        made.push(expected);
    }
    made
}

#[tokio::test]
async fn a_good_answer_passes_however_its_body_is_framed() {
    let chunked = format!(
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n{:x};x\r\n{}\r\n0\r\nA: b\r\n\r\n",
        &GOOD[..5],
        GOOD.len() - 5,
        &GOOD[5..],
    );
    for answer in [
        answer("200 OK", GOOD),
        answer("299 Odd", GOOD),
        format!("HTTP/1.1 200 OK\r\n\r\n{GOOD}"),
        format!("HTTP/1.1 103 Early\r\nSet-Cookie: a=b\r\n\r\n{}", answer("200 OK", GOOD)),
        chunked,
    ] {
        let outcome = asked(answer.clone(), GUEST).await;
        assert_eq!(outcome.verdict, Verdict::Pass, "{answer:?}: {:?}", outcome.failure);
        let phases: Vec<_> = outcome.observation.phases.iter().map(|(phase, _)| phase).collect();
        let expected =
            [Phase::Resolve, Phase::Connect, Phase::Request, Phase::Transfer, Phase::Close];
        assert_eq!(phases, expected);
        assert!(outcome.observation.refusal.is_none(), "a good body is nobody's business");
    }
}

#[tokio::test]
async fn the_request_is_what_the_config_says() {
    let (sender, mut requests) = mpsc::channel(1);
    let server = raw::serve(move |mut stream| {
        let sender = sender.clone();
        async move { sender.send(raw::request(&mut stream).await).await.unwrap() }
    })
    .await;
    let keys = GUEST.replace("body", "headers = { X-One = \"1\" }\nbody");
    run(&check(&format!("http://{}/a?b=c", server.address), &keys)).await;
    let request = requests.recv().await.unwrap();
    assert!(request.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{request}");
    for (name, value) in [
        ("Content-Type", Some("application/json")),
        ("Content-Length", Some("20")),
        ("Connection", Some("close")),
        ("X-One", Some("1")),
        ("Accept", Some("*/*")),
        ("Origin", None),
        ("Cookie", None),
    ] {
        assert_eq!(raw::header(&request, name), value, "{name}");
    }
    assert!(raw::header(&request, "User-Agent").unwrap().starts_with("Watchpost/"));
}

#[tokio::test]
async fn the_status_is_judged_first_and_a_redirect_is_a_status() {
    let outcome = asked(answer("403 Forbidden", "by design"), GUEST).await;
    let unexpected = Some((Some(Phase::Request), Reason::HttpStatusUnexpected));
    assert_eq!(reason(&outcome), unexpected);
    assert_eq!(said(&outcome), "403 Forbidden, body \"by design\"");
    let redirect = answer("302 Found\r\nLocation: /login", "");
    assert_eq!(reason(&asked(redirect.clone(), GUEST).await), unexpected);
    let expecting =
        |statuses: &str| format!("probes = [\"http\"]\nhttp = {{ expect-statuses = {statuses} }}");
    assert_eq!(asked(redirect.clone(), &expecting("[302]")).await.verdict, Verdict::Pass);
    assert_eq!(reason(&asked(answer("200 OK", ""), &expecting("[302]")).await), unexpected);
    assert_eq!(asked(answer("503 X", ""), &expecting("[200, 503]")).await.verdict, Verdict::Pass);
}

#[tokio::test]
async fn what_must_not_leave_the_server_is_shown_nowhere() {
    for head in ["200 OK\r\nX-TOKEN: hunter2", "500 Oops\r\nX-Token: hunter2"] {
        let outcome = asked(answer(head, GOOD), GUEST).await;
        let response = outcome.observation.refusal.as_ref().unwrap();
        assert_eq!(response.header("x-token").unwrap().as_str(), "(left out)");
        assert!(!format!("{outcome:?}").contains("hunter2"));
    }
    let outcome = asked(answer("200 OK\r\nAuthorization: hunter2", GOOD), GUEST).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "only what is named must not be there");
}

#[tokio::test]
async fn json_is_told_by_its_place() {
    for (body, told) in [
        (r#"{"conversationId":"c"}"#, "/type is not there"),
        (r#"{"conversationId":"c","type":"sms"}"#, "/type is \"sms\", not \"web\""),
        ("<!doctype html>", "no JSON: it begins with \"<!doctype html>\""),
        ("", "no JSON: it begins with \"\""),
    ] {
        let outcome = asked(answer("200 OK", body), GUEST).await;
        assert_eq!(said(&outcome), told);
        assert!(outcome.observation.refusal.is_none());
    }
}

#[tokio::test]
async fn what_is_cut_off_or_garbled_fails_also_where_nobody_reads_it() {
    let plain = "probes = [\"http\"]";
    let chunks =
        |chunks: &str| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    for (answer, expected) in [
        (chunks("5\r\nab"), Some(Reason::HttpBodyCutOff)),
        (chunks("zz\r\nab"), Some(Reason::HttpMalformed)),
        (chunks("0\r\n\r\n"), None),
        (format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(200_000)), None),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), None),
    ] {
        let outcome = asked(answer, plain).await;
        assert_eq!(reason(&outcome).map(|(_, reason)| reason), expected, "{:?}", outcome.failure);
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_cut_off_by_the_deadline() {
    let server = raw::serve(|mut stream| async move {
        raw::answer(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[").await;
        raw::hold(stream).await;
    })
    .await;
    let keys = GUEST.replace("probes", "timeout = \"300ms\"\nprobes");
    let outcome = run(&check(&format!("http://{}/", server.address), &keys)).await;
    assert_eq!(reason(&outcome), Some((Some(Phase::Transfer), Reason::TimedOut)));
    assert!(outcome.observation.phases.total() < Duration::from_secs(1));
}

#[tokio::test]
async fn over_tls_the_chain_is_judged_first() {
    let pki = Pki::new("http");
    let answer = answer("200 OK", GOOD);
    let server = pki::serve(pki::server_config(pki.good()), move |mut stream| {
        let answer = answer.clone();
        async move {
            raw::answer(&mut stream, &answer).await;
            // Ends without saying so, as many servers do.
        }
    })
    .await;
    let keys = format!("{}{GUEST}", pki.keys(&server));
    let outcome = run(&check("https://door.test/", &keys)).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.failure);
    let stranger = Pki::new("another");
    let keys = format!("{}{GUEST}", stranger.keys(&server));
    let outcome = run(&check("https://door.test/", &keys)).await;
    assert_eq!(reason(&outcome), Some((Some(Phase::Tls), Reason::CertUnknownIssuer)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_asks_too() {
    let server = raw::serve(|mut stream| async move {
        let request = raw::request(&mut stream).await;
        let status = if request.starts_with("POST ") { "200 OK" } else { "405 No" };
        stream.write_all(answer(status, GOOD).as_bytes()).await.ok();
        stream.shutdown().await.ok();
        raw::hold(stream).await;
    })
    .await;
    let url = format!("http://{}/", server.address);
    let ask = |args: &[&str]| {
        let mut all = vec!["check", url.as_str(), "--probe", "http"];
        all.extend(args);
        let output = watchpost(&all).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, told) = ask(&["--method", "POST", "--body", "{}", "--json"]);
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(status, Some(0), "{told}");
    assert_eq!(report["probe"], "http");
    assert_eq!(report["origin"], Value::Null);
    assert!(report["latency"].is_number());
    let (status, told) = ask(&[]);
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("http_status_unexpected") && told.contains("405"), "{told}");
    assert_eq!(ask(&["--origin", "https://a.test"]).0, Some(2));
    assert_eq!(ask(&["--method", "GET", "--body", "x"]).0, Some(2));
}

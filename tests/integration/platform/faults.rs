//! Each fault by itself: what is made of it, and how often who answers so is asked.

use std::ops::RangeInclusive;

use futures_util::future::join_all;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::Duration;
use watchpost::platform::{Api, Call, Reply, Trouble};

use super::{PATH, code};
use crate::fixture::platform::{Act, Scripted, answer, gzip, ok};
use crate::fixture::{hostile, pki};

/// What is said, and what comes of it.
struct Fault {
    name: &'static str,
    token: Vec<Act>,
    api: Vec<Act>,
    /// Whether it is a POST that must not happen twice.
    once: bool,
    deadline: Duration,
    code: &'static str,
    tokens: RangeInclusive<usize>,
    calls: RangeInclusive<usize>,
    /// Time between the first request of its kind and the second.
    gap: Duration,
}

impl Fault {
    fn of_token(name: &'static str, token: Vec<Act>, code: &'static str) -> Self {
        let calls = if code == "ok" { 1..=1 } else { 0..=0 };
        let base = Self::of_api(name, vec![], code);
        Self { token, calls, ..base }
    }

    fn of_api(name: &'static str, api: Vec<Act>, code: &'static str) -> Self {
        let calls = api.len().max(1);
        Self {
            name,
            token: vec![],
            api,
            once: false,
            deadline: Duration::from_secs(20),
            code,
            tokens: 1..=1,
            calls: calls..=calls,
            gap: Duration::ZERO,
        }
    }

    fn tokens(self, tokens: RangeInclusive<usize>) -> Self {
        Self { tokens, ..self }
    }

    fn calls(self, calls: RangeInclusive<usize>) -> Self {
        Self { calls, ..self }
    }

    fn within(self, seconds: u64) -> Self {
        Self { deadline: Duration::from_secs(seconds), ..self }
    }

    fn once(self) -> Self {
        Self { once: true, ..self }
    }

    fn gap(self, ms: u64) -> Self {
        Self { gap: Duration::from_millis(ms), ..self }
    }

    async fn check(self) {
        let Self { name, token, api, once, deadline, .. } = self;
        let server = Scripted::open(token, api).await;
        let platform = server.platform();
        let method = if once { http::Method::POST } else { http::Method::GET };
        let mut call = Call::new(Api::Deployments, method, PATH).within(deadline);
        call.max_bytes = 1024 * 1024;
        let result = platform.call(call).await;
        assert_eq!(code(&result), self.code, "{name}: {result:?}");
        harmless(name, &result);
        let (tokens, calls) = (server.tokens(), server.calls());
        assert!(self.tokens.contains(&tokens.len()), "{name}: {} tokens", tokens.len());
        assert!(self.calls.contains(&calls.len()), "{name}: {} calls", calls.len());
        if !self.gap.is_zero() {
            let asked = if calls.len() > 1 { calls } else { tokens };
            let gap = asked[1].at - asked[0].at;
            assert!(gap >= self.gap, "{name}: asked again after {gap:?}");
        }
        // What is not read is not taken in: a megabyte, and what lies in the buffers of two sockets.
        let flooded = server.flooded.load(std::sync::atomic::Ordering::SeqCst);
        assert!(flooded < 32 * 1024 * 1024, "{name}: {flooded} bytes");
    }
}

/// Whatever is told of it can be shown to people.
fn harmless(name: &str, result: &Result<Reply, Trouble>) {
    if let Err(trouble) = result {
        let shown = trouble.to_string();
        hostile::harmless(name, &shown);
        assert!(shown.len() < 8 * 1024 && !shown.contains("hunter2"), "{name}: {shown}");
        assert!(!trouble.kind.fix().is_empty());
    }
}

fn error(status: &str, body: serde_json::Value) -> Act {
    answer(status, "ININ-Correlation-Id: the-id\r\n", body.to_string())
}

fn raw(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

fn token(body: serde_json::Value) -> Vec<Act> {
    vec![ok(body.to_string())]
}

fn oauth(error: &str, description: &str) -> serde_json::Value {
    json!({"error": error, "description": description, "error_description": description})
}

/// Every answer of these that comes to an end.
pub fn answers() -> Vec<Act> {
    let faults = [statuses(), bodies(), heads()].into_iter().flatten();
    let acts = faults.flat_map(|fault| fault.api);
    acts.filter(|act| matches!(act, Act::Say(_) | Act::Break(_) | Act::Flood(..))).collect()
}

async fn check(faults: Vec<Fault>) {
    join_all(faults.into_iter().map(Fault::check)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_tokens() {
    let t = Fault::of_token;
    let refused = |status, body| vec![error(status, body)];
    let busy = answer("429 Too Many Requests", "Retry-After: 1\r\n", "{}");
    let good = ok("{\"access_token\":\"t\"}");
    check(vec![
        t(
            "another region",
            refused("400 Bad Request", oauth("invalid_client", "client not found: x")),
            "wrong_region",
        ),
        t(
            "another secret",
            refused("401 Unauthorized", oauth("invalid_client", "authentication failed")),
            "wrong_secret",
        ),
        t(
            "another grant",
            refused("400 Bad Request", oauth("unsupported_grant_type", "no")),
            "bad_client",
        ),
        t(
            "refused in HTML",
            vec![answer("401 Unauthorized", "", "<h1>\u{1b}[2Jno</h1>")],
            "bad_client",
        ),
        t("no login there", refused("404 Not Found", json!({})), "not_found"),
        t("an empty token", token(json!({"access_token": "", "expires_in": 1})), "malformed"),
        t("no token", token(json!({"token_type": "bearer"})), "malformed"),
        t("a number", token(json!({"access_token": 7})), "malformed"),
        t("a token with a line break", token(json!({"access_token": "a\r\nX: y"})), "malformed"),
        t(
            "HTML with 200",
            vec![ok("<!doctype html><title>Sign in to the Wi-Fi</title>")],
            "not_json",
        ),
        t("a list", token(json!([1])), "malformed"),
        t("a megabyte", vec![ok(" ".repeat(1024 * 1024))], "too_large"),
        t("it ends at once", token(json!({"access_token": "t", "expires_in": 0})), "ok"),
        t("it has ended", token(json!({"access_token": "t", "expires_in": -5})), "ok"),
        t("it never ends", token(json!({"access_token": "t", "expires_in": 1e300})), "ok"),
        t("it ends at a word", token(json!({"access_token": "t", "expires_in": "soon"})), "ok"),
        t("busy", vec![busy, good.clone()], "ok").tokens(2..=2).gap(1_000),
        t(
            "it breaks once",
            vec![error("500 Internal Server Error", json!({})), good.clone()],
            "ok",
        )
        .tokens(2..=2),
        t("it breaks for ever", vec![error("503 Service Unavailable", json!({}))], "server_error")
            .tokens(4..=4),
        t("silence", vec![Act::Silence], "timed_out").within(1),
        t(
            "elsewhere",
            vec![answer("307 Temporary Redirect", "Location: http://evil.test/\r\n", "")],
            "redirected",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_statuses() {
    check(statuses()).await;
}

fn statuses() -> Vec<Fault> {
    let a = |name, status, body, code| Fault::of_api(name, vec![error(status, body)], code);
    let version =
        json!({"message": "version 3 does not match the current version 4", "status": 400});
    let permission = json!({"code": "missing.any.permissions", "message": "missing: webDeployments:deployment:view"});
    let hostile =
        json!({"message": "\u{1b}]0;x\u{7}\u{202e}".repeat(10_000), "contextId": "\u{9b}2J"});
    let broken = || error("500 Internal Server Error", json!({}));
    let refused = error("401 Unauthorized", json!({"code": "bad.credentials"}));
    vec![
        Fault::of_api("a token that was revoked", vec![refused.clone(), ok("{}")], "ok")
            .tokens(2..=2),
        a("tokens are all refused", "401 Unauthorized", json!({}), "unauthorized")
            .tokens(2..=2)
            .calls(2..=2),
        a("a permission", "403 Forbidden", permission, "missing_permission"),
        a("forbidden", "403 Forbidden", json!({"message": "no"}), "forbidden"),
        a("not there", "404 Not Found", json!({"code": "not.found"}), "not_found"),
        a("gone", "410 Gone", json!({}), "gone"),
        a("a conflict", "409 Conflict", json!({"message": "x"}), "conflict"),
        a("a conflict as 400", "400 Bad Request", version, "conflict"),
        a("an old If-Match", "412 Precondition Failed", json!({}), "conflict"),
        a("hostile words", "400 Bad Request", hostile, "bad_request"),
        Fault::of_api(
            "a megabyte of words",
            vec![answer("400 Bad Request", "", "x".repeat(1 << 20))],
            "bad_request",
        ),
        Fault::of_api("broken twice", vec![broken(), broken(), ok("{}")], "ok"),
        a("broken for ever", "502 Bad Gateway", json!({}), "server_error").calls(4..=4),
        a("broken behind a POST", "502 Bad Gateway", json!({}), "server_error").once(),
        a("a status that is none", "600 What", json!({}), "nonsense"),
        Fault::of_api(
            "elsewhere",
            vec![answer("302 Found", "Location: http://127.0.0.1:1/\r\n", "")],
            "redirected",
        ),
        Fault::of_api("elsewhere, and not where", vec![answer("302 Found", "", "")], "nonsense"),
        Fault::of_api("no content", vec![raw("HTTP/1.1 204 No Content\r\n\r\n")], "ok"),
        Fault::of_api("nothing in it", vec![answer("200 OK", "", "")], "ok"),
        Fault::of_api(
            "another protocol",
            vec![raw(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            )],
            "nonsense",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn of_waiting() {
    let busy = |header: &str| answer("429 Too Many Requests", header, "{\"status\":429}");
    let after = |text: &str| format!("Retry-After: {text}\r\n");
    let date = |seconds| {
        let at: Timestamp = pki::now() + SignedDuration::from_secs(seconds);
        after(&DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap())
    };
    let then = |header: &str| vec![busy(header), ok("{}")];
    let down = answer("503 Service Unavailable", &after("1"), "{}");
    let f = Fault::of_api;
    check(vec![
        f("in two seconds", then(&after("2")), "ok").gap(2_000),
        // A date has no parts of a second, and this one is up to a second behind.
        f("at a time", then(&date(3)), "ok").gap(2_000),
        f("at a time that is over", then(&date(-60)), "ok"),
        f("no word of when", then(""), "ok").gap(3_000),
        f("no legible word", then(&after("soon")), "ok").gap(3_000),
        f("in minus one second", then(&after("-1")), "ok").gap(3_000),
        f("in a hundred years", vec![busy(&after("3153600000"))], "rate_limited"),
        f("in more than a number holds", vec![busy(&after(&"9".repeat(40)))], "rate_limited"),
        f("behind a POST", then(&after("1")), "ok").once().gap(1_000),
        f("down for a second", vec![down.clone(), ok("{}")], "ok").gap(1_000),
        f("down behind a POST", vec![down], "server_error").once(),
        f("busy for ever", vec![busy(&after("0"))], "rate_limited").calls(4..=4),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_bodies() {
    check(bodies()).await;
}

fn bodies() -> Vec<Fault> {
    let f = |name, bytes: &[u8], code| Fault::of_api(name, vec![ok(bytes)], code);
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless = "HTTP/1.1 200 OK\r\n\r\n";
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":";
    let flood = |head: &str| vec![Act::Flood(head.as_bytes().to_vec(), 100 << 20)];
    let chunk = format!("{chunked}6400000\r\n");
    vec![
        f("HTML with 200", b"<!doctype html>", "not_json"),
        f("cut JSON", b"{\"a\": [1, 2", "not_json"),
        f("no JSON at all", b"\xff\xfe\x00", "not_json"),
        f("text that is no UTF-8", b"{\"a\": \"\xed\xa0\x80\"}", "not_json"),
        f("two documents", b"{}{}", "not_json"),
        f("a name twice", b"{\"id\": 1, \"id\": 2}", "not_json"),
        f("deep", "[".repeat(100_000).as_bytes(), "too_deep"),
        f("deep objects", "{\"a\":".repeat(100_000).as_bytes(), "too_deep"),
        f("compressed", &gzip("{}"), "not_json"),
        f("a number beyond numbers", b"{\"a\": 1e999}", "not_json"),
        Fault::of_api("100 MB, as announced", flood(long), "too_large"),
        Fault::of_api("100 MB in one chunk", flood(&chunk), "too_large"),
        Fault::of_api("100 MB until the end", flood(endless), "too_large"),
        Fault::of_api("cut off", vec![raw(cut)], "network").calls(4..=4),
        Fault::of_api("cut off once", vec![raw(cut), ok("{}")], "ok"),
        Fault::of_api("cut off behind a POST", vec![raw(cut)], "network").once(),
        Fault::of_api("reset", vec![Act::Break(cut.into())], "network").calls(4..=4),
        Fault::of_api("drops", vec![Act::Drip(cut.into())], "not_json"),
        Fault::of_api("drops for ever", vec![Act::Drip(endless.into())], "timed_out").within(1),
        Fault::of_api("no chunk", vec![raw(&format!("{chunked}zz\r\n"))], "network").calls(4..=4),
        Fault::of_api(
            "more than announced",
            vec![raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"a\":1}")],
            "not_json",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn of_heads() {
    check(heads()).await;
}

fn heads() -> Vec<Fault> {
    let f = |name, text: &str, code| Fault::of_api(name, vec![raw(text)], code);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n{{}}", "X: y\r\n".repeat(10_000));
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n{{}}", "y".repeat(2 << 20));
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(100);
    let last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    vec![
        f("nothing", "", "network").calls(4..=4),
        f("another protocol", "SSH-2.0-OpenSSH_9.2\r\n", "network").calls(4..=4),
        f("ten thousand headers", &many, "network").calls(4..=4),
        f("a header of megabytes", &long, "network").calls(4..=4),
        f(
            "two lengths",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            "network",
        )
        .calls(4..=4),
        f("a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", "network")
            .calls(4..=4),
        f("a NUL", "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n{}", "network").calls(4..=4),
        f("interim answers", &format!("{interim}{last}"), "ok"),
        Fault::of_api(
            "interim answers for ever",
            vec![Act::Repeat(interim.into_bytes())],
            "timed_out",
        )
        .within(1),
        Fault::of_api("silence", vec![Act::Silence], "timed_out").within(1),
        Fault::of_api("a reset", vec![Act::Break(vec![])], "network").calls(4..=4),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let stranger = Scripted::open(vec![], vec![]).await;
    let to = format!("Location: http://{}/x\r\n", stranger.address);
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect"] {
        let moved = answer(status, &to, "");
        let server = Scripted::open(vec![], vec![moved.clone()]).await;
        let result = server.platform().call(Call::get(Api::Deployments, PATH)).await;
        assert_eq!(code(&result), "redirected");
        // Neither does the client's secret go there.
        let server = Scripted::open(vec![moved], vec![]).await;
        let result = server.platform().call(Call::get(Api::Deployments, PATH)).await;
        assert_eq!(code(&result), "redirected");
    }
    assert_eq!((stranger.calls().len(), stranger.tokens().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_support_asks_for_is_kept() {
    let said = error("404 Not Found", json!({"message": "no", "contextId": "of-the-body"}));
    let body = answer("404 Not Found", "", "{\"contextId\":\"of-the-body\"}");
    for (act, id) in [(said, "the-id"), (body, "of-the-body")] {
        let server = Scripted::open(vec![], vec![act]).await;
        let result = server.platform().call(Call::get(Api::Deployments, PATH)).await;
        let trouble = result.unwrap_err();
        assert_eq!(trouble.status, Some(404));
        assert_eq!(trouble.correlation_id.as_ref().unwrap().as_str(), id);
        assert!(trouble.to_string().contains(id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_believed_gets_nothing() {
    let pki = pki::Pki::new("a stranger");
    let served = pki.authority.issue(&["localhost"], -10, 80).unwrap();
    let server = pki::serve(pki::server_config(served), crate::fixture::raw::hold).await;
    let quiet = Scripted::open(vec![], vec![]).await;
    let mut account = quiet.account();
    let url = format!("https://localhost:{}", server.address.port());
    account.bases.set(watchpost::genesys::bases::Surface::Login, url.parse().unwrap());
    let platform = watchpost::platform::Platform::new(account).unwrap();
    let trouble = platform.call(Call::get(Api::Deployments, PATH)).await.unwrap_err();
    assert_eq!(trouble.kind.code(), "tls", "{trouble}");
    assert!(trouble.to_string().contains("UnknownIssuer"), "{trouble}");
}

//! What the CORS probe asks, and what it makes of answers, on real sockets.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use watchpost::check::Check;
use watchpost::check::probe::Forgeries;
use watchpost::outcome::failure::Failure;
use watchpost::outcome::phase::Phase;
use watchpost::outcome::reason::Reason;
use watchpost::outcome::verdict::Verdict;
use watchpost::probe::Prober;

use crate::fixture::checks::{check, config, run};
use crate::fixture::pki::{self, Pki};
use crate::fixture::raw::{self, Server};

const PAGE: &str = "https://app.test";

/// An answer with these header lines; `PAGE` and `ORIGIN` stand for the allowed and the sent one.
fn answer(status: &str, lines: &str) -> String {
    let lines: String = lines.split_terminator('|').map(|line| format!("{line}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\n{lines}Content-Length: 2\r\n\r\nno").replace("PAGE", PAGE)
}

fn is_preflight(request: &str) -> bool {
    request.starts_with("OPTIONS ")
        && raw::header(request, "Access-Control-Request-Method").is_some()
}

/// Answers preflights and requests; tells what was asked.
async fn api(preflight: String, actual: String) -> (Server, mpsc::Receiver<String>) {
    let (sender, requests) = mpsc::channel(64);
    let server = raw::serve(move |mut stream| {
        let (preflight, actual, sender) = (preflight.clone(), actual.clone(), sender.clone());
        async move {
            let request = raw::request(&mut stream).await;
            let origin = raw::header(&request, "Origin").unwrap_or_default();
            let answer = if is_preflight(&request) { preflight } else { actual };
            stream.write_all(answer.replace("ORIGIN", origin).as_bytes()).await.ok();
            sender.send(request).await.ok();
            raw::hold(stream).await;
        }
    })
    .await;
    (server, requests)
}

/// Lets the page read, and answers others with `actual`.
async fn picky(actual: String) -> Server {
    raw::serve(move |mut stream| {
        let actual = actual.clone();
        async move {
            let request = raw::request(&mut stream).await;
            let origin = raw::header(&request, "Origin").unwrap_or_default();
            let good = || answer("200 OK", "Access-Control-Allow-Origin: PAGE");
            let answer = if origin == PAGE { good() } else { actual.replace("ORIGIN", origin) };
            stream.write_all(answer.as_bytes()).await.ok();
            raw::hold(stream).await;
        }
    })
    .await
}

/// The check of a page that must be kept out, beside the one that may read.
fn denied(server: &Server) -> Arc<Check> {
    let rows = format!(
        "{{ origin = \"{PAGE}\" }}, {{ origin = \"https://evil.test\", expect = \"deny\" }}"
    );
    config("http://api.test/", &keys_of(server, &rows, "forgeries = false")).checks[1].clone()
}

fn keys(server: &Server, cors: &str) -> String {
    keys_of(server, &format!("{{ origin = \"{PAGE}\" }}"), cors)
}

fn keys_of(server: &Server, origins: &str, cors: &str) -> String {
    let to = server.address;
    format!(
        "connect-to = \"{to}\"\nprobes = [\"cors\"]\norigins = [{origins}]\ncors = {{ {cors} }}"
    )
}

/// A check of that server, which tries no forgeries.
fn of(server: &Server, cors: &str) -> Arc<Check> {
    let comma = if cors.is_empty() { "" } else { ", " };
    check("http://api.test/v1?a=b", &keys(server, &format!("forgeries = false{comma}{cors}")))
}

#[tokio::test]
async fn what_a_form_could_send_is_sent_at_once() {
    let (server, mut requests) =
        api(String::new(), answer("200 OK", "Access-Control-Allow-Origin: *")).await;
    let outcome = run(&of(&server, "")).await;
    assert_eq!((outcome.verdict, outcome.failure), (Verdict::Pass, None));
    let request = requests.recv().await.unwrap();
    assert_eq!(request.lines().next(), Some("GET /v1?a=b HTTP/1.1"));
    for (name, value) in
        [("Host", "api.test"), ("Origin", PAGE), ("Connection", "close"), ("Accept", "*/*")]
    {
        assert_eq!(raw::header(&request, name), Some(value), "{name}");
    }
    assert!(raw::header(&request, "User-Agent").unwrap().starts_with("Watchpost/"));
    assert_eq!(raw::header(&request, "Content-Length"), None);
    let phases: Vec<_> = outcome.observation.phases.iter().map(|(phase, _)| phase).collect();
    assert_eq!(phases, [Phase::Resolve, Phase::Connect, Phase::Request, Phase::Close]);
    assert_eq!(
        (outcome.observation.http_status, server.visits.load(Ordering::SeqCst)),
        (Some(200), 1)
    );
}

#[tokio::test]
async fn what_no_form_could_send_is_asked_for_first() {
    let allow =
        "Access-Control-Allow-Origin: PAGE|Access-Control-Allow-Credentials: true|Vary: Origin";
    let names = "Access-Control-Allow-Methods: PUT|Access-Control-Allow-Headers: X-B, x-a, authorization, content-type";
    let preflight = answer("204 No Content", &format!("{allow}|{names}"));
    let (server, mut requests) = api(preflight, answer("200 OK", allow)).await;
    let cors = "method = \"put\", credentials = true, body = \"{}\", headers = { X-B = \"1\", X-A = \"2\", Authorization = \"Bearer x\", Content-Type = \"application/json\", Accept = \"a/b\" }";
    let outcome = run(&of(&server, cors)).await;
    assert_eq!((outcome.verdict, outcome.failure), (Verdict::Pass, None));
    let preflight = requests.recv().await.unwrap();
    assert_eq!(preflight.lines().next(), Some("OPTIONS /v1?a=b HTTP/1.1"));
    for (name, value) in [
        ("Origin", Some(PAGE)),
        ("Access-Control-Request-Method", Some("PUT")),
        ("Access-Control-Request-Headers", Some("authorization,content-type,x-a,x-b")),
        ("Authorization", None),
        ("X-A", None),
    ] {
        assert_eq!(raw::header(&preflight, name), value, "{name}");
    }
    let actual = requests.recv().await.unwrap();
    assert_eq!(actual.lines().next(), Some("PUT /v1?a=b HTTP/1.1"));
    for (name, value) in [
        ("Origin", PAGE),
        ("Authorization", "Bearer x"),
        ("X-A", "2"),
        ("Accept", "a/b"),
        ("Content-Length", "2"),
    ] {
        assert_eq!(raw::header(&actual, name), Some(value), "{name}");
    }
    assert_eq!(server.visits.load(Ordering::SeqCst), 2, "each on a connection of its own");
    let phases: Vec<_> = outcome.observation.phases.iter().collect();
    let order: Vec<_> = phases.iter().map(|(phase, _)| *phase).collect();
    let all = [Phase::Resolve, Phase::Connect, Phase::Preflight, Phase::Request, Phase::Close];
    assert_eq!(order, all);
    let sum: Duration = phases.iter().map(|(_, time)| *time).sum();
    assert_eq!(sum, outcome.observation.phases.total());
    assert_eq!(outcome.remarks, []);
}

#[tokio::test]
async fn both_connections_are_encrypted_and_judged() {
    let pki = Pki::new("cors");
    let server = pki::serve(pki::server_config(pki.good()), |mut stream| async move {
        let request = raw::request(&mut stream).await;
        let lines = "Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: *";
        assert!(is_preflight(&request) || request.starts_with("PUT "), "{request}");
        stream.write_all(answer("200 OK", lines).as_bytes()).await.unwrap();
        raw::hold(stream).await;
    })
    .await;
    let keys = format!(
        "{}\nprobes = [\"cors\"]\norigins = [{{ origin = \"{PAGE}\" }}]\ncors = {{ method = \"PUT\", forgeries = false }}",
        pki.keys(&server)
    );
    let outcome = run(&check("https://door.test/", &keys)).await;
    assert_eq!((outcome.verdict, outcome.failure), (Verdict::Pass, None));
    assert_eq!(server.visits.load(Ordering::SeqCst), 2);
    assert!(outcome.observation.phases.get(Phase::Tls).is_some());
    assert!(outcome.observation.chain.is_some());
}

/// Makes every reason that only this probe has.
pub async fn reasons() -> Vec<Reason> {
    use Reason as R;
    let star = "Access-Control-Allow-Origin: *";
    let page = "Access-Control-Allow-Origin: PAGE";
    let put = "method = \"PUT\"";
    let cookies = "credentials = true";
    let cookies_too = "method = \"PUT\", credentials = true";
    let header = "headers = { X-A = \"1\" }";
    let ok = "200 OK";
    let mut made = Vec::new();
    for (cors, status, lines, reason) in [
        ("", ok, "", R::CorsMissingAllowOriginHeader),
        ("", "403 Forbidden", "", R::CorsMissingAllowOriginHeader),
        ("", ok, "Access-Control-Allow-Origin: https://b.test", R::CorsAllowOriginMismatch),
        ("", ok, &format!("{star}|{star}"), R::CorsMultipleAllowOriginValues),
        ("", ok, "Access-Control-Allow-Origin: app.test", R::CorsInvalidAllowOriginValue),
        (cookies, ok, star, R::CorsWildcardOriginNotAllowed),
        (cookies, ok, page, R::CorsInvalidAllowCredentials),
        (
            "",
            "302 Found",
            &format!("{page}|Location: https://a:b@c.test/"),
            R::CorsRedirectContainsCredentials,
        ),
        ("", "302 Found", &format!("{page}|Location: /login"), R::CorsRedirected),
        ("", "302 Found", "Location: /login", R::CorsMissingAllowOriginHeader),
        ("", "404 Not Found", page, R::HttpStatusUnexpected),
        ("", "503 Service Unavailable", star, R::HttpStatusUnexpected),
        ("expect-statuses = [401]", ok, star, R::HttpStatusUnexpected),
        (put, "405 Not Allowed", star, R::CorsPreflightInvalidStatus),
        (put, "301 Moved", "Location: /v1/", R::CorsPreflightDisallowedRedirect),
        (put, "404 Not Found", "", R::CorsPreflightMissingAllowOriginHeader),
        (
            put,
            ok,
            "Access-Control-Allow-Origin: https://b.test",
            R::CorsPreflightAllowOriginMismatch,
        ),
        (put, ok, &format!("{page}|{page}"), R::CorsPreflightMultipleAllowOriginValues),
        (put, ok, "Access-Control-Allow-Origin: all", R::CorsPreflightInvalidAllowOriginValue),
        (cookies_too, ok, star, R::CorsPreflightWildcardOriginNotAllowed),
        (cookies_too, ok, page, R::CorsPreflightInvalidAllowCredentials),
        (
            put,
            ok,
            &format!("{star}|Access-Control-Allow-Methods: GET PUT"),
            R::CorsInvalidAllowMethodsPreflightResponse,
        ),
        (
            header,
            ok,
            &format!("{star}|Access-Control-Allow-Headers: x-a;"),
            R::CorsInvalidAllowHeadersPreflightResponse,
        ),
        (
            put,
            ok,
            &format!("{star}|Access-Control-Allow-Methods: put"),
            R::CorsMethodDisallowedByPreflightResponse,
        ),
        (
            header,
            ok,
            &format!("{star}|Access-Control-Allow-Headers: x-b"),
            R::CorsHeaderDisallowedByPreflightResponse,
        ),
    ] {
        let lines = answer(status, lines);
        let (server, _requests) = api(lines.clone(), lines).await;
        let outcome = run(&of(&server, cors)).await;
        let failure = outcome.failure.unwrap_or_else(|| panic!("{reason} is not seen"));
        let asks_first = cors.contains("PUT") || cors.contains("X-A");
        let phase = if asks_first { Phase::Preflight } else { Phase::Request };
        assert_eq!((failure.reason(), failure.phase()), (reason, Some(phase)), "{failure:?}");
        assert_eq!(outcome.verdict, Verdict::Fail, "{reason}");
        let status = status.split_once(' ').unwrap().0.parse().unwrap();
        assert_eq!(outcome.observation.http_status, Some(status), "{reason}");
        made.push(reason);
    }
    made
}

#[tokio::test]
async fn a_page_may_read_that_it_is_not_let_in() {
    for (status, lines, cors) in [
        ("403 Forbidden", "Access-Control-Allow-Origin: PAGE|Vary: Origin", ""),
        ("401 Unauthorized", "Access-Control-Allow-Origin: *", ""),
        ("404 Not Found", "Access-Control-Allow-Origin: *", "expect-statuses = [404, 200]"),
        ("302 Found", "Access-Control-Allow-Origin: *", ""),
    ] {
        let (server, _requests) = api(String::new(), answer(status, lines)).await;
        let outcome = run(&of(&server, cors)).await;
        assert_eq!((outcome.verdict, outcome.failure), (Verdict::Pass, None), "{status}");
    }
}

#[tokio::test]
async fn a_status_that_is_not_wanted_is_told_with_its_body() {
    let lines = answer("404 Not Found", "Access-Control-Allow-Origin: *|X-Served-By: edge");
    let (server, _requests) = api(String::new(), lines).await;
    let outcome = run(&of(&server, "")).await;
    let Some(Failure::HttpStatusUnexpected(response)) = outcome.failure else { panic!() };
    assert_eq!(response.to_string(), "404 Not Found, body \"no\"");
    assert_eq!(response.header("x-served-by").unwrap().as_str(), "edge");
    assert!(outcome.observation.cors.unwrap().blocked.is_none(), "it is not CORS");
}

#[tokio::test]
async fn answers_that_only_say_that_another_is_to_come_are_passed_over() {
    let star = answer("200 OK", "Access-Control-Allow-Origin: *");
    for before in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nAccess-Control-Allow-Origin: x\r\n\r\n",
        "HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 100 C\r\n\r\n",
    ] {
        let (server, _requests) = api(String::new(), format!("{before}{star}")).await;
        let outcome = run(&of(&server, "")).await;
        assert_eq!(
            (outcome.failure, outcome.observation.http_status),
            (None, Some(200)),
            "{before}"
        );
    }
    let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(20);
    let (server, _requests) = api(String::new(), format!("{many}{star}")).await;
    let failure = run(&of(&server, "")).await.failure.unwrap();
    assert_eq!((failure.reason(), failure.phase()), (Reason::HttpMalformed, Some(Phase::Request)));
}

#[tokio::test]
async fn where_a_run_ends_is_told() {
    let put = "method = \"PUT\"";
    let silent = raw::serve(raw::hold).await;
    let closes = raw::serve(|mut stream| async move {
        raw::request(&mut stream).await;
    })
    .await;
    let resets = raw::serve(|mut stream| async move {
        raw::request(&mut stream).await;
        raw::reset(stream);
    })
    .await;
    let foreign = raw::answering("SSH-2.0-x\r\n").await;
    let endless = raw::serve(|mut stream| async move {
        raw::request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.ok();
        while stream.write_all(b"X: y\r\n").await.is_ok() {}
    })
    .await;
    for (server, reason) in [
        (silent, Reason::TimedOut),
        (closes, Reason::Closed),
        (resets, Reason::Reset),
        (foreign, Reason::HttpMalformed),
        (endless, Reason::HttpHeadTooBig),
    ] {
        for (cors, phase) in [("", Phase::Request), (put, Phase::Preflight)] {
            let outcome = run(&of(&server, cors)).await;
            let failure = outcome.failure.unwrap();
            assert_eq!((failure.reason(), failure.phase()), (reason, Some(phase)), "{cors}");
            assert!(outcome.observation.cors.is_none(), "nothing is known of the page");
        }
    }
}

#[tokio::test]
async fn a_denied_page_must_be_kept_out_by_a_server_that_lives() {
    let named = "Access-Control-Allow-Origin: ORIGIN";
    for (status, lines, verdict) in [
        ("200 OK", "", Verdict::Pass),
        ("403 Forbidden", "", Verdict::Pass),
        ("200 OK", "Access-Control-Allow-Origin: PAGE", Verdict::Pass),
        ("502 Bad Gateway", "", Verdict::Inconclusive),
        ("302 Found", &format!("{named}|Location: /b"), Verdict::Inconclusive),
        ("200 OK", named, Verdict::Fail),
        ("403 Forbidden", named, Verdict::Fail),
        ("404 Not Found", named, Verdict::Fail),
        ("200 OK", "Access-Control-Allow-Origin: *", Verdict::Fail),
    ] {
        let server = picky(answer(status, lines)).await;
        let outcome = run(&denied(&server)).await;
        assert_eq!(outcome.verdict, verdict, "{status} {lines}: {:?}", outcome.failure);
        let accepted =
            outcome.failure.map(|failure| failure.reason()) == Some(Reason::OriginAccepted);
        assert_eq!(accepted, verdict == Verdict::Fail, "{status} {lines}");
        let visits = if verdict == Verdict::Pass { 2 } else { 1 };
        assert_eq!(server.visits.load(Ordering::SeqCst), visits, "no page is asked for in vain");
    }
}

#[tokio::test]
async fn who_keeps_every_page_out_proves_no_list() {
    let (server, _requests) = api(String::new(), answer("200 OK", "")).await;
    let outcome = run(&denied(&server)).await;
    assert_eq!(outcome.verdict, Verdict::Inconclusive);
    assert_eq!(outcome.failure.map(|failure| failure.reason()), Some(Reason::ControlFailed));
    // The run itself has its phases, and those of the control are nobody's.
    let phases: Vec<_> = outcome.observation.phases.iter().map(|(phase, _)| phase).collect();
    assert_eq!(phases, [Phase::Resolve, Phase::Connect, Phase::Request, Phase::Close]);
}

/// The codes of the warnings of one run.
async fn warnings(prober: &Prober, check: &Check, turn: u64) -> Vec<&'static str> {
    let outcome = prober.run(check, turn).await;
    outcome.remarks.iter().map(|remark| remark.warning.code()).collect()
}

#[tokio::test]
async fn forged_origins_are_tried_now_and_then_and_findings_stay() {
    let lines = "Access-Control-Allow-Origin: ORIGIN|Vary: Origin";
    let (server, mut requests) = api(String::new(), answer("200 OK", lines)).await;
    let config = config("http://api.test/", &keys(&server, ""));
    let prober = Prober::new(&config.endpoints, &[], None);
    let check = &config.checks[0];
    assert_eq!(warnings(&prober, check, 1).await, [""; 0], "not this turn's");
    assert_eq!(server.visits.load(Ordering::SeqCst), 1);
    assert_eq!(warnings(&prober, check, 11).await, ["cors_origin_suffix_confusion"]);
    assert_eq!(server.visits.load(Ordering::SeqCst), 3);
    assert_eq!(warnings(&prober, check, 12).await, ["cors_origin_suffix_confusion"]);
    assert_eq!(warnings(&prober, check, 44).await, ["cors_reflects_any_origin"]);
    assert_eq!(warnings(&prober, check, 45).await, ["cors_reflects_any_origin"]);
    assert_eq!(server.visits.load(Ordering::SeqCst), 7);
    let mut origins = Vec::new();
    for _ in 0..7 {
        origins.push(raw::header(&requests.recv().await.unwrap(), "Origin").unwrap().to_owned());
    }
    let suffix = "https://app.test.watchpost.invalid";
    assert_eq!(origins, [PAGE, PAGE, suffix, PAGE, PAGE, "https://watchpost.invalid", PAGE]);
}

#[tokio::test]
async fn each_confusion_is_told_apart() {
    for (lets_in, code) in [
        ("https://app.test.watchpost.invalid", "cors_origin_suffix_confusion"),
        ("https://watchpostapp.test", "cors_origin_prefix_confusion"),
        ("null", "cors_null_origin_allowed"),
        ("https://watchpost.invalid", "cors_reflects_any_origin"),
    ] {
        let server = raw::serve(move |mut stream| async move {
            let request = raw::request(&mut stream).await;
            let origin = raw::header(&request, "Origin").unwrap();
            let named = match origin == PAGE || origin == lets_in {
                true => format!("Access-Control-Allow-Origin: {origin}|Vary: Origin|Access-Control-Allow-Methods: PUT"),
                false => "Vary: Origin".to_owned(),
            };
            stream.write_all(answer("200 OK", &named).as_bytes()).await.ok();
            raw::hold(stream).await;
        })
        .await;
        for method in ["GET", "POST", "PUT"] {
            let cors = format!("method = \"{method}\"");
            let config = config("http://api.test/", &keys(&server, &cors));
            let prober = Prober::new(&config.endpoints, &[], None);
            let mut found = Vec::new();
            for turn in [0, 11, 22, 33] {
                found = warnings(&prober, &config.checks[0], turn).await;
            }
            assert_eq!(found, [code], "{method}");
        }
    }
}

#[tokio::test]
async fn a_forged_request_changes_nothing() {
    let lines = "Access-Control-Allow-Origin: ORIGIN|Vary: Origin|Access-Control-Allow-Methods: *";
    for method in ["POST", "PUT"] {
        let (server, mut requests) =
            api(answer("204 No Content", lines), answer("200 OK", lines)).await;
        let cors = format!("method = \"{method}\", body = \"x\"");
        run(&check("http://api.test/", &keys(&server, &cors))).await;
        let mut forged = Vec::new();
        while let Ok(request) = requests.try_recv() {
            if raw::header(&request, "Origin") != Some(PAGE) {
                forged.push(is_preflight(&request));
            }
        }
        assert_eq!(forged, [true], "{method}");
    }
}

#[tokio::test]
async fn an_answer_for_one_page_wants_a_vary_unless_all_get_the_same() {
    // Names the page to whoever asks.
    let lines = answer("200 OK", "Access-Control-Allow-Origin: PAGE");
    let (server, _requests) = api(String::new(), lines).await;
    let config = config("http://api.test/", &keys(&server, ""));
    let prober = Prober::new(&config.endpoints, &[], None);
    let check = &config.checks[0];
    assert_eq!(warnings(&prober, check, 1).await, ["cors_vary_origin_missing"]);
    assert_eq!(warnings(&prober, check, 11).await, [""; 0], "the server does not look");
    assert_eq!(warnings(&prober, check, 12).await, [""; 0]);
}

#[tokio::test]
async fn a_star_for_authorization_is_a_warning() {
    let lines = "Access-Control-Allow-Origin: *|Access-Control-Allow-Headers: *";
    let (server, _requests) = api(answer("204 No Content", lines), answer("200 OK", lines)).await;
    let check = of(&server, "headers = { Authorization = \"Bearer x\" }");
    let outcome = run(&check).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "as in browsers");
    let [remark] = outcome.remarks.as_slice() else { panic!("{:?}", outcome.remarks) };
    assert_eq!(remark.warning.code(), "cors_wildcard_covers_authorization");
    assert_eq!(remark.evidence, "Access-Control-Allow-Headers: *");
}

#[tokio::test]
async fn whoever_asks_by_hand_tries_all_forgeries_at_once() {
    let lines = "Access-Control-Allow-Origin: ORIGIN|Vary: Origin";
    let (server, _requests) = api(String::new(), answer("200 OK", lines)).await;
    let mut check = Check::clone(&check("http://api.test/", &keys(&server, "")));
    let watchpost::check::probe::Probe::Cors(mut cors) = check.probe.as_ref().clone() else {
        panic!()
    };
    cors.forgeries = Forgeries::All;
    check.probe = Arc::new(watchpost::check::probe::Probe::Cors(cors));
    let check = Arc::new(check);
    let outcome = run(&check).await;
    assert_eq!(outcome.remarks[0].warning.code(), "cors_reflects_any_origin");
    assert_eq!(server.visits.load(Ordering::SeqCst), 5);
}

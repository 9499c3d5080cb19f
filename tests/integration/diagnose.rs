//! `watchpost diagnose`: which spelling of an origin is let in, and what follows from that.

use serde_json::Value;

use crate::fixture::daemon::watchpost;
use crate::fixture::pki::{self, HOST, Pki, server_config};
use crate::fixture::raw::{self, OPEN, Server};

/// Lets in whom `allows` lets in, and answers others with `refusal`.
async fn door(
    allows: impl Fn(Option<&str>) -> bool + Clone + Send + Sync + 'static,
    refusal: &'static str,
) -> Server {
    raw::serve(move |mut stream| {
        let allows = allows.clone();
        async move {
            let request = raw::request(&mut stream).await;
            let answer = if allows(raw::header(&request, "Origin")) { OPEN } else { refusal };
            let answer = raw::answer_to(&request, answer);
            tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await.unwrap();
            raw::hold(stream).await;
        }
    })
    .await
}

const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";

/// What it says, and the exit status.
async fn diagnose(url: String, more: &[&str]) -> (Value, Option<i32>) {
    let mut args = vec!["diagnose".to_owned(), url, "--json".to_owned()];
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    let run =
        move || watchpost(&args.iter().map(String::as_str).collect::<Vec<_>>()).output().unwrap();
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let json = serde_json::from_slice(&output.stdout);
    (json.unwrap_or_else(|error| panic!("{error}: {output:?}")), output.status.code())
}

/// The spellings that were let in.
fn let_in(diagnosis: &Value) -> Vec<&str> {
    let tried = diagnosis["tried"].as_array().unwrap().iter();
    tried
        .filter(|one| one["verdict"] == "pass")
        .map(|one| one["spelling"].as_str().unwrap())
        .collect()
}

fn texts(list: &Value) -> String {
    list.as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spelling_that_the_list_has_is_found() {
    let page = "https://www.shop.test";
    for (listed, spelling, lesson) in [
        ("http://www.shop.test", "other_scheme", "two origins"),
        ("https://shop.test", "www", "with or without www."),
        ("https://www.shop.test:443", "implied_port", "no browser sends"),
        ("https://www.shop.test/", "trailing_slash", "slash at the end"),
        ("https://WWW.SHOP.TEST", "capitals", "letter by letter"),
        ("www.shop.test", "host_alone", "the host alone"),
        ("null", "null", "sandboxed frames"),
    ] {
        let server = door(move |origin| origin == Some(listed), FORBIDDEN).await;
        let (told, status) =
            diagnose(format!("ws://{}/", server.address), &["--origin", page]).await;
        assert_eq!((told["conclusion"].as_str(), status), (Some("origin_refused"), Some(1)));
        assert_eq!(let_in(&told), [spelling]);
        assert!(texts(&told["lessons"]).contains(lesson), "{told}");
        assert!(texts(&told["advice"]).contains(page), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_the_names_below_does_not_have_the_name_itself() {
    let below = |origin: Option<&str>| origin.is_some_and(|text| text.ends_with(".shop.test"));
    let server = door(below, FORBIDDEN).await;
    let url = format!("ws://{}/", server.address);
    let (told, _) = diagnose(url, &["--origin", "https://shop.test"]).await;
    assert_eq!(let_in(&told), ["www", "subdomain"]);
    assert_eq!(told["lessons"].as_array().unwrap().len(), 1);
    assert!(texts(&told["lessons"]).contains("wildcard"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_page_of_the_endpoint_shows_that_the_door_works() {
    let server = door(|origin| origin == Some("https://app.shop.test"), FORBIDDEN).await;
    let url = format!("ws://{}/", server.address);
    let pages = ["--origin", "https://other.test", "--origin", "https://app.shop.test"];
    let (told, status) = diagnose(url, &pages).await;
    let [refused, in_] = told.as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!((refused["conclusion"].as_str(), status), (Some("origin_refused"), Some(1)));
    assert_eq!(let_in(refused), ["other_page"]);
    assert!(texts(&refused["advice"]).contains("https://other.test"), "{refused}");
    assert_eq!(in_["conclusion"], "let_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_refuses_everybody_may_mean_something_else() {
    let server = door(|_| false, FORBIDDEN).await;
    let url = format!("ws://{}/v1?deploymentId=x", server.address);
    let (told, status) = diagnose(url, &["--origin", "https://shop.test"]).await;
    assert_eq!((told["conclusion"].as_str(), status), (Some("everybody_refused"), Some(1)));
    assert!(texts(&told["advice"]).contains("deployment id"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lets_strangers_in_has_another_kind_of_list() {
    let server = door(|origin| origin != Some("https://shop.test"), FORBIDDEN).await;
    let url = format!("ws://{}/", server.address);
    let (told, _) = diagnose(url, &["--origin", "https://shop.test"]).await;
    assert_eq!(told["conclusion"], "origin_refused");
    assert!(texts(&told["lessons"]).contains("those that are refused"), "{told}");
    assert!(!texts(&told["lessons"]).contains("www."), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_gets_in_is_asked_for_once() {
    let server = door(|_| true, FORBIDDEN).await;
    let url = format!("ws://{}/", server.address);
    let (told, status) = diagnose(url, &["--origin", "https://shop.test"]).await;
    assert_eq!((told["conclusion"].as_str(), status), (Some("let_in"), Some(0)));
    assert_eq!(server.visits.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_is_kept_and_a_limit_is_not_pushed() {
    let visits = |server: &Server| server.visits.load(std::sync::atomic::Ordering::SeqCst);
    let server = door(|_| false, FORBIDDEN).await;
    let url = format!("ws://{}/", server.address);
    diagnose(url, &["--origin", "https://shop.test", "--budget", "8"]).await;
    assert_eq!(visits(&server), 8);

    let busy = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";
    let server = door(|_| false, busy).await;
    let url = format!("ws://{}/", server.address);
    let (told, status) = diagnose(url, &["--origin", "https://shop.test"]).await;
    assert_eq!((told["conclusion"].as_str(), status), (Some("throttled"), Some(3)));
    assert_eq!(visits(&server), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_origin_can_mend_is_not_blamed_on_one() {
    let pki = Pki::new("diagnose");
    let expired = pki.authority.issue(&[HOST], -20, -10).unwrap();
    let server = pki::open(server_config(expired)).await;
    let ca = pki.ca_file();
    let at = server.address.to_string();
    let more = ["--origin", "https://shop.test", "--ca", ca.to_str().unwrap(), "--connect-to", &at];
    let (told, status) = diagnose(format!("wss://{HOST}/"), &more).await;
    assert_eq!((told["conclusion"].as_str(), status), (Some("not_the_origin"), Some(1)));
    assert_eq!(told["asked"][0]["reason"], "cert_expired");
    assert_eq!(told["tried"].as_array().unwrap().len(), 0);

    let failing = door(|_| false, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
    let url = format!("ws://{}/", failing.address);
    let (told, _) = diagnose(url, &["--origin", "https://shop.test"]).await;
    assert_eq!(told["conclusion"], "not_the_origin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_blocks_a_plain_connection_of_an_encrypted_page() {
    let server = door(|_| true, FORBIDDEN).await;
    let at = server.address.to_string();
    let more = ["--origin", "https://shop.test", "--connect-to", &at];
    let (told, status) = diagnose("ws://chat.test/".to_owned(), &more).await;
    assert_eq!((told["conclusion"].as_str(), status), (Some("mixed_content"), Some(1)));
    assert!(texts(&told["advice"]).contains("wss://chat.test/"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_on_one_screen() {
    let server = door(|origin| origin == Some("https://shop.test"), FORBIDDEN).await;
    let url = format!("ws://{}/", server.address);
    let run = move || {
        watchpost(&["diagnose", &url, "--origin", "https://www.shop.test"]).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().count() <= 24, "{text}");
    for part in [
        "the page sends  Origin: https://www.shop.test",
        "✔ www ",
        "why: The allow list has the name with or without www.",
        "do: Add exactly this to the allow list: https://www.shop.test",
        "not CORS",
    ] {
        assert!(text.contains(part), "{part:?} is missing:\n{text}");
    }
}

/// An API that lets these pages read.
async fn api(listed: &'static str, preflight: &'static str) -> Server {
    raw::serve(move |mut stream| async move {
        let request = raw::request(&mut stream).await;
        let allow = match raw::header(&request, "Origin") {
            Some(origin) if origin == listed => {
                format!("Access-Control-Allow-Origin: {origin}\r\nVary: Origin\r\n")
            }
            _ => String::new(),
        };
        let more = if request.starts_with("OPTIONS") { preflight } else { "" };
        let answer = format!("HTTP/1.1 200 OK\r\n{allow}{more}Content-Length: 2\r\n\r\nno");
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await.unwrap();
        raw::hold(stream).await;
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_cors_failure_the_missing_line_is_told() {
    let server = api("https://shop.test", "").await;
    let url = format!("http://{}/", server.address);
    let (told, status) = diagnose(url.clone(), &["--origin", "https://www.shop.test"]).await;
    assert_eq!((told["conclusion"].as_str(), status), (Some("origin_refused"), Some(1)));
    assert_eq!(let_in(&told), ["www"]);
    assert_eq!(
        told["mend"]["lines"],
        serde_json::json!(["Access-Control-Allow-Origin: https://www.shop.test", "Vary: Origin"])
    );
    assert_eq!(told["mend"]["of_preflight"], false);

    let more = ["--origin", "https://shop.test", "--method", "PATCH", "--header", "X-Token: 1"];
    let (told, _) = diagnose(url, &more).await;
    assert_eq!((&told["conclusion"], let_in(&told)), (&"not_the_origin".into(), vec![]));
    assert_eq!(told["mend"]["header"], "Access-Control-Allow-Methods");
    let allow = serde_json::json!(["Access-Control-Allow-Methods: PATCH"]);
    assert_eq!((&told["mend"]["lines"], &told["mend"]["of_preflight"]), (&allow, &true.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_without_cors_headers_is_an_error_first() {
    let error = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let server = raw::answering(error).await;
    let url = format!("http://{}/", server.address);
    let (told, _) = diagnose(url, &["--origin", "https://shop.test"]).await;
    assert_eq!(told["conclusion"], "everybody_refused");
    assert!(texts(&told["advice"]).contains("Mend the error first"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_spelling_cannot_mend_is_not_tried() {
    let answer = "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\n\r\n";
    let server = raw::answering(answer).await;
    let url = format!("http://{}/", server.address);
    let (told, _) = diagnose(url, &["--origin", "https://shop.test", "--credentials"]).await;
    assert_eq!(told["conclusion"], "not_the_origin");
    assert_eq!(told["mend"]["lines"][1], "Access-Control-Allow-Credentials: true");
    assert_eq!(server.visits.load(std::sync::atomic::Ordering::SeqCst), 1);
}

//! `watchpost check`: one screen for people, and JSON that is a contract.

use std::process::Output;

use serde_json::Value;

use crate::fixture::daemon::watchpost;
use crate::fixture::pki::{self, HOST, Pki, server_config};
use crate::fixture::raw::{self, OPEN};

async fn run(args: Vec<String>) -> Output {
    let run =
        move || watchpost(&args.iter().map(String::as_str).collect::<Vec<_>>()).output().unwrap();
    tokio::task::spawn_blocking(run).await.unwrap()
}

macro_rules! check {
    ($($arg:expr),+ $(,)?) => { run(vec!["check".to_owned(), $($arg.to_string()),+]).await };
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Lets one origin in, as servers with an allow list do.
async fn selective() -> raw::Server {
    raw::serve(|mut stream| async move {
        let request = raw::request(&mut stream).await;
        let key = raw::header(&request, "Sec-WebSocket-Key").unwrap_or_default();
        let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        let answer = match raw::header(&request, "Origin") {
            Some("https://shop.test") => OPEN.replace("ACCEPT", &accept),
            _ => "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".to_owned(),
        };
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await.unwrap();
        raw::hold(stream).await;
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_door_is_an_object_with_every_field() {
    let server = selective().await;
    let output =
        check!(format!("ws://{}/", server.address), "--origin", "https://shop.test", "--json");
    assert_eq!(output.status.code(), Some(0));
    let report = json(&output);
    let fields: Vec<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "address",
            "addresses",
            "cors",
            "endpoint",
            "evidence",
            "expect",
            "fault",
            "fix",
            "http_status",
            "latency",
            "message",
            "messaging",
            "origin",
            "phase",
            "phases",
            "probe",
            "reason",
            "response",
            "stalled",
            "started_at",
            "subprotocol",
            "success",
            "tls",
            "url",
            "verdict",
            "warnings",
        ]
    );
    assert_eq!((&report["verdict"], &report["success"]), (&"pass".into(), &true.into()));
    assert_eq!((&report["http_status"], &report["reason"]), (&101.into(), &Value::Null));
    let phases = report["phases"].as_object().unwrap();
    let until_open: f64 =
        ["resolve", "connect", "upgrade"].iter().map(|name| phases[*name].as_f64().unwrap()).sum();
    let latency = report["latency"].as_f64().unwrap();
    assert!((latency / 1e3 - until_open).abs() < 5e-6, "{latency} ms, {until_open} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_why_and_what_to_do() {
    let server = selective().await;
    let url = format!("ws://{}/", server.address);
    let output = check!(url, "--origin", "https://evil.test", "--json");
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    for (field, value) in [
        ("verdict", "fail"),
        ("reason", "upgrade_refused"),
        ("phase", "upgrade"),
        ("fault", "target"),
    ] {
        assert_eq!(report[field], value, "{field}");
    }
    assert_eq!((&report["success"], &report["latency"]), (&false.into(), &Value::Null));
    assert_eq!((&report["http_status"], &report["response"]["body"]), (&403.into(), &"no".into()));

    let screen = check!(url, "--origin", "https://evil.test");
    let said = String::from_utf8(screen.stdout).unwrap();
    for part in [
        "✘ FAIL",
        "as https://evil.test",
        "upgrade_refused in upgrade",
        "seen: 403 Forbidden",
        "do: Add the page's origin",
    ] {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "no colour where no terminal is");
    assert!(said.lines().count() <= 24, "one screen:\n{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_origins_are_a_list_and_the_worst_decides() {
    let server = selective().await;
    let url = format!("ws://{}/", server.address);
    let output = check!(
        url,
        "--origin",
        "https://shop.test",
        "--origin",
        "null",
        "--origin",
        "none",
        "--json"
    );
    assert_eq!(output.status.code(), Some(1));
    let reports = json(&output);
    let verdicts: Vec<_> = reports
        .as_array()
        .unwrap()
        .iter()
        .map(|report| (report["origin"].as_str().unwrap(), report["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(verdicts, [("https://shop.test", "pass"), ("null", "fail"), ("none", "fail")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_can_be_what_is_wanted() {
    let server = selective().await;
    let url = format!("ws://{}/", server.address);
    let evil = ["--origin", "https://evil.test", "--expect", "deny", "--json"];
    let said = |output: &Output| {
        let report = json(output);
        (output.status.code(), report["verdict"].clone(), report["reason"].clone())
    };
    let passes = (Some(0), "pass".into(), Value::Null);
    let unproven = |reason: &str| (Some(3), "inconclusive".into(), reason.into());
    for (control, told) in [("https://shop.test", passes), ("none", unproven("control_failed"))] {
        let beside = check!(url, evil[0], evil[1], evil[2], evil[3], evil[4], "--control", control);
        assert_eq!(said(&beside), told, "{control}");
    }
    let alone = check!(url, evil[0], evil[1], evil[2], evil[3], evil[4]);
    assert_eq!(said(&alone), unproven("control_missing"));
    let let_in = check!(url, "--origin", "https://shop.test", "--expect", "deny", "--json");
    assert_eq!(
        (let_in.status.code(), &json(&let_in)["reason"]),
        (Some(1), &"origin_accepted".into())
    );
    let dead =
        check!("ws://127.0.0.1:9/", "--origin", "https://evil.test", "--expect", "deny", "--json");
    assert_eq!((dead.status.code(), &json(&dead)["verdict"]), (Some(3), &"inconclusive".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_is_a_tree_with_days_left() {
    let pki = Pki::new("screen");
    let server = pki::open(server_config(pki.authority.issue(&[HOST], -30, 60).unwrap())).await;
    let ca = pki.ca_file();
    let url = format!("wss://{HOST}/");
    let output = check!(url, "--ca", ca.display(), "--connect-to", server.address);
    let said = String::from_utf8(output.stdout).unwrap();
    for part in [
        "✔ pass",
        "TLS 1.3",
        "├─ CN=door.test  59 d left",
        "└─ CN=screen intermediate",
        "trusted until",
    ] {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
    let report = json(&check!(url, "--ca", ca.display(), "--connect-to", server.address, "--json"));
    assert_eq!(report["tls"]["verified"], true);
    assert_eq!(report["tls"]["chain"][0]["subject"], "CN=door.test");
    assert_eq!(report["tls"]["path"], serde_json::json!([0, 1]));

    let untrusted = json(&check!(url, "--connect-to", server.address, "--json"));
    assert_eq!(untrusted["reason"], "cert_unknown_issuer");
    assert_eq!(untrusted["tls"]["chain"][1]["subject"], "CN=screen intermediate,O=Watchpost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tls_url_shakes_hands_only() {
    let pki = Pki::new("hands");
    let server = pki::open(server_config(pki.good())).await;
    let output = check!(
        format!("tls://{HOST}:1"),
        "--ca",
        pki.ca_file().display(),
        "--connect-to",
        server.address,
        "--json"
    );
    let report = json(&output);
    assert_eq!((&report["probe"], &report["origin"]), (&"tls".into(), &Value::Null));
    assert!(report["latency"].as_f64().unwrap() > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_subprotocols_are_sent() {
    let server = raw::serve(|mut stream| async move {
        let request = raw::request(&mut stream).await;
        let told = format!(
            "{:?} {:?}",
            raw::header(&request, "X-A"),
            raw::header(&request, "Sec-WebSocket-Protocol")
        );
        let answer = format!("HTTP/1.1 418 X\r\nContent-Length: {}\r\n\r\n{told}", told.len());
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await.unwrap();
        raw::hold(stream).await;
    })
    .await;
    let output = check!(
        format!("ws://{}/", server.address),
        "--header",
        "X-A: b c",
        "--subprotocol",
        "chat",
        "--subprotocol",
        "soap",
        "--json"
    );
    assert_eq!(json(&output)["response"]["body"], "Some(\"b c\") Some(\"chat, soap\")");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_the_wait() {
    let silent = raw::serve(raw::hold).await;
    let output = check!(format!("ws://{}/", silent.address), "--timeout", "200ms", "--json");
    let report = json(&output);
    assert_eq!((&report["reason"], &report["phase"]), (&"timeout".into(), &"upgrade".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_a_config_is_tried_with_all_its_origins() {
    let server = selective().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let config = format!(
        "[[endpoints]]\nname = \"chat\"\nurl = \"ws://{}/\"\norigins = [\n\
         {{ origin = \"https://shop.test\", name = \"shop\" }},\n\
         {{ origin = \"https://evil.test\", name = \"evil\", expect = \"deny\" }},\n]\n",
        server.address
    );
    std::fs::write(&path, config).unwrap();
    let path = path.to_str().unwrap();
    let output = check!("chat", "--config", path, "--json");
    assert_eq!(output.status.code(), Some(0));
    let reports = json(&output);
    let said: Vec<_> = reports
        .as_array()
        .unwrap()
        .iter()
        .map(|report| (report["expect"].as_str().unwrap(), report["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(said, [("allow", "pass"), ("deny", "pass")]);

    let output = check!("chta", "--config", path);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no endpoint chta; it has chat"));
}

/// An API that lets one page send PUT, and says who may read in the way of many a first attempt.
async fn api() -> raw::Server {
    raw::serve(|mut stream| async move {
        let request = raw::request(&mut stream).await;
        let origin = raw::header(&request, "Origin").unwrap_or_default();
        let allow = match origin.starts_with("https://shop.test") {
            true => format!("Access-Control-Allow-Origin: {origin}\r\nVary: Origin\r\n"),
            false => String::new(),
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\n{allow}Access-Control-Allow-Methods: PUT\r\nContent-Length: 0\r\n\r\n"
        );
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await.unwrap();
        raw::hold(stream).await;
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_is_answered_as_its_browser_would() {
    let server = api().await;
    let url = format!("http://{}/", server.address);
    let good = check!(url, "--origin", "https://shop.test", "--method", "put", "--json");
    assert_eq!(good.status.code(), Some(0));
    let report = json(&good);
    let expected = serde_json::json!({ "allowed": true, "error": null, "evidence": null });
    assert_eq!((&report["probe"], &report["cors"]), (&"cors".into(), &expected));
    assert!(report["phases"]["preflight"].is_number() && report["phases"]["request"].is_number());
    let warnings = report["warnings"].as_array().unwrap();
    let codes: Vec<_> = warnings.iter().map(|warning| &warning["warning"]).collect();
    assert_eq!(codes, ["cors_origin_suffix_confusion"]);

    let only = ["--origin", "https://shop.test", "--method", "PUT", "--preflight-only", "--json"];
    let only = check!(url, only[0], only[1], only[2], only[3], only[4], only[5]);
    assert_eq!((only.status.code(), &json(&only)["phases"]["request"]), (Some(0), &Value::Null));

    let cookies = check!(url, "--origin", "https://shop.test", "--credentials", "--json");
    let report = json(&cookies);
    assert_eq!((cookies.status.code(), &report["phase"]), (Some(1), &"request".into()));
    assert_eq!(report["reason"], "cors_invalid_allow_credentials");
    assert_eq!(report["cors"]["error"], "InvalidAllowCredentials");
    assert_eq!(report["evidence"], "status 200, no Access-Control-Allow-Credentials");

    let evil = check!(url, "--origin", "https://evil.test", "--method", "PUT");
    let said = String::from_utf8(evil.stdout).unwrap();
    for part in [
        "as https://evil.test",
        "cors_preflight_missing_allow_origin_header in preflight",
        "seen: status 200, no Access-Control-Allow-Origin",
        "do: Let the server answer OPTIONS itself",
    ] {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
    let alone = check!(url, "--origin", "https://evil.test", "--expect", "deny");
    assert_eq!(alone.status.code(), Some(3), "nobody knows whether anybody may read");
    let denied = ["--origin", "https://evil.test", "--expect", "deny", "--control"];
    let denied =
        check!(url, denied[0], denied[1], denied[2], denied[3], denied[4], "https://shop.test");
    assert_eq!(denied.status.code(), Some(0));
    let said = String::from_utf8(denied.stdout).unwrap();
    assert!(said.contains("kept from the page, status 200, as it must be"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_command_line_is_told_with_status_2() {
    for (args, part) in [
        (vec!["//chat.test:1"], "not a URL with a host"),
        // In the folder of the tests there is a config.
        (vec!["chat.test"], "config.toml has no endpoint chat.test; it has "),
        (vec!["ftp://chat.test"], "the scheme must be"),
        (vec!["ws://a.test", "--origin", "https://a.test/"], "more than an origin"),
        (vec!["ws://a.test", "--header", "Origin: x"], "the probe writes this header itself"),
        (vec!["ws://a.test", "--ca", "/no/such.pem"], "/no/such.pem"),
        (vec!["ws://a.test", "--timeout", "2h"], "a timeout is between"),
        (vec!["https://a.test", "--subprotocol", "a"], "write wss://"),
        (vec!["tls://a.test:1", "--origin", "null"], "write wss://"),
        (vec!["wss://a.test", "--method", "PUT"], "is opened with GET"),
        (vec!["https://a.test", "--method", "PUT"], "name one with --origin"),
        (vec!["https://a.test", "--origin", "none"], "name one with --origin"),
        (vec!["https://a.test", "--origin", "https://a.test"], "need no CORS"),
        (vec!["https://a.test", "--origin", "null", "--method", "trace"], "no browser lets a page"),
        (vec!["https://a.test", "--origin", "null", "--header", "Cookie: a"], "cookie: no browser"),
        (vec!["https://a.test", "--origin", "null", "--preflight-only"], "without a preflight"),
        (vec!["ws://a.test", "--control", "none"], "--control goes with --expect deny"),
    ] {
        let mut all = vec!["check".to_owned()];
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        let output = run(all).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(part), "{args:?}: {said}");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

//! Answers to an upgrade: what Chromium opens is open, and what it refuses is refused for the
//! same reason.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use watchpost::outcome::reason::Reason::{self, *};

use super::answers::{self, Answer};
use super::chance::Chance;
use super::{Browser, ask, door};
use crate::checks::{check, run};

/// Ports that are used at a time: Chromium opens one WebSocket after the other at each.
const PORTS: usize = 4;

/// Answers of a random run.
const RANDOM: usize = 400;

/// Fewest ends that a run comes to: fewer, and the answers are too much alike. Firefox gives no
/// reasons.
const ENDS: usize = 8;

/// Chromium's messages, by a part of them, and the reason for each: the first that fits counts.
const MESSAGES: &[(&str, Reason)] = &[
    ("'Upgrade' header", BadUpgradeHeader),
    ("'Sec-WebSocket-Accept' header", BadAccept),
    ("'Connection' header", BadConnectionHeader),
    ("'Sec-WebSocket-Protocol' header", BadSubprotocol),
    ("'Sec-WebSocket-Extensions' header", UnrequestedExtension),
    ("permessage-deflate", UnrequestedExtension),
    ("Unexpected response code: 403", UpgradeRefused),
    ("Unexpected response code: 404", UpgradeNotFound),
    ("Unexpected response code: 410", UpgradeNotFound),
    ("Unexpected response code: 429", UpgradeThrottled),
    ("HTTP Authentication failed", UpgradeRefused),
    ("net::ERR_UNEXPECTED_PROXY_AUTH", UpgradeNotOffered),
    ("net::ERR_RESPONSE_HEADERS_TOO_BIG", HttpHeadTooBig),
    ("net::ERR_RESPONSE_HEADERS_MULTIPLE", HttpMalformed),
    ("net::ERR_INVALID_HTTP_RESPONSE", HttpMalformed),
    ("net::ERR_CONNECTION_CLOSED", Closed),
    ("Connection closed before receiving a handshake response", Closed),
];

/// The reason that a message of Chromium's stands for.
pub fn reason(message: &str) -> Option<Reason> {
    let known = MESSAGES.iter().find(|(part, _)| message.contains(part)).map(|(_, reason)| *reason);
    let (_, code) = message.split_once("Unexpected response code: ").unwrap_or_default();
    known.or_else(|| match code.parse::<u32>().ok()? {
        300..=399 => Some(UpgradeRedirected),
        500..=599 => Some(UpgradeServerError),
        _ => Some(UpgradeNotOffered),
    })
}

/// What came of an upgrade.
#[derive(Debug, PartialEq, Eq)]
enum Door {
    Open {
        subprotocol: String,
    },
    Shut {
        reason: Reason,
    },
    /// With a message that the table does not have.
    Unknown,
}

fn seen(result: &Value) -> (Door, String) {
    let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
    if result["opened"].as_bool().unwrap() {
        return (Door::Open { subprotocol: text("subprotocol") }, String::new());
    }
    let message = text("message");
    (reason(&message).map_or(Door::Unknown, |reason| Door::Shut { reason }), message)
}

/// Whether the program does as Chromium.
fn same(theirs: &Door, message: &str, ours: &Door) -> bool {
    let shut = matches!(ours, Door::Shut { .. });
    // Its protocol carries no message that quotes what is no UTF-8.
    let untold = message.is_empty() && *theirs == Door::Unknown;
    // It asks for credentials before it minds that a head is cut off.
    let asked = message.contains("HTTP Authentication") && *ours == Door::Shut { reason: Closed };
    theirs == ours || shut && (untold || asked)
}

async fn ours(port: u16, number: usize, answer: &Answer) -> (Door, String) {
    let keys = match answer.offer {
        [] => String::new(),
        offer => format!("subprotocols = {offer:?}"),
    };
    let keys = format!("timeout = \"10s\"\n{keys}");
    let outcome = run(&check(&format!("ws://127.0.0.1:{port}/{number}"), &keys)).await;
    let seen = outcome.observation;
    if seen.upgraded {
        let subprotocol = seen.subprotocol.map(|name| name.as_str().to_owned());
        return (Door::Open { subprotocol: subprotocol.unwrap_or_default() }, String::new());
    }
    let failure = outcome.failure.unwrap();
    (Door::Shut { reason: failure.reason() }, failure.evidence())
}

/// Where Chromium and the program differ.
async fn differences(browser: Browser, answers: &[Answer]) -> Vec<String> {
    let bytes: Vec<_> = answers.iter().map(|answer| answer.bytes.clone()).collect();
    let ports = door::serve(PORTS, move |request| {
        let number = request.path().parse().ok();
        let Some(answer) = number.and_then(|number: usize| bytes.get(number)) else {
            return door::PAGE.into();
        };
        let key = request.header("Sec-WebSocket-Key").unwrap_or_default();
        door::filled(answer, "ACCEPT", &derive_accept_key(key.as_bytes()))
    })
    .await;
    let doors: Vec<_> = answers
        .iter()
        .enumerate()
        .map(|(number, answer)| {
            let url = format!("ws://localhost:{}/{number}", ports[number % PORTS]);
            json!({ "url": url, "subprotocols": answer.offer })
        })
        .collect();
    let page = format!("http://localhost:{}/page", ports[0]);
    let job = json!({ "websockets": { "page": page, "doors": doors } });
    let results = ask(browser, job).await;
    let mut differences = Vec::new();
    let mut met = BTreeMap::<String, usize>::new();
    for (number, answer) in answers.iter().enumerate() {
        let (theirs, message) = seen(&results[number]);
        let (ours, evidence) = ours(ports[0], number, answer).await;
        *met.entry(format!("{theirs:?}")).or_default() += 1;
        let same = match browser {
            Browser::Chromium => same(&theirs, &message, &ours),
            Browser::Firefox => {
                matches!(theirs, Door::Open { .. }) == matches!(ours, Door::Open { .. })
            }
        };
        if !same {
            differences.push(format!(
                "{}: {browser:?} {theirs:?} ({message}), we {ours:?} ({evidence}): {:?} offering {:?}",
                answer.name,
                String::from_utf8_lossy(&answer.bytes),
                answer.offer,
            ));
        }
    }
    assert!(browser == Browser::Firefox || met.len() >= ENDS, "too little variety: {met:?}");
    differences
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_answers_do_as_in_chromium() {
    let answers = answers::named();
    assert!(answers.len() >= 60, "{} answers", answers.len());
    let differences = differences(Browser::Chromium, &answers).await;
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_answers_do_as_in_chromium() {
    let seed = Chance::seed("UPGRADE_SEED");
    let mut chance = Chance::new(seed);
    let answers: Vec<_> = (0..RANDOM).map(|_| answers::random(&mut chance)).collect();
    let differences = differences(Browser::Chromium, &answers).await;
    assert!(differences.is_empty(), "UPGRADE_SEED={seed}\n{}", differences.join("\n"));
}

/// What Firefox opens, and Chromium and the program do not.
const FIREFOX_OPENS: [&str; 13] = [
    "101 behind 100",
    "101 behind 103",
    "Connection in quotes",
    "Connection with semicolons",
    "Upgrade to two things",
    "Upgrade twice",
    "Upgrade with a comma",
    "Upgrade with a comma before it",
    "a NUL in a name",
    "a subprotocol unasked",
    "an empty extension",
    "an empty subprotocol unasked",
    "no subprotocol",
];

/// What it does not open, and Chromium and the program do.
const FIREFOX_REFUSES: [&str; 12] = [
    "CR CR LF",
    "CR alone",
    "HTTP without a version",
    "HTTP/0.9",
    "HTTP/1.0",
    "HTTP/2",
    "HTTP/2.0",
    "a space before the colon",
    "a status with a zero before it",
    "a status with letters behind it",
    "http in small letters",
    "two lengths and chunks",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_answers_do_as_in_firefox_but_for_a_few() {
    let mut differing: Vec<_> = differences(Browser::Firefox, &answers::named()).await;
    let expected = FIREFOX_OPENS.iter().chain(&FIREFOX_REFUSES);
    for name in expected {
        let before = differing.len();
        differing.retain(|difference| !difference.starts_with(&format!("{name}: Firefox")));
        assert_eq!(before - differing.len(), 1, "{name} does as in Firefox");
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

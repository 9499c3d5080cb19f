//! An organisation whose every answer, entry, notice and frame was written by somebody hostile.

use std::collections::BTreeSet;

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};
use watchpost::simulator::{AllowList, Org, Scripted, Simulator, Surface};

use super::sinks;
use crate::fixture::daemon::{Daemon, Home, PATIENCE, sum};
use crate::fixture::hostile::{acts, harmless, strings};

/// Answers with trouble, so that as many lines are logged.
const ROUNDS: usize = 12;

fn now() -> Timestamp {
    watchpost::clock::now()
}

/// All that could do harm, in as many texts of a length that is shown whole.
fn texts() -> Vec<String> {
    let all = strings().into_iter().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let harmful = |text: &String| text.contains(|c| acts(c) || "\"\\<&{}=`".contains(c));
    let all: Vec<_> = all.filter(|text| text.len() < 200).filter(harmful).collect();
    let each = all.len().div_ceil(ROUNDS);
    all.chunks(each).map(|some| some.join(" ")).collect()
}

fn refusal(status: u16, text: &str) -> Scripted {
    let body = json!({
        "message": text, "code": text, "status": status, "contextId": text,
        "details": [{ "errorCode": text, "fieldName": text }], "errors": [text],
    });
    Scripted::json(status, &body.to_string()).header("ININ-Correlation-Id", "x\" trouble=\"forged")
}

fn home(simulator: &Simulator, format: &str) -> Home {
    let (base, sockets) = (simulator.base(), simulator.socket_base());
    let home = Home::new(&format!(
        "log-format = \"{format}\"\n[[endpoints]]\nname = \"shop\"\nurl = \"{}\"\n\
         ca-file = \"ca.pem\"\norigins = [{{ origin = \"https://www.shop.example\", name = \"page\" }}]\n\
         [genesys]\nregion = \"eu-west-1\"\nclient-id = \"{}\"\n\
         client-secret = {{ file = \"secret\" }}\nca-file = \"ca.pem\"\nrefresh = \"1s\"\n\
         login-url = \"{base}\"\napi-url = \"{base}\"\ncdn-url = \"{base}\"\napps-url = \"{base}\"\n\
         status-url = \"{base}\"\nmessaging-url = \"{sockets}\"\nstreaming-url = \"{sockets}\"\n\
         requests-per-minute = 10000\n\
         topics = [\"v2.webdeployments.deployments.{{id}}\", \"v2.no.\\\"such.topic\"]\n",
        simulator.messaging_url(Org::SHOP),
        Org::CLIENT,
    ));
    std::fs::write(home.path().join("secret"), Org::SECRET).unwrap();
    std::fs::write(home.path().join("ca.pem"), simulator.root_pem()).unwrap();
    home
}

/// A daemon that has been told all of it.
fn told(format: &str) -> (Simulator, Home, Daemon, Vec<String>) {
    let simulator = Simulator::shop(now()).unwrap();
    let texts = texts();
    simulator.with(|org| {
        let shop = org.deployment(Org::SHOP).unwrap();
        shop.name = texts.concat();
        shop.description = texts.concat();
        org.status_page.components =
            texts.iter().map(|text| (text.clone(), text.clone())).collect();
    });
    // By turns, so that each is news.
    let refusals = texts.iter().enumerate().map(|(n, text)| refusal([400, 403][n % 2], text));
    simulator.script(Surface::Deployments, refusals.collect::<Vec<_>>());
    for surface in [Surface::Audits, Surface::Topics, Surface::Channels] {
        simulator.script(surface, [refusal(400, &texts[0])]);
    }
    let entity = json!({ "id": "v2.x", "state": texts[1], "rejectionReason": texts[2] });
    let rejected = format!("v2.webdeployments.deployments.{}", Org::SHOP);
    let rejected = json!({
        "id": rejected, "state": "Rejected", "rejectionReason": texts[2],
        "missingPermissions": ["a\"b", texts[3], "routing:queue:view"],
    });
    let verdicts = json!({ "entities": [entity, rejected] }).to_string();
    simulator
        .script(Surface::Subscriptions, [refusal(400, &texts[1]), Scripted::json(200, &verdicts)]);
    let home = home(&simulator, format);
    let daemon = home.start();
    let lines = daemon.lines_to("every question is answered again");
    daemon.metrics_until("a channel", PATIENCE, |page| {
        page.contains("watchpost_channel_connected 1\n")
    });
    for text in &texts {
        let audit = json!({
            "id": text, "eventDate": now().to_string(), "serviceName": "WebDeployments",
            "userDisplay": text, "userId": text, "action": "Update", "entityType": "Deployment",
            "entity": { "id": Org::SHOP, "name": text }, "status": text,
            "propertyChanges": [{ "property": "allowedDomains", "oldValues": [text], "newValues": [text] }],
        });
        simulator.with(|org| {
            org.edit_domains(Org::SHOP, AllowList::of(&["shop.example", text]), now());
            let frame = json!({ "topicName": format!("v2.audits.entitytype.DEPLOYMENT.entityid.{}", Org::SHOP), "eventBody": audit });
            org.stream(&frame.to_string());
            org.stream(&json!({ "topicName": text, "eventBody": { "id": text } }).to_string());
            org.stream(&json!({ "topicName": "v2.routing.queues.q.conversations.messages",
                "eventBody": { "id": text, "participants": [{ "purpose": text }] } }).to_string());
        });
    }
    simulator.with(|org| org.stream(&texts[0]));
    daemon.metrics_until("a frame that is none", PATIENCE, |page| {
        page.contains("watchpost_channel_lost_total{reason=\"nonsense\"} 1\n")
            && sum(page, "watchpost_change_events_total{source=\"audit\"}") >= texts.len() as f64
    });
    let lines = lines.into_iter().chain(daemon.lines_to("the notification channel is lost"));
    let lines = lines.collect();
    (simulator, home, daemon, lines)
}

fn has(lines: &[String], what: &str, count: usize) {
    let found = lines.iter().filter(|line| line.contains(what)).count();
    assert!(found >= count, "{found} lines with {what:?} among {lines:#?}");
}

#[test]
fn the_text_log_quotes_an_organisation() {
    let (_simulator, _home, _daemon, lines) = told("text");
    for line in &lines {
        harmless("text log", line);
        sinks::log_line(line);
        assert!(!line.contains(" trouble=\"forged\""), "{line}");
    }
    has(&lines, "Genesys Cloud: what was known last stays trouble=", ROUNDS - 2);
    for what in ["the audit log cannot", "channel cannot be opened", "a topic is not subscribed to"]
    {
        has(&lines, what, 1);
    }
    has(&lines, "no component of the status page is the region's", 1);
}

#[test]
fn what_an_organisation_wrote_acts_in_no_sink() {
    let (_simulator, _home, daemon, lines) = told("json");
    let known = [
        "timestamp",
        "level",
        "message",
        "trouble",
        "why",
        "topic",
        "problem",
        "because",
        "topics",
        "from",
        "to",
        "check",
        "result",
        "checks",
        "events",
    ];
    for line in &lines {
        harmless("JSON log", line);
        let line: Value = serde_json::from_str(line).unwrap();
        sinks::json("JSON log", &line);
        let fields: BTreeSet<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
        if fields.contains("trouble") {
            assert!(fields.iter().all(|field| known.contains(field)), "{line}");
            let word = line["trouble"].as_str().unwrap();
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        }
    }
    has(&lines, "what was known last stays", ROUNDS - 2);
    let page = daemon.get_with("/metrics", "Accept: text/plain\r\n").1;
    // The channel's families are there with topics alone, and are not pinned.
    let of_channel = |line: &&str| line.contains("watchpost_channel_");
    let pinned: Vec<_> = page.lines().filter(|line| !of_channel(line)).collect();
    sinks::exposition(&(pinned.join("\n") + "\n"), false);
    // No label of an organisation's holds anything but words, names of the config and of ours.
    let value = Regex::new("([a-z_]+)=\"([^\"]*)\"").unwrap();
    let ours = Regex::new("^[a-z_0-9]*$").unwrap();
    let mut labels = 0;
    for line in page.lines().filter(|line| {
        ["watchpost_genesys_", "watchpost_channel_", "watchpost_change_"]
            .iter()
            .any(|begin| line.starts_with(begin))
    }) {
        for found in value.captures_iter(line) {
            assert!(&found[1] == "le" || ours.is_match(&found[2]), "{line}");
            labels += 1;
        }
    }
    assert!(labels > 50, "{labels} labels in {page}");
    for path in ["/api/v1/deployments", "/api/v1/news", "/api/v1/changes", "/api/v1/events"] {
        let answer = daemon.get(path);
        harmless(path, &answer);
        sinks::json(path, &serde_json::from_str(&answer).unwrap());
    }
    // What is counted is written a moment later, and shown then.
    let deadline = Instant::now() + PATIENCE;
    let page = loop {
        let page = daemon.get("/");
        sinks::html(&page);
        if page.contains("What changed") || Instant::now() > deadline {
            break page;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    };
    assert!(page.contains("What changed") && page.contains("&quot;"), "{page}");
}

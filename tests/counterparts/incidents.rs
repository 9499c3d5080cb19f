//! Others are told of incidents: a real Alertmanager, and receivers by independent verifiers. The
//! API is held against its document by schemathesis.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::program::{
    CALLS_NOBODY, Program, alertmanager, daemon, file, free_port, installed, said, until,
};

/// 32 bytes.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// What a door says on a port where nobody is as yet.
fn door(port: u16) -> String {
    format!(
        "[[endpoints]]\nname = \"door\"\ninterval = \"1s\"\nurl = \"ws://127.0.0.1:{port}/\"\n\
         team = \"web\"\nhealth = {{ confirm-delay = \"1s\" }}\n"
    )
}

/// Opens it.
fn open(port: u16) -> Program {
    let mut command = Command::new("node");
    command.arg(file("servers/ws.js")).arg("open").arg(port.to_string());
    command.env("NODE_PATH", installed("node_modules"));
    Program::start(&mut command).listening(port)
}

fn get(port: u16, path: &str) -> String {
    said(Command::new("curl").args(["-s", &format!("http://127.0.0.1:{port}{path}")]))
}

fn json(port: u16, path: &str) -> Value {
    serde_json::from_str(&get(port, path)).unwrap()
}

#[test]
fn alertmanager_shows_an_alert_for_as_long_as_the_door_is_shut() {
    let folder = tempfile::tempdir().unwrap();
    let alertmanager_port = free_port();
    let _alertmanager = alertmanager(folder.path(), alertmanager_port, CALLS_NOBODY);
    let (port, door_port) = (free_port(), free_port());
    let keys = format!(
        "{}[[notify]]\nname = \"alerts\"\nalertmanager = \"http://127.0.0.1:{alertmanager_port}\"\n\
         external-url = \"https://watch.test\"\n",
        door(door_port)
    );
    let _daemon = daemon(folder.path(), port, &keys);
    let alerts = || {
        let alerts = json(alertmanager_port, "/api/v2/alerts");
        alerts.as_array().unwrap().clone()
    };
    let alert = until("alert", || alerts().first().cloned());
    for (label, value) in [
        ("alertname", "WatchpostIncident"),
        ("endpoint", "door"),
        ("kind", "outage"),
        ("severity", "major"),
        ("team", "web"),
    ] {
        assert_eq!(alert["labels"][label], value, "{alert:#}");
    }
    assert_eq!(alert["status"]["state"], "active");
    let description = alert["annotations"]["description"].as_str().unwrap();
    assert!(description.contains("connection_refused"), "{description}");
    assert!(alert["generatorURL"].as_str().unwrap().starts_with("https://watch.test/api/v1/"));
    let _open = open(door_port);
    // Long before it would have been forgotten.
    until("end of the alert", || alerts().is_empty().then_some(()));
}

#[test]
fn independent_verifiers_take_what_is_signed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
    let (py, js) = (free_port(), free_port());
    let mut command = Command::new(installed("venv/bin/python"));
    command.arg(file("incidents/receiver.py")).arg(py.to_string()).arg(SECRET);
    let _py = Program::start(&mut command).listening(py);
    let mut command = Command::new("node");
    command.arg(file("incidents/receiver.js")).arg(js.to_string()).arg(SECRET);
    command.env("NODE_PATH", installed("node_modules"));
    let _js = Program::start(&mut command).listening(js);
    let (port, door_port) = (free_port(), free_port());
    let mut keys = door(door_port);
    for (name, port) in [("py", py), ("js", js)] {
        keys += &format!(
            "[[notify]]\nname = \"{name}\"\nwebhook = \"http://127.0.0.1:{port}/\"\n\
             secret = {{ file = \"secret\" }}\n"
        );
    }
    let _daemon = daemon(folder.path(), port, &keys);
    let count = |target: &str, result: &str| {
        let page = get(port, "/metrics");
        let series =
            format!("watchpost_notifications_total{{target=\"{target}\",result=\"{result}\"}} ");
        let line = page.lines().find_map(|line| line.strip_prefix(&series)).map(str::to_owned);
        line.map_or(0, |value| value.parse().unwrap())
    };
    let both = |sent| {
        until("messages", || {
            (count("py", "sent") == sent && count("js", "sent") == sent).then_some(())
        });
    };
    both(1);
    let _open = open(door_port);
    both(2);
    assert_eq!(count("py", "retried") + count("js", "retried"), 0);
}

#[test]
fn the_api_is_what_its_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let (port, door_port) = (free_port(), free_port());
    let keys = door(door_port)
        + "users = { queues = [\"q-1\"] }\n\
           [[receivers]]\nname = \"events\"\nopen = \"anyone may post events here\"\n";
    let _daemon = daemon(folder.path(), port, &keys);
    // With something to show in every field.
    let event = "{\"topicName\":\"v2.detail.events.conversation.c-1.acd.start\",\"eventBody\":\
        {\"conversationId\":\"c-1\",\"queueId\":\"q-1\",\"mediaType\":\"MESSAGE\",\
        \"messageType\":\"WEBMESSAGING\",\"direction\":\"INBOUND\"}}";
    let hook = format!("http://127.0.0.1:{port}/hooks/genesys");
    let answer = said(Command::new("curl").args(["-s", "-d", event, &hook]));
    assert_eq!(answer, "{\"stored\":\"new\"}\n");
    until("event", || {
        let events = json(port, "/api/v1/events");
        (events["events"][0]["endpoint"] == "door").then_some(())
    });
    until("incident", || {
        let incidents = json(port, "/api/v1/incidents");
        let id = incidents["incidents"][0]["id"].as_str()?.to_owned();
        let detail = json(port, &format!("/api/v1/incidents/{id}"));
        detail["evidence"].as_array().filter(|evidence| !evidence.is_empty()).map(drop)
    });
    // A name that it would not guess.
    let names = "[parameters]\n\"path.name\" = \"door\"\n";
    fs::write(folder.path().join("schemathesis.toml"), names).unwrap();
    let output = Command::new(installed("venv/bin/schemathesis"))
        .args(["run", "--checks", "all", "--max-examples", "50", "--seed", "1"])
        .arg(format!("http://127.0.0.1:{port}/api/v1/openapi.json"))
        .current_dir(Path::new(folder.path()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("No issues found"), "{text}");
}

//! A messenger's guest at a server of Node's `ws`, which compresses what it says.

use std::process::Command;

use serde_json::json;

use crate::program::{Program, file, free_port, installed, json, watchpost};

#[test]
fn a_guest_is_served_and_a_stranger_is_not() {
    let port = free_port();
    let mut command = Command::new("node");
    command
        .arg(file("servers/messaging.js"))
        .arg(port.to_string())
        .env("NODE_PATH", installed("node_modules"));
    let _server = Program::start(&mut command).listening(port);
    let url = format!("ws://127.0.0.1:{port}/v1?deploymentId=3fa85f64-5717-4562-b3fc-2c963f66afa6");
    let ask = |args: &[&str]| {
        let mut all = vec!["check", url.as_str(), "--probe", "messaging", "--json"];
        all.extend(args);
        json(&watchpost(&all))
    };
    for level in ["upgrade", "configuration", "session"] {
        let report = ask(&["--origin", "https://app.test", "--level", level]);
        let found = (&report["verdict"], &report["messaging"]["level"]);
        assert_eq!(found, (&json!("pass"), &json!(level)), "{report}");
    }
    let stranger = ["--origin", "https://evil.test", "--expect", "deny"];
    let report = ask(&[&stranger[..], &["--control", "https://app.test"]].concat());
    let found = (&report["verdict"], &report["http_status"], &report["messaging"]);
    assert_eq!(found, (&json!("pass"), &json!(403), &json!(null)), "{report}");
}

//! The pages of the demo in Chromium: at a desk and on a phone, in the light and in the dark, with
//! and without a script; and what axe-core says of each.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Browser, ask};
use crate::program::{Program, daemon, free_port, said, until};

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_for_everybody() {
    let port = free_port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchpost"));
    command.args(["demo", "--listen", &format!("127.0.0.1:{port}")]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let _demo = Program::start(&mut command).listening(port);
    let base = format!("http://127.0.0.1:{port}");
    // The story has come to the shop's outage.
    let asked = format!("{base}/api/v1/incidents?endpoint=shop-messenger");
    let id = until("incident", || {
        let told: Value =
            serde_json::from_str(&said(Command::new("curl").args(["-s", &asked]))).ok()?;
        told["incidents"][0]["id"].as_str().map(str::to_owned)
    });
    let incident = format!("/incident/{id}");
    let paths = ["/", "/endpoint/shop-messenger", "/endpoint/good", "/certificates", &incident];
    let wrong = ask(Browser::Chromium, json!({ "pages": { "base": base, "paths": paths } })).await;
    assert_eq!(wrong, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn so_are_those_of_a_drill() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let config = "admin = true\n[[endpoints]]\nname = \"door\"\nurl = \"ws://127.0.0.1:9/\"\n";
    let _daemon = daemon(folder.path(), port, config);
    let base = format!("http://127.0.0.1:{port}");
    let begin = format!("{base}/-/drill?endpoint=door&seconds=1800&by=eve");
    let begun = said(Command::new("curl").args(["-sSf", "-X", "POST", &begin]));
    let begun: Value = serde_json::from_str(&begun).unwrap();
    let drill = format!("/incident/{}", begun["drill"]["id"].as_str().unwrap());
    let paths = ["/", "/endpoint/door", &drill];
    let wrong = ask(Browser::Chromium, json!({ "pages": { "base": base, "paths": paths } })).await;
    assert_eq!(wrong, json!([]));
}

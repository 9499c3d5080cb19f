//! What headless browsers make of answers, beside what the program makes of them.

mod answers;
mod asking;
mod chance;
mod cors;
mod door;
mod pages;
mod websocket;

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::program::{file, installed};

/// Whom pages are opened in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Browser {
    /// Says why, too.
    Chromium,
    /// Says whether, and not why.
    Firefox,
}

/// Has pages in a browser do a job, and gives what came of it.
async fn ask(browser: Browser, mut job: Value) -> Value {
    job["firefox"] = (browser == Browser::Firefox).into();
    tokio::task::spawn_blocking(move || drive(&job)).await.unwrap()
}

/// One browser at a time: other tests want their share of the machine.
static GATE: Mutex<()> = Mutex::new(());

fn drive(job: &Value) -> Value {
    let _alone = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut driver = Command::new("node")
        .arg(file("browser/driver.js"))
        .env("NODE_PATH", installed("node_modules"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    driver.stdin.take().unwrap().write_all(job.to_string().as_bytes()).unwrap();
    let output = driver.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

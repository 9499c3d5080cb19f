//! Which origins real servers let in, against the table that is checked in.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::program::{daemon, file, free_port, installed, json, until, watchpost};
use crate::servers::{self, HOST, Server, authority};

/// The columns of the table.
const ORIGINS: [&str; 8] = [
    "https://app.test",
    "https://evil.test",
    "null",
    "none",
    "http://app.test",
    "https://app.test:8443",
    "https://www.app.test",
    "https://app.test.evil.test",
];

fn servers(folder: &std::path::Path) -> Vec<(&'static str, Server)> {
    let authority = authority("matrix", folder);
    vec![
        ("nginx", servers::nginx(&authority.issue(&[HOST], -10, 80).unwrap())),
        ("apache", servers::apache()),
        ("node-ws", servers::node_ws()),
        ("python-websockets", servers::python_websockets()),
        ("aiohttp", servers::aiohttp()),
    ]
}

#[test]
fn the_matrix_is_as_measured() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let mut table = format!("{:<18}", "");
    for origin in ORIGINS {
        write!(table, " {origin:<27}").unwrap();
    }
    for (name, server) in servers(folder.path()) {
        write!(table, "\n{name:<18}").unwrap();
        let mut args = vec!["check", &server.url, "--json", "--connect-to", &server.connect_to];
        args.extend(["--ca", ca.to_str().unwrap()]);
        args.extend(ORIGINS.iter().flat_map(|origin| ["--origin", origin]));
        for report in json(&watchpost(&args)).as_array().unwrap() {
            let reason = report["reason"].as_str().unwrap_or("open");
            write!(table, " {:<27}", format!("{} {reason}", report["http_status"])).unwrap();
        }
    }
    let table: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert_eq!(table, fs::read_to_string(file("matrix.txt")).unwrap_or_default(), "\n{table}");
}

#[test]
fn the_daemon_sees_the_same_servers_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut config = String::from(
        "[defaults]\ninterval = \"2s\"\nca-file = \"ca.pem\"\n\
         origins = [{ origin = \"https://app.test\", name = \"app\" }, \
         { origin = \"https://evil.test\", name = \"evil\", expect = \"deny\" }]\n",
    );
    let servers = servers(folder.path());
    for (name, server) in &servers {
        let (url, to) = (&server.url, &server.connect_to);
        write!(
            config,
            "[[endpoints]]\nname = \"{name}\"\nurl = \"{url}\"\nconnect-to = \"{to}\"\n"
        )
        .unwrap();
    }
    let _daemon = daemon(folder.path(), port, &config);
    let health = |checks: &Value, id: &str| {
        let checks = checks["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["id"] == id).unwrap();
        check["health"].as_str().unwrap().to_owned()
    };
    for (name, _) in &servers {
        // aiohttp looks at no origin: the denied page gets in.
        let evil = if *name == "aiohttp" { "down" } else { "up" };
        for (origin, expected) in [("app", "up"), ("evil", evil)] {
            let id = format!("{name}/websocket/{origin}");
            until(&format!("{id} {expected}"), || {
                (health(&get(port, "/api/v1/checks"), &id) == expected).then_some(())
            });
        }
    }
}

/// `GET`s JSON with a client that is not ours.
fn get(port: u16, path: &str) -> Value {
    let url = format!("http://127.0.0.1:{port}{path}");
    let script = "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())";
    let mut command = Command::new(installed("venv/bin/python"));
    serde_json::from_str(&crate::program::said(command.args(["-c", script, &url]))).unwrap()
}

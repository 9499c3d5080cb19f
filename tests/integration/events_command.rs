//! `watchpost events`, beside a daemon that runs.

use std::process::Output;

use rusqlite::Connection;
use serde_json::Value;
use watchpost::clock;

use crate::fixture::daemon::{Daemon, Home, watchpost};
use crate::fixture::sender::{Ledger, OPEN_RECEIVER, body, connect, conversation};

fn events(home: &Home, args: &[&str]) -> Output {
    let mut command = watchpost(&["events"]);
    command.args(args).arg("--config").arg(home.config()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn started() -> (Home, Daemon) {
    let home = Home::new(OPEN_RECEIVER);
    let daemon = home.start();
    (home, daemon)
}

#[test]
fn events_are_listed_newest_first() {
    let (home, daemon) = started();
    let ledger = Ledger::default();
    let mut stream = connect(daemon.address).unwrap();
    for _ in 0..3 {
        assert_eq!(ledger.post_one(&mut stream, clock::now()).unwrap(), 200);
    }
    let list = said(&events(&home, &["list", "--limit", "2"]));
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines.len(), 2, "{list}");
    for (line, n) in lines.iter().zip([2, 1]) {
        assert!(line.contains(&conversation(n)) && line.contains("customer_start"), "{line}");
        assert!(line.ends_with("genesys"), "{line}");
    }
    let json = said(&events(&home, &["list", "--json"]));
    let last: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(last["conversation"], conversation(2));
    assert_eq!(last["receiver"], "genesys");
    assert_eq!(json.lines().count(), 3);
}

/// Puts a letter into the file, as an older program would have that could not read it.
fn bury(home: &Home, fault: &str, body: &str) {
    let file = Connection::open(home.path().join("watchpost-events.db")).unwrap();
    let sql = "INSERT INTO dead_letters (receiver, received_us, fault, body) \
        VALUES ('genesys', ?1, ?2, CAST(?3 AS BLOB))";
    file.execute(sql, (clock::now().as_microsecond(), fault, body)).unwrap();
}

#[test]
fn dead_letters_that_can_be_read_now_become_events_beside_the_daemon() {
    let (home, daemon) = started();
    let mut stream = connect(daemon.address).unwrap();
    let now = clock::now();
    assert_eq!(crate::fixture::sender::post(&mut stream, &body(1, now)).unwrap(), 200);
    bury(&home, "new_word", &body(0, now));
    bury(&home, "new_word", &body(1, now));
    bury(&home, "not_json", "\u{1b}[2Jno event");
    bury(&home, "too_deep, 90 bytes", "{\"conversationId\":\"c\"}");
    let letters = said(&events(&home, &["dead-letters"]));
    assert_eq!(letters.lines().count(), 4);
    assert!(letters.contains("not_json") && !letters.contains('\u{1b}'), "{letters:?}");
    let json = said(&events(&home, &["dead-letters", "--json"]));
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((&first["fault"], &first["body"]), (&"new_word".into(), &body(0, now).into()));

    let replayed = said(&events(&home, &["replay"]));
    let lines: Vec<_> = replayed.lines().collect();
    assert!(lines[0].ends_with("genesys  stored"), "{replayed}");
    assert!(lines[1].ends_with("was stored before"), "{replayed}");
    assert!(lines[2].contains("stays: "), "{replayed}");
    assert!(lines[3].ends_with("only a part of it was kept"), "{replayed}");
    assert_eq!(lines[4], "2 read, 2 left");
    assert!(said(&events(&home, &["list"])).contains(&conversation(0)));
    assert_eq!(said(&events(&home, &["dead-letters"])).lines().count(), 2);
    // The daemon goes on behind it, and knows what came that way.
    for n in [0, 2] {
        assert_eq!(crate::fixture::sender::post(&mut stream, &body(n, now)).unwrap(), 200);
    }
    assert_eq!(said(&events(&home, &["list"])).lines().count(), 3);
}

#[test]
fn the_generator_counts_what_is_acknowledged_and_what_is_not() {
    let (home, daemon) = started();
    let send = |path: &str| {
        let to = format!("http://{}{path}", daemon.address);
        let args = ["send", "--rate", "200", "--for", "1s", "--connections", "4", "--json"];
        watchpost(&["events"]).args(args).args(["--to", &to]).output().unwrap()
    };
    let output = send("/hooks/genesys");
    assert!(output.status.success());
    let outcome: Value = serde_json::from_str(&said(&output)).unwrap();
    assert_eq!((&outcome["sent"], &outcome["acknowledged"]), (&200.into(), &200.into()));
    assert!(outcome["latency_ms"]["p99"].as_f64().unwrap() > 0.0);
    assert_eq!(said(&events(&home, &["list", "--limit", "1000"])).lines().count(), 200);
    let output = send("/nowhere");
    assert_eq!(output.status.code(), Some(1));
    let outcome: Value = serde_json::from_str(&said(&output)).unwrap();
    assert_eq!(outcome["refused"]["404"], 200);
    assert_eq!(outcome["acknowledged"], 0);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let home = Home::new(OPEN_RECEIVER);
    for command in ["list", "dead-letters", "replay"] {
        let output = events(&home, &[command]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("watchpost-events.db"), "{said}");
        assert!(!home.path().join("watchpost-events.db").exists());
    }
}

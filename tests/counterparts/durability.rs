//! The daemon's own system calls, watched and made to fail by strace; a small disk; a clock that
//! faketime steps.

mod order;

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;
use watchpost::clock;

use crate::daemon::{Daemon, Home};
use crate::program::said;
use crate::sender::{Ledger, OPEN_RECEIVER, Senders, body, connect, conversation, post};

/// Longest that it takes until events are taken again, once the disk works.
const RECOVERY: Duration = Duration::from_secs(30);

/// What tells of acknowledgements and of what they rest on.
const CALLS: &str = "trace=pwrite64,fdatasync,fsync,read,recvfrom,write,writev,sendto";

/// strace on a daemon that runs; it lets go when this is dropped.
struct Strace(Child);

impl Strace {
    fn on(daemon: &Daemon, log: &Path, more: &[String]) -> Self {
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-s", "16384", "-e", CALLS, "-o"]).arg(log).args(more);
        command.args(["-p", &daemon.pid().to_string()]).stderr(Stdio::piped());
        let mut child = command.spawn().expect("strace; tests/run installs it");
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let attached = stderr.lines().map_while(Result::ok).find(|line| line.contains("attached"));
        attached.expect("strace attaches");
        Self(child)
    }

    fn end(mut self) {
        let pid = self.0.id().to_string();
        said(Command::new("kill").args(["-s", "INT", &pid]));
        self.0.wait().unwrap();
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// How often each acknowledged event is stored, once the daemon has ended.
fn all_are_there_once(path: &Path, ledger: &Ledger) {
    let connection = Connection::open(path).unwrap();
    let check: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let sql = "SELECT count(*) FROM events WHERE event ->> '$.conversation' = ?1";
    let mut select = connection.prepare(sql).unwrap();
    for n in ledger.acknowledged() {
        let count: i64 = select.query_row([conversation(n)], |row| row.get(0)).unwrap();
        assert_eq!(count, 1, "event {n}, which was acknowledged");
    }
    let sql = "SELECT count(*) - count(DISTINCT event ->> '$.conversation') FROM events";
    let twice: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(twice, 0);
}

fn events(home: &Home) -> PathBuf {
    home.path().join("watchpost-events.db")
}

fn end(mut daemon: Daemon) {
    daemon.signal("TERM");
    assert!(daemon.wait().success());
}

#[test]
fn every_acknowledgement_follows_the_sync_that_covers_it() {
    let home = Home::new(OPEN_RECEIVER);
    let daemon = home.start();
    let log = home.path().join("strace");
    let strace = Strace::on(&daemon, &log, &[]);
    let ledger = Arc::new(Ledger::default());
    let senders = Senders::start(daemon.address, &ledger, 8);
    while ledger.acknowledged().len() < 2000 {
        std::thread::park_timeout(Duration::from_millis(50));
    }
    senders.stop();
    strace.end();
    let order = order::check(&std::fs::read_to_string(&log).unwrap());
    assert_eq!(order.violations, [""; 0]);
    // Not every line of a busy log tells what strace saw: most do.
    assert!(order.covered >= 1000, "{}", order.covered);
    end(daemon);
    all_are_there_once(&events(&home), &ledger);
}

/// Posts one at a time until one is refused and some are taken again; gives how many were refused.
fn through_trouble(daemon: &Daemon, ledger: &Ledger, posts: usize) -> usize {
    let mut stream = connect(daemon.address).unwrap();
    let (mut refused, mut refused_at) = (0, None);
    for _ in 0..posts {
        loop {
            match ledger.post_one(&mut stream, clock::now()).unwrap() {
                200 => break,
                503 => refused += 1,
                status => panic!("{status}"),
            }
            let since = *refused_at.get_or_insert_with(Instant::now);
            assert!(since.elapsed() < RECOVERY, "it takes events again");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        refused_at = None;
    }
    refused
}

/// Calls of the writer's that fail, from the k-th on.
fn with_failures(
    call: &str,
    error: &str,
    which: impl Fn(usize) -> String,
    ks: std::ops::Range<usize>,
) {
    let mut refused = 0;
    for k in ks {
        let home = Home::new(OPEN_RECEIVER);
        let daemon = home.start();
        let log = home.path().join("strace");
        let inject = format!("inject={call}:error={error}:when={}", which(k));
        let strace = Strace::on(&daemon, &log, &["-e".to_owned(), inject]);
        let ledger = Ledger::default();
        refused += through_trouble(&daemon, &ledger, 30);
        strace.end();
        let order = order::check(&std::fs::read_to_string(&log).unwrap());
        assert_eq!(order.violations, [""; 0], "{call} {k}");
        end(daemon);
        all_are_there_once(&events(&home), &ledger);
    }
    assert!(refused > 0, "no {call} that failed was that of an event");
}

#[test]
fn a_sync_that_fails_is_never_acknowledged() {
    with_failures("fsync,fdatasync", "EIO", |k| k.to_string(), 1..13);
}

#[test]
fn a_write_that_finds_no_room_is_never_acknowledged() {
    with_failures("pwrite64", "ENOSPC", |k| format!("{k}..{}", k + 3), 1..13);
}

/// A file system of its own, of 8 MiB.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(path: PathBuf) -> Self {
        std::fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        said(mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&path));
        Self(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

#[test]
fn a_full_disk_refuses_and_takes_again_once_there_is_room() {
    let home = Home::new(&format!("[store]\npath = \"disk/watchpost.db\"\n{OPEN_RECEIVER}"));
    let disk = SmallDisk::at(home.path().join("disk"));
    let daemon = home.start();
    let ledger = Ledger::default();
    let mut stream = connect(daemon.address).unwrap();
    for round in 0..3 {
        assert_eq!(post_one(&ledger, &mut stream), 200, "round {round}");
        let filler = disk.0.join("filler");
        let mut file = std::fs::File::create(&filler).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
        let mut taken = 0;
        while post_one(&ledger, &mut stream) == 200 {
            taken += 1;
            assert!(taken < 100_000, "it must notice");
        }
        daemon.metrics_until("the page says so", RECOVERY, |page| {
            page.contains("watchpost_events_inbox_writable 0\n")
        });
        assert_eq!(post_one(&ledger, &mut stream), 503);
        std::fs::remove_file(&filler).unwrap();
        let freed = Instant::now();
        while post_one(&ledger, &mut stream) != 200 {
            assert!(freed.elapsed() < RECOVERY);
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
    end(daemon);
    all_are_there_once(&disk.0.join("watchpost-events.db"), &ledger);
}

fn post_one(ledger: &Ledger, stream: &mut TcpStream) -> u16 {
    ledger.post_one(stream, clock::now()).unwrap()
}

/// What `faketime` has programs load.
fn libfaketime() -> String {
    said(Command::new("faketime").args(["-f", "+0", "printenv", "LD_PRELOAD"])).trim().to_owned()
}

#[test]
fn a_clock_that_steps_loses_no_event_and_doubles_none() {
    let home = Home::new(OPEN_RECEIVER);
    let (clock_file, library) = (home.path().join("clock"), libfaketime());
    let step = |to: &str| std::fs::write(&clock_file, to).unwrap();
    let begun = clock::now();
    let mut next = 0;
    for (round, steps) in
        [["+0", "+1h", "-1h", "+3650d"], ["-3650d", "+0", "+3650d", "-1h"]].iter().enumerate()
    {
        step(steps[0]);
        let daemon = home.start_with(|command| {
            command
                .env("LD_PRELOAD", &library)
                .env("FAKETIME_TIMESTAMP_FILE", &clock_file)
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DONT_FAKE_MONOTONIC", "1");
        });
        let mut stream = connect(daemon.address).unwrap();
        for to in steps {
            step(to);
            for _ in 0..50 {
                assert_eq!(post(&mut stream, &body(next, begun)).unwrap(), 200);
                next += 1;
            }
            // All that ever was, once more.
            for n in 0..next {
                assert_eq!(post(&mut stream, &body(n, begun)).unwrap(), 200, "{to}");
            }
            let all = count(&events(&home), "count(*)");
            let known = count(&events(&home), "count(DISTINCT event ->> '$.conversation')");
            assert_eq!((all, known), (next as i64, next as i64), "round {round}, {to}");
        }
        end(daemon);
    }
}

fn count(path: &Path, what: &str) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.query_row(&format!("SELECT {what} FROM events"), [], |row| row.get(0)).unwrap()
}

//! Nothing that was acknowledged is lost, and nothing is there twice: kills, broken files.

#![expect(clippy::print_stdout, reason = "whoever reads of a failure needs the seed")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;
use tokio::time::Instant;
use watchpost::clock;
use watchpost::inbox::{Limits, Refused, Store, Stored, Writer};

use crate::fixture::daemon::Home;
use crate::fixture::sender::{Ledger, OPEN_RECEIVER, Senders, conversation};
use crate::inbox::arrival;

/// Longest that a start may take, whatever is the matter with the files.
const START: Duration = Duration::from_secs(5);

/// `SEED` and `N` of the environment; the seed is printed, so that a failure can be had again.
fn seed_and_rounds(rounds: u64) -> (Random, u64) {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = read("SEED").unwrap_or_else(|| clock::now().as_nanosecond() as u64);
    println!("SEED={seed}");
    (Random(seed), read("N").unwrap_or(rounds))
}

/// xorshift64*: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.max(1);
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % bound
    }
}

/// Copies a file and its log, so that looking into them mends nothing.
fn copy(path: &Path, folder: &Path) -> PathBuf {
    let to = folder.join(path.file_name().unwrap());
    for end in ["", "-wal", "-shm"] {
        let beside = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        std::fs::remove_file(beside(&to)).ok();
        if end != "-shm" && beside(path).exists() {
            std::fs::copy(beside(path), beside(&to)).unwrap();
        }
    }
    to
}

/// How often each conversation is stored, in a file that must be whole.
fn stored(path: &Path) -> BTreeMap<String, i64> {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(copy(path, folder.path())).unwrap();
    let check: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let sql = "SELECT event ->> '$.conversation', count(*) FROM events GROUP BY 1";
    let mut select = connection.prepare(sql).unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

#[track_caller]
fn all_are_there_once(path: &Path, ledger: &Ledger) {
    let stored = stored(path);
    for n in ledger.acknowledged() {
        assert_eq!(stored.get(&conversation(n)), Some(&1), "event {n}, which was acknowledged");
    }
    let twice: Vec<_> = stored.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert!(stored.len() as u64 <= ledger.begun());
}

#[test]
fn a_kill_at_any_moment_loses_no_event_and_doubles_none() {
    let (mut random, rounds) = seed_and_rounds(50);
    let home = Home::new(OPEN_RECEIVER);
    let path = home.path().join("watchpost-events.db");
    let ledger = Arc::new(Ledger::default());
    for round in 0..rounds {
        let before = ledger.acknowledged().len();
        let mut daemon = home.start();
        let senders = Senders::start(daemon.address, &ledger, 8);
        // The moment is what is tried here; nothing waits for it.
        std::thread::park_timeout(Duration::from_millis(5 + random.below(300)));
        daemon.signal("KILL");
        daemon.wait();
        senders.stop();
        all_are_there_once(&path, &ledger);
        println!("round {round}: {} acknowledged", ledger.acknowledged().len() - before);
    }
    assert!(ledger.acknowledged().len() as u64 > rounds, "there was load");
    let mut daemon = home.start();
    Senders::start(daemon.address, &ledger, 8).stop();
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    all_are_there_once(&path, &ledger);
}

/// A file of events with a log beside it, as a killed process leaves it.
async fn left_behind(folder: &Path) -> PathBuf {
    let path = folder.join("events.db");
    let (writer, inbox) = open(&path).unwrap();
    for n in 0..3000 {
        inbox.store(arrival(n)).await.unwrap();
    }
    std::fs::create_dir(folder.join("left")).unwrap();
    let left = copy(&path, &folder.join("left"));
    drop(inbox);
    writer.join().unwrap();
    left
}

fn open(path: &Path) -> Result<(Writer, watchpost::inbox::Inbox), String> {
    let store = Store::open(path, clock::now()).map_err(|error| error.to_string())?;
    let age = Duration::from_secs(7 * 24 * 60 * 60);
    let (_, limited) = watch::channel(Limits { age, bytes: 1 << 30, capacity: 1_000_000 });
    Ok(Writer::spawn(store, limited).unwrap())
}

#[tokio::test]
async fn a_broken_file_is_set_aside_or_still_of_use_and_never_in_the_way() {
    let (mut random, rounds) = seed_and_rounds(200);
    let folder = tempfile::tempdir().unwrap();
    let left = left_behind(folder.path()).await;
    let (mut aside, mut whole, mut refused) = (0, 0, 0);
    for round in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let path = copy(&left, folder.path());
        let log = PathBuf::from(format!("{}-wal", path.display()));
        let victim = if random.below(3) == 0 && log.exists() { &log } else { &path };
        let mut bytes = std::fs::read(victim).unwrap();
        let length = bytes.len() as u64;
        let what = match random.below(3) {
            0 => {
                bytes.truncate(random.below(length) as usize);
                format!("cut to {}", bytes.len())
            }
            1 => {
                // Where every file has something to lose.
                let at = random.below(length.min(4096)) as usize;
                bytes[at] ^= 1 << random.below(8);
                format!("bit at {at}")
            }
            _ => {
                let at = random.below(length) as usize;
                let end = bytes.len().min(at + 1 + random.below(8192) as usize);
                bytes[at..end].iter_mut().for_each(|byte| *byte = random.below(256) as u8);
                format!("noise from {at} to {end}")
            }
        };
        std::fs::write(victim, bytes).unwrap();
        let what = format!("round {round}, {}: {what}", victim.display());
        let begun = Instant::now();
        let opened = open(&path);
        let set_aside = || {
            let names = std::fs::read_dir(folder.path()).unwrap();
            let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.any(|name| name.contains(".corrupt-"))
        };
        match opened {
            Err(words) => {
                refused += 1;
                assert!(
                    words.contains("version") || words.contains("another program"),
                    "{what}: {words}"
                );
                assert!(!set_aside(), "{what}");
            }
            Ok((writer, inbox)) => {
                let stored = loop {
                    match inbox.store(arrival(100_000)).await {
                        Err(Refused::Broken) => tokio::task::yield_now().await,
                        answered => break answered,
                    }
                    assert!(begun.elapsed() < START, "{what}: it takes nothing");
                };
                assert_eq!(stored, Ok(Stored::New), "{what}");
                drop(inbox);
                writer.join().unwrap();
                let connection = Connection::open(&path).unwrap();
                let sql = "PRAGMA quick_check(1)";
                let check: String = connection.query_row(sql, [], |row| row.get(0)).unwrap();
                assert_eq!(check, "ok", "{what}");
                match set_aside() {
                    true => aside += 1,
                    false => whole += 1,
                }
            }
        }
        assert!(begun.elapsed() < START, "{what}: {:?}", begun.elapsed());
    }
    println!("{aside} set aside, {whole} still of use, {refused} refused");
    assert!(aside > 0 && whole > 0);
}

#[test]
fn the_daemon_begins_anew_beside_broken_files_and_says_so() {
    let home = Home::new(OPEN_RECEIVER);
    for name in ["watchpost.db", "watchpost-events.db"] {
        std::fs::write(home.path().join(name), vec![b'x'; 100_000]).unwrap();
    }
    let begun = Instant::now();
    let daemon = home.start();
    assert!(begun.elapsed() < START);
    let both = |page: &str| {
        ["events", "results"].iter().all(|file| {
            page.contains(&format!("watchpost_store_quarantined{{file=\"{file}\"}} 1\n"))
        })
    };
    daemon.metrics_until("both are counted", Duration::from_secs(15), both);
    let ledger = Arc::new(Ledger::default());
    let mut stream = crate::fixture::sender::connect(daemon.address).unwrap();
    assert_eq!(ledger.post_one(&mut stream, clock::now()).unwrap(), 200);
}

#[test]
fn events_of_a_later_release_or_of_others_are_refused_untouched() {
    for (sql, words) in
        [("PRAGMA user_version = 99", "version 99"), ("CREATE TABLE theirs (x)", "another program")]
    {
        let home = Home::new(OPEN_RECEIVER);
        let path = home.path().join("watchpost-events.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let before = std::fs::read(&path).unwrap();
        let mut command = crate::fixture::daemon::watchpost(&["run", "--config"]);
        let output = command.arg(home.config()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words) && output.status.code() == Some(1), "{said}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

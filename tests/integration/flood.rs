//! Ten thousand checks, nearly all of which hang: the others keep their slots.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use rusqlite::Connection;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;

use crate::fixture::daemon::Home;
use crate::fixture::raw::{self, OPEN};

/// Endpoints that hang, and origins of every endpoint.
const HANGING: usize = 499;
const ORIGINS: usize = 20;

/// Slots of each healthy check that are watched.
const ROUNDS: usize = 4;

/// A port on which nobody takes a connection: its queue is full, and the kernel drops what comes.
async fn blackhole() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // The queue holds one more than it says.
    let waiting = [TcpStream::connect(address).await, TcpStream::connect(address).await];
    (listener, waiting.into_iter().map(Result::unwrap).collect())
}

/// User and system time of a process.
fn cpu_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap());
    // USER_HZ is 100 wherever Linux runs.
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_hang_do_not_move_those_that_answer() {
    let (hole, _waiting) = blackhole().await;
    let healthy = raw::answering(OPEN).await;
    let mut config = "max-series = 2000000\nprime-failures = false\n\
        [defaults]\ninterval = \"10s\"\ntimeout = \"5s\"\nmax-inflight = 20\norigins = [\n"
        .to_owned();
    for origin in 0..ORIGINS {
        writeln!(config, "{{ origin = \"https://app{origin}.test\" }},").unwrap();
    }
    config.push_str("]\n");
    for endpoint in 0..HANGING {
        let address = hole.local_addr().unwrap();
        writeln!(config, "[[endpoints]]\nname = \"hangs{endpoint}\"\nurl = \"ws://{address}/\"")
            .unwrap();
    }
    let address = healthy.address;
    writeln!(config, "[[endpoints]]\nname = \"healthy\"\nurl = \"ws://{address}/\"").unwrap();
    let home = Home::new(&config);
    let begin = Instant::now();
    let mut daemon = home.start();
    // The log is that of every run: what is waited for are rounds of the healthy ones.
    let mut rounds = BTreeMap::new();
    while rounds.len() < ORIGINS || rounds.values().any(|runs| *runs < ROUNDS) {
        let line = daemon.wait_for_line(" run check=healthy/websocket/");
        let (_, rest) = line.split_once("check=").unwrap();
        let (check, rest) = rest.split_once(' ').unwrap();
        assert!(rest.contains("result=success"), "{line}");
        *rounds.entry(check.to_owned()).or_insert(0) += 1;
    }
    let share = cpu_time(daemon.pid()).as_secs_f64() / begin.elapsed().as_secs_f64();
    assert!(share <= 1.0, "{share:.2} cores");
    let peak = daemon.peak_memory();
    assert!(peak <= 400 * 1024 * 1024, "{peak} bytes");
    daemon.signal("TERM");
    daemon.wait();

    let store = Connection::open(home.path().join("watchpost.db")).unwrap();
    let mut statement = store
        .prepare(
            "SELECT result, delay_us FROM results JOIN checks ON checks.key = results.check_key \
             WHERE id LIKE 'healthy/%' AND reason IS NOT 'shutting_down' ORDER BY delay_us",
        )
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?))).unwrap();
    let rows: Vec<(String, i64)> = rows.map(Result::unwrap).collect();
    assert!(rows.iter().all(|(result, _)| result == "success"), "{rows:?}");
    assert!(rows.len() >= ORIGINS * ROUNDS, "{} runs", rows.len());
    let p99 = rows[rows.len() * 99 / 100].1;
    assert!(p99 <= 250_000, "begins {p99} us late at p99");
    let hanging: i64 = store
        .query_row("SELECT count(*) FROM results WHERE reason = 'timeout'", [], |row| row.get(0))
        .unwrap();
    assert!(hanging > 1000, "{hanging} runs have hung");
}

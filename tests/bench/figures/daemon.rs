//! The daemon as it is shipped, in a process of its own, and what it says of itself.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, params};

use super::process::Process;
use super::server::HOST;

/// Origins of each endpoint.
const ORIGINS: u32 = 20;

/// A running daemon.
#[derive(Debug)]
pub struct Daemon {
    /// For what it takes.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    store: PathBuf,
}

impl Daemon {
    /// Starts one with so many checks, each once in so many seconds.
    pub fn start(folder: &Path, port: u16, checks: u32, interval: u32) -> Self {
        Self::run(folder, &config(port, checks, interval))
    }

    /// Starts one with these endpoints.
    pub fn run(folder: &Path, endpoints: &str) -> Self {
        let folder = tempfile::tempdir_in(folder).unwrap().keep();
        let path = folder.join("config.toml");
        let config = format!(
            "[daemon]\nlisten = \"127.0.0.1:0\"\nprime-failures = false\n\
             [store]\npath = \"store.db\"\n{endpoints}"
        );
        std::fs::write(&path, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchpost"));
        // No line for each run or change of health; but where it listens.
        command.env("RUST_LOG", "warn,health=off,watchpost::cli=info");
        let mut process =
            Process::start(command.arg("run").arg("--config").arg(path).stderr(Stdio::piped()));
        let mut lines = BufReader::new(process.child().stderr.take().unwrap()).lines();
        let address = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            Some(line.split_once("http://")?.1.split_once('/')?.0.parse().unwrap())
        });
        // Whatever it has to say is part of the result.
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| eprintln!("{line}"))
        });
        Self { process, address: address.expect("an address"), store: folder.join("store.db") }
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.store.parent().unwrap()
    }

    /// The metrics page.
    pub fn scrape(&self, accept_encoding: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nHost: {}\r\nAccept: application/openmetrics-text\r\n\
             Accept-Encoding: {accept_encoding}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut page = Vec::new();
        stream.read_to_end(&mut page).unwrap();
        assert!(page.starts_with(b"HTTP/1.1 200"));
        page
    }

    /// How long the refusals of an endpoint took in a time, in milliseconds, and whether the
    /// daemon itself held one up. Waits until they are written.
    pub fn upgrades(&self, endpoint: &str, from: Timestamp, to: Timestamp) -> Vec<(f64, bool)> {
        std::thread::sleep(std::time::Duration::from_secs(2));
        let store = Connection::open_with_flags(&self.store, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .expect("the daemon's store");
        let mut select = store
            .prepare(
                "SELECT upgrade_us, stalled_us > 0 FROM results \
                 JOIN checks ON checks.key = results.check_key \
                 WHERE id LIKE ?1 || '/%' AND result IN ('success', 'failure') AND at_us >= ?2 AND at_us < ?3",
            )
            .unwrap();
        let rows = select
            .query_map(params![endpoint, from.as_microsecond(), to.as_microsecond()], |row| {
                Ok((row.get::<_, f64>(0)? / 1e3, row.get(1)?))
            })
            .unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// How late the runs of a time began, in milliseconds. Waits until they are written.
    pub fn delays(&self, from: Timestamp, to: Timestamp) -> Vec<f64> {
        std::thread::sleep(std::time::Duration::from_secs(2));
        let store = Connection::open_with_flags(&self.store, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .expect("the daemon's store");
        let mut select = store
            .prepare(
                "SELECT delay_us, result FROM results \
                 WHERE at_us >= ?1 AND at_us < ?2 AND confirm = 0",
            )
            .unwrap();
        let rows = select
            .query_map(params![from.as_microsecond(), to.as_microsecond()], |row| {
                Ok((row.get::<_, f64>(0)?, row.get::<_, String>(1)?))
            })
            .unwrap();
        let rows: Vec<_> = rows.map(Result::unwrap).collect();
        let bad = rows.iter().filter(|(_, result)| result != "success").count();
        if bad > 0 {
            println!("  {bad} of {} runs did not pass", rows.len());
        }
        rows.into_iter().map(|(micros, _)| micros / 1e3).collect()
    }
}

/// So many checks of a door, each once in so many seconds.
pub fn config(port: u16, checks: u32, interval: u32) -> String {
    let mut text = format!(
        "[defaults]\ninterval = \"{interval}s\"\nca-file = \"../ca.pem\"\n\
         connect-to = \"127.0.0.1\"\nmax-inflight = {ORIGINS}\norigins = ["
    );
    for origin in 0..ORIGINS {
        write!(text, "{{ origin = \"https://app{origin}.test\" }}, ").unwrap();
    }
    text.push_str("]\n");
    for endpoint in 0..checks / ORIGINS {
        write!(text, "[[endpoints]]\nname = \"e{endpoint}\"\nurl = \"wss://{HOST}:{port}/\"\n")
            .unwrap();
    }
    text
}

//! The daemon as it is: scheduler, probes, recorder, store, and a scraper that comes by.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;

use tokio_util::sync::CancellationToken;
use watchpost::app::App;
use watchpost::config::Config;

use super::server::HOST;
use crate::{Measured, measure};

/// Origins of each endpoint.
const ORIGINS: u32 = 20;

/// Probes at a rate for one window.
pub fn run(folder: &Path, port: u16, rate: u32) -> Measured {
    let text = config(folder, port, rate);
    let config = Config::parse(&folder.join("config.toml"), &text)
        .unwrap_or_else(|faults| panic!("{faults}"));
    let app = App::open(config).expect("a port and a store");
    let address = app.address().unwrap();
    let stop = CancellationToken::new();
    let (ready, is_ready) = channel();
    let token = stop.clone();
    let daemon = std::thread::spawn(move || app.run(token, || ready.send(()).unwrap()));
    is_ready.recv().unwrap();
    let last = Arc::new(AtomicU64::new(0));
    let measured = measure(|| {
        last.store(successes(address), Ordering::Relaxed);
        last.load(Ordering::Relaxed)
    });
    stop.cancel();
    daemon.join().unwrap().expect("an orderly end");
    measured
}

/// Enough checks, once a second each, to make the rate.
fn config(folder: &Path, port: u16, rate: u32) -> String {
    let store = tempfile::Builder::new().prefix("bench").suffix(".db").tempfile_in(folder).unwrap();
    let mut text = format!(
        "[daemon]\nlisten = \"127.0.0.1:0\"\nprime-failures = false\n[store]\npath = \"{}\"\n\
         [defaults]\ninterval = \"1s\"\nca-file = \"ca.pem\"\nconnect-to = \"127.0.0.1\"\nmax-inflight = {ORIGINS}\norigins = [",
        store.path().file_name().unwrap().to_str().unwrap()
    );
    for origin in 0..ORIGINS {
        write!(text, "{{ origin = \"https://app{origin}.test\" }}, ").unwrap();
    }
    text.push_str("]\n");
    for endpoint in 0..rate / ORIGINS {
        write!(text, "[[endpoints]]\nname = \"e{endpoint}\"\nurl = \"wss://{HOST}:{port}/\"\n")
            .unwrap();
    }
    text
}

/// The sum of all successes on the metrics page; a run that does not pass is an error here.
fn successes(address: SocketAddr) -> u64 {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let sum = |result: &str| -> u64 {
        let wanted = format!("result=\"{result}\"}} ");
        let lines = page.lines().filter(|line| line.starts_with("probe_runs_total{"));
        lines
            .filter_map(|line| line.split_once(&wanted))
            .map(|(_, count)| count.parse::<u64>().unwrap())
            .sum()
    };
    assert_eq!(sum("failure") + sum("inconclusive"), 0, "runs that did not pass");
    sum("success")
}

//! A server that opens every WebSocket and answers its goodbye: as little as that takes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use watchpost::demo::authority::Authority;

use super::process::Process;

/// The name in the certificates.
pub const HOST: &str = "bench.test";

/// Leaves of the door that is never known: more than a client remembers.
const LEAVES: usize = 64;

/// The server, in a process of its own.
#[derive(Debug)]
pub struct Server {
    /// Always the same chain.
    pub known: u16,
    /// A chain that has not been presented for a long time.
    pub new: u16,
    _process: Process,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it; the root is left in the folder.
    pub fn start(folder: &Path) -> Self {
        let mut command = Process::itself(&["--serve", folder.to_str().unwrap()]);
        let mut process = Process::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let ask = process.child().stdin.take().unwrap();
        let mut answers = BufReader::new(process.child().stdout.take().unwrap());
        let ports = numbers(&mut answers);
        let (known, new) = (ports[0].try_into().unwrap(), ports[1].try_into().unwrap());
        Self { known, new, _process: process, ask, answers }
    }

    /// Handshakes that it has completed so far.
    pub fn shaken(&mut self) -> u64 {
        writeln!(self.ask).unwrap();
        numbers(&mut self.answers)[0]
    }
}

fn numbers(lines: &mut impl BufRead) -> Vec<u64> {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

/// Handshakes that were completed.
static SHAKEN: AtomicU64 = AtomicU64::new(0);

/// Serves until its input ends; the ports are printed, and what it has done at each line of input.
pub fn serve(folder: &Path) -> ExitCode {
    let authority = Authority::new("bench", watchpost::clock::now()).unwrap();
    fs::write(folder.join("ca.pem"), authority.root_pem()).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut doors = Vec::new();
            let mut ports = String::new();
            for leaves in [1, LEAVES] {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                ports.push_str(&format!("{} ", listener.local_addr().unwrap().port()));
                doors.push(tokio::spawn(door(listener, acceptor(&authority, leaves))));
            }
            println!("{ports}");
            for door in doors {
                door.await.unwrap();
            }
        });
    });
    for _ in std::io::stdin().lines() {
        println!("{}", SHAKEN.load(Ordering::Relaxed));
    }
    ExitCode::SUCCESS
}

/// Presents one leaf after the other.
#[derive(Debug)]
struct Rota {
    keys: Vec<Arc<CertifiedKey>>,
    turn: AtomicUsize,
}

impl ResolvesServerCert for Rota {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.keys.get(turn % self.keys.len()).cloned()
    }
}

fn acceptor(authority: &Authority, leaves: usize) -> TlsAcceptor {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = |_| {
        let served = authority.issue(&[HOST], -1, 90).unwrap();
        Arc::new(CertifiedKey::from_der(served.chain, served.key, &provider).unwrap())
    };
    let rota = Rota { keys: (0..leaves).map(key).collect(), turn: AtomicUsize::new(0) };
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rota));
    TlsAcceptor::from(Arc::new(config))
}

async fn door(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        // How a client leaves is its own business.
        let acceptor = acceptor.clone();
        tokio::spawn(async move { visit(stream, acceptor).await.ok() });
    }
}

async fn visit(stream: TcpStream, acceptor: TlsAcceptor) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = acceptor.accept(stream).await?;
    SHAKEN.fetch_add(1, Ordering::Relaxed);
    let mut request = Vec::with_capacity(1024);
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&request);
    let key = request.split("Sec-WebSocket-Key: ").nth(1).and_then(|rest| rest.lines().next());
    let Some(key) = key else {
        // Whoever asks for a page gets one.
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nwelcome\n").await?;
        return stream.shutdown().await;
    };
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    if stream.read(&mut [0; 256]).await? > 0 {
        // Close, 1000.
        stream.write_all(&[0x88, 2, 0x03, 0xe8]).await?;
    }
    stream.shutdown().await
}

//! A server that opens every WebSocket and answers its goodbye: as little as that takes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use watchpost::demo::authority::Authority;

/// The name in the certificates.
pub const HOST: &str = "bench.test";

/// Leaves of the door that is never known: more than a client remembers.
const LEAVES: usize = 64;

/// Where the two doors are.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// Always the same chain.
    pub known: u16,
    /// A chain that has not been presented for a long time.
    pub new: u16,
}

/// Serves for ever; the root is left in the folder, the ports are printed.
pub fn serve(folder: &Path) {
    let authority = Authority::new("bench", watchpost::clock::now()).unwrap();
    fs::write(folder.join("ca.pem"), authority.root_pem()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut doors = Vec::new();
        for leaves in [1, LEAVES] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            print!("{} ", listener.local_addr().unwrap().port());
            doors.push(tokio::spawn(door(listener, acceptor(&authority, leaves))));
        }
        println!();
        for door in doors {
            door.await.unwrap();
        }
    });
}

/// The ports that a server process has printed.
pub fn ports_of(child: &mut Child) -> Ports {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut ports = line.split_whitespace().map(|port| port.parse().expect("a port"));
    Ports { known: ports.next().unwrap(), new: ports.next().unwrap() }
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
    let mut request = Vec::with_capacity(1024);
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&request);
    let key = request.split("Sec-WebSocket-Key: ").nth(1).and_then(|rest| rest.lines().next());
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
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

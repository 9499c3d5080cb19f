//! The reference: tokio, tokio-rustls and httparse, the same handshake and goodbye, nothing kept.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::cost::RATE;
use super::process::Process;
use super::server::HOST;

/// Starts it, in a process of its own.
pub fn start(folder: &Path, port: u16) -> Process {
    let (folder, port) = (folder.to_str().unwrap(), port.to_string());
    Process::start(&mut Process::itself(&["--bare", folder, &port]))
}

/// Probes for ever, at the rate that the daemon has.
pub fn run(folder: &Path, port: &str) -> ExitCode {
    let connector = TlsConnector::from(Arc::new(config(folder)));
    let port = port.parse().unwrap();
    // One thread, as the daemon has: several wake each other, and that costs.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let begin = Instant::now();
        for n in 0.. {
            sleep_until(begin + Duration::from_secs(1) * n / RATE).await;
            let connector = connector.clone();
            tokio::spawn(async move { probe(connector, port).await.expect("a bare probe") });
        }
    });
    ExitCode::SUCCESS
}

/// The stock verifier, and the same suites and groups as the daemon.
fn config(folder: &Path) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap()).unwrap();
    let mut config =
        ClientConfig::builder_with_provider(Arc::new(watchpost::probe::crypto_provider()))
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    config
}

async fn probe(connector: TlsConnector, port: u16) -> std::io::Result<()> {
    let tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from(HOST).unwrap();
    let mut stream = connector.connect(name, tcp).await?;
    let key = generate_key();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Origin: https://app.test\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::with_capacity(1024);
    loop {
        assert_ne!(stream.read_buf(&mut head).await?, 0, "the server has gone");
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        if response.parse(&head).unwrap().is_partial() {
            continue;
        }
        assert_eq!(response.code, Some(101));
        let accept = response.headers.iter().find(|header| header.name == "Sec-WebSocket-Accept");
        assert_eq!(accept.unwrap().value, derive_accept_key(key.as_bytes()).as_bytes());
        break;
    }
    // Close, 1000, masked; then the server's.
    stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]).await?;
    assert_ne!(stream.read(&mut [0; 64]).await?, 0);
    Ok(())
}

//! A server that opens every WebSocket and answers its goodbye: as little as that takes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use watchpost::demo::authority::Authority;

/// The name in the certificate.
pub const HOST: &str = "bench.test";

/// Serves for ever; the root is left in the folder, the port is printed.
pub fn serve(folder: &Path) {
    let authority = Authority::new("bench", watchpost::clock::now()).unwrap();
    fs::write(folder.join("ca.pem"), authority.root_pem()).unwrap();
    let served = authority.issue(&[HOST], -1, 90).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(served.chain, served.key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        while let Ok((stream, _)) = listener.accept().await {
            // How a client leaves is its own business.
            let acceptor = acceptor.clone();
            tokio::spawn(async move { visit(stream, acceptor).await.ok() });
        }
    });
}

/// The port that a server process has printed.
pub fn port_of(child: &mut Child) -> u16 {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line.trim().parse().expect("the server prints its port")
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

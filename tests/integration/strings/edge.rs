//! A server that puts one hostile string into one field: the path says which field, the origin
//! which string.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CustomExtension, DnType};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::fixture::hostile::strings;
use crate::fixture::pki::Pki;
use crate::fixture::raw::{self, Server};

/// Where a server can write what it likes, certificates aside.
pub const FIELDS: [&str; 11] = [
    "phrase",
    "answer",
    "start",
    "upgrade",
    "connection",
    "accept",
    "extension",
    "protocol",
    "close",
    "message",
    "alert",
];

/// The page that asks for a string.
pub fn origin(string: usize) -> String {
    format!("https://s{string}.test")
}

/// Endpoints for every field, with an origin for every string.
pub fn endpoints(server: &Server, max_inflight: usize) -> String {
    let mut origins = String::new();
    for index in 0..strings().len() {
        writeln!(origins, "  {{ origin = \"{}\", name = \"s{index}\" }},", origin(index)).unwrap();
    }
    FIELDS.iter().fold(String::new(), |mut config, field| {
        let scheme = if *field == "alert" { "wss" } else { "ws" };
        let keys = match *field {
            "message" => "messages = [{ expect-regex = '^never$' }]\ntimeout = \"300ms\"\n",
            "protocol" => "subprotocols = [\"chat\"]\n",
            _ => "",
        };
        writeln!(
            config,
            "[[endpoints]]\nname = \"{field}\"\nurl = \"{scheme}://{}/{field}\"\n{keys}\
             max-inflight = {max_inflight}\norigins = [\n{origins}]",
            server.address
        )
        .unwrap();
        config
    })
}

/// Starts the server.
pub async fn serve() -> Server {
    let strings: Arc<[Vec<u8>]> = strings().into();
    let handshakes = Arc::new(AtomicUsize::new(0));
    raw::serve(move |stream| behave(stream, strings.clone(), handshakes.clone())).await
}

async fn behave(mut stream: TcpStream, strings: Arc<[Vec<u8>]>, handshakes: Arc<AtomicUsize>) {
    let mut first = [0];
    // A probe that was cut off has nothing to say, and wants no answer.
    let Ok(1) = stream.peek(&mut first).await else { return };
    if first == [0x16] {
        // A fatal alert, each time another one: no page is named before the handshake.
        let alert = handshakes.fetch_add(1, Ordering::Relaxed) as u8;
        let Ok(_) = stream.read(&mut [0; 4096]).await else { return };
        stream.write_all(&[21, 3, 3, 0, 2, 2, alert]).await.ok();
        return raw::hold(stream).await;
    }
    let request = raw::request(&mut stream).await;
    let Some((field, string)) = asked(&request, &strings) else { return };
    let key = raw::header(&request, "Sec-WebSocket-Key").unwrap_or_default();
    let answer = answer(field, string, &derive_accept_key(key.as_bytes()));
    stream.write_all(&answer).await.ok();
    if field == "start" {
        stream.shutdown().await.ok();
    }
    raw::hold(stream).await;
}

fn asked<'a, 'b>(request: &'a str, strings: &'b [Vec<u8>]) -> Option<(&'a str, &'b [u8])> {
    let field = request.strip_prefix("GET /")?.split(' ').next()?;
    let page = raw::header(request, "Origin")?;
    let index: usize = page.strip_prefix("https://s")?.strip_suffix(".test")?.parse().ok()?;
    Some((field, strings.get(index)?))
}

fn answer(field: &str, string: &[u8], accept: &str) -> Vec<u8> {
    let accept = accept.as_bytes();
    let upgrade = |[upgrade, connection, accept]: [&[u8]; 3], more: &[&[u8]]| {
        let head: [&[u8]; 7] = [
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: ",
            upgrade,
            b"\r\nConnection: ",
            connection,
            b"\r\nSec-WebSocket-Accept: ",
            accept,
            b"\r\n",
        ];
        [head.concat(), more.concat()].concat()
    };
    let good = [b"websocket", &b"Upgrade"[..], accept];
    match field {
        "phrase" => [b"HTTP/1.1 403 ", string, b"\r\nContent-Length: 0\r\n\r\n"].concat(),
        "answer" => {
            let length = format!("\r\nContent-Length: {}\r\n\r\n", string.len());
            let head = [b"HTTP/1.1 302 Found\r\nLocation: ", string, b"\r\nX-", string, b": "];
            [&head.concat(), string, length.as_bytes(), string].concat()
        }
        "start" => string.to_vec(),
        "upgrade" => upgrade([string, good[1], good[2]], &[b"\r\n"]),
        "connection" => upgrade([good[0], string, good[2]], &[b"\r\n"]),
        "accept" => upgrade([good[0], good[1], string], &[b"\r\n"]),
        "extension" => upgrade(good, &[b"Sec-WebSocket-Extensions: ", string, b"\r\n\r\n"]),
        "protocol" => upgrade(good, &[b"Sec-WebSocket-Protocol: ", string, b"\r\n\r\n"]),
        "close" => {
            let reason = string.get(..123).unwrap_or(string);
            let frame = frame(0x88, &[&4000_u16.to_be_bytes(), reason].concat());
            upgrade(good, &[b"\r\n", &frame])
        }
        "message" => upgrade(good, &[b"\r\n", &frame(0x81, string)]),
        other => panic!("no field {other}"),
    }
}

/// RFC 6455 section 5.2, as a server sends it.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let head = match length {
        0..126 => vec![opcode, length as u8],
        126..65_536 => [&[opcode, 126][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[opcode, 127][..], &(length as u64).to_be_bytes()].concat(),
    };
    [head, payload.to_vec()].concat()
}

/// A chain for each string, which stands in the names of the authority and of the leaf, in its
/// alternative names and in its serial number. Each is of an authority of its own.
pub struct Certificates(Vec<(Pki, Arc<CertifiedKey>)>);

impl Certificates {
    /// Mints them.
    pub fn mint() -> Self {
        Self(strings().iter().map(|string| mint(string)).collect())
    }

    /// Presents the chain that the server name asks for.
    pub fn server_config(&self) -> ServerConfig {
        let chains = self.0.iter().map(|(_, chain)| chain.clone()).collect();
        ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(ByName(chains)))
    }

    /// An endpoint for each, which trusts its authority.
    pub fn endpoints(&self, server: &Server, count: usize) -> String {
        (0..count).fold(String::new(), |mut config, index| {
            let keys = self.0[index].0.keys(server);
            writeln!(
                config,
                "[[endpoints]]\nname = \"c{index}\"\nurl = \"tls://s{index}.test:443\"\n{keys}"
            )
            .unwrap();
            config
        })
    }
}

fn mint(string: &[u8]) -> (Pki, Arc<CertifiedKey>) {
    // A chain of more than 64 KiB is no chain to rustls.
    let string = string.get(..8_000).unwrap_or(string);
    let text = String::from_utf8_lossy(string);
    let pki = Pki::new(&text);
    let served = pki
        .authority
        .issue_with(&[], -1, 10, |params| {
            params.distinguished_name.push(DnType::CommonName, &*text);
            params.serial_number = Some(string.to_vec().into());
            // Subject alternative name: a list of one DNS name, whatever its bytes are.
            let name = der(0x82, string);
            let names = CustomExtension::from_oid_content(&[2, 5, 29, 17], der(0x30, &name));
            params.custom_extensions.push(names);
        })
        .unwrap();
    let provider = aws_lc_rs::default_provider();
    let key = provider.key_provider.load_private_key(served.key).unwrap();
    (pki, Arc::new(CertifiedKey::new(served.chain, key)))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = if length < 0x80 {
        vec![tag, length as u8]
    } else {
        [&[tag, 0x82][..], &(length as u16).to_be_bytes()].concat()
    };
    [head, content.to_vec()].concat()
}

#[derive(Debug)]
struct ByName(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let index = hello.server_name()?.strip_prefix('s')?.strip_suffix(".test")?;
        self.0.get(index.parse::<usize>().ok()?).cloned()
    }
}

//! Asks a server that found nothing in common with the probe whether it would have spoken with
//! somebody else: in older versions of TLS, and with suites that the probe does not have.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::server_hello::{self, Choice, Reply};
use super::wire::Wire;
use crate::check::target::Host;
use crate::outcome::failure::Failure;

/// TLS 1.2 and what is below it, but for what no client should take: no RC4, no export suites,
/// nothing without encryption or authentication. None of these is a suite of the probe's own.
const SUITES: [u16; 35] = [
    // ECDHE with CBC, or with CCM.
    0xc023, 0xc027, 0xc024, 0xc028, 0xc009, 0xc013, 0xc00a, 0xc014, 0xc0ac, 0xc0ad, 0xc0ae, 0xc0af,
    // RSA key exchange: GCM, CCM, CBC.
    0x009c, 0x009d, 0xc09c, 0xc09d, 0x003c, 0x003d, 0x002f, 0x0035,
    // DHE: GCM, ChaCha20, CCM, CBC.
    0x009e, 0x009f, 0xccaa, 0xc09e, 0xc09f, 0x0067, 0x006b, 0x0033, 0x0039,
    // Camellia, as GnuTLS has it; 3DES.
    0x0041, 0x0084, 0xc008, 0xc012, 0x000a, 0x0016,
];

/// X25519, P-256, P-384, P-521.
const GROUPS: [u16; 4] = [29, 23, 24, 25];

/// ECDSA, RSA-PSS, EdDSA and RSA PKCS #1; also with SHA-1, which old servers sign with.
const SIGNATURES: [u16; 14] = [
    0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0807, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201,
    0x0303, 0x0301,
];

/// Whether a failure may be that of a probe which does not speak what the server does.
pub fn may_explain(failure: &Failure) -> bool {
    match failure {
        // Those that RFC 5246 and 8446 have for "nothing in common".
        Failure::TlsAlert { alert } => matches!(
            alert.as_str(),
            "handshake_failure" | "protocol_version" | "insufficient_security"
        ),
        Failure::TlsIncompatible { .. } => true,
        _ => false,
    }
}

/// What the server chooses of that which the probe does not speak; `None` where it wants none of
/// it either, or does not say so in time.
pub async fn ask(address: SocketAddr, host: &Host, until: Instant) -> Option<Choice> {
    let mut random = [0; 32];
    aws_lc_rs::rand::fill(&mut random).ok()?;
    let hello = client_hello(host, random);
    timeout_at(until, converse(address, &hello)).await.ok().flatten()
}

async fn converse(address: SocketAddr, hello: &[u8]) -> Option<Choice> {
    let mut wire = Wire::connect(address, server_hello::MAX_BYTES).await.ok()?;
    wire.write_all(hello).await.ok()?;
    let mut answer = Vec::with_capacity(256);
    loop {
        // Beyond its allowance the wire gives no more.
        if wire.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
        match server_hello::read(&answer) {
            Reply::Hello(choice) => {
                return Some(choice).filter(|choice| SUITES.contains(&choice.suite));
            }
            Reply::Other => return None,
            Reply::Incomplete => {}
        }
    }
}

/// RFC 5246 section 7.4.1.2, in one record.
fn client_hello(host: &Host, random: [u8; 32]) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let Host::Name(name) = host {
        let name = sized(&[&[0], &sized(name.as_ref().as_bytes())[..]].concat());
        extension(&mut extensions, 0, &name);
    }
    extension(&mut extensions, 10, &sized(&wide(&GROUPS)));
    // Uncompressed points.
    extension(&mut extensions, 11, &[1, 0]);
    extension(&mut extensions, 13, &sized(&wide(&SIGNATURES)));
    extension(&mut extensions, 16, &sized(b"\x08http/1.1"));
    // Extended master secret; secure renegotiation.
    extension(&mut extensions, 23, &[]);
    extension(&mut extensions, 0xff01, &[0]);

    let mut body = vec![3, 3];
    body.extend(random);
    // No session.
    body.push(0);
    body.extend(sized(&wide(&SUITES)));
    // No compression.
    body.extend([1, 0]);
    body.extend(sized(&extensions));
    // A ClientHello is far below what would need the first byte of its length.
    let message = [&[1, 0][..], &sized(&body)].concat();
    [&[22, 3, 1][..], &sized(&message)].concat()
}

fn extension(extensions: &mut Vec<u8>, kind: u16, content: &[u8]) {
    extensions.extend(kind.to_be_bytes());
    extensions.extend(sized(content));
}

fn wide(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// Bytes behind their length.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::crypto_provider;

    #[test]
    fn nothing_is_offered_that_the_probe_speaks() {
        let own = crypto_provider().cipher_suites;
        let own: Vec<_> = own.iter().map(|suite| u16::from(suite.suite())).collect();
        for (at, suite) in SUITES.iter().enumerate() {
            assert!(!own.contains(suite), "{suite:#06x}");
            assert!(!SUITES[..at].contains(suite), "{suite:#06x} twice");
            let choice = Choice { version: 0x0303, suite: *suite };
            assert!(choice.suite_name().starts_with("TLS_"), "{suite:#06x}");
        }
    }

    /// rustls reads it as a server would, and says that there is nothing in common.
    #[test]
    fn the_hello_is_one() {
        let name = rustls::pki_types::DnsName::try_from("door.test").unwrap().to_owned();
        let hello = client_hello(&Host::Name(name), [7; 32]);
        let mut acceptor = rustls::server::Acceptor::default();
        acceptor.read_tls(&mut &hello[..]).unwrap();
        let accepted = acceptor.accept().unwrap().expect("it is whole");
        let hello = accepted.client_hello();
        assert_eq!(hello.server_name(), Some("door.test"));
        assert_eq!(hello.cipher_suites().len(), SUITES.len());
        assert_eq!(hello.alpn().unwrap().collect::<Vec<_>>(), [b"http/1.1"]);
    }
}

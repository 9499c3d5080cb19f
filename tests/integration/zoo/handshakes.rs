//! Those that break TLS, in the handshake or behind it.

use std::sync::Arc;

use aws_lc_rs::aead;
use rustls::{ConnectionTrafficSecrets, ServerConfig, ServerConnection};
use tokio::io::AsyncWriteExt;
use watchpost::outcome::phase::Phase::{self, Tls, Upgrade};
use watchpost::outcome::reason::Reason::{self, *};

use super::cage::{Animal, first_record, flight, flood, record};
use crate::fixture::raw::{self, OPEN};

pub fn animals(config: &Arc<ServerConfig>) -> Vec<Animal> {
    let mut animals = no_tls();
    animals.extend(alerts());
    animals.extend(broken_records());
    animals.extend(broken_flights(config));
    animals.extend(behind_the_handshake(config));
    animals.extend(in_good_records(config));
    animals
}

/// Reads the ClientHello and answers it with these bytes.
fn answering(name: &str, reason: Reason, bytes: impl Into<Vec<u8>>) -> Animal {
    let bytes: Arc<[u8]> = bytes.into().into();
    Animal::tls(name, Some((Tls, reason)), move |mut stream| {
        let bytes = bytes.clone();
        async move {
            record(&mut stream).await;
            stream.write_all(&bytes).await.ok();
            raw::hold(stream).await;
        }
    })
}

/// Reads the ClientHello and answers it with this for ever.
fn endlessly(name: &str, reason: Reason, piece: &'static [u8]) -> Animal {
    Animal::tls(name, Some((Tls, reason)), move |mut stream| async move {
        record(&mut stream).await;
        flood(stream, piece).await;
    })
}

fn no_tls() -> Vec<Animal> {
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port";
    vec![
        answering("plain HTTP on a TLS port", NotTls, *http),
        answering("an SSH banner on a TLS port", NotTls, *b"SSH-2.0-OpenSSH_9.2p1\r\n"),
        answering("HTTP/2 on a TLS port", NotTls, *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        answering("an upgrade on a TLS port", NotTls, OPEN),
        endlessly("endless garbage on a TLS port", NotTls, &[0xa5; 4096]),
        endlessly("endless NULs on a TLS port", NotTls, &[0; 4096]),
    ]
}

fn alert(level: u8, description: u8) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, level, description]
}

fn alerts() -> Vec<Animal> {
    let fatal = [
        (10, "unexpected_message"),
        (20, "bad_record_mac"),
        (22, "record_overflow"),
        (40, "handshake_failure"),
        (42, "bad_certificate"),
        (45, "certificate_expired"),
        (47, "illegal_parameter"),
        (48, "unknown_ca"),
        (49, "access_denied"),
        (50, "decode_error"),
        (70, "protocol_version"),
        (71, "insufficient_security"),
        (80, "internal_error"),
        (86, "inappropriate_fallback"),
        (109, "missing_extension"),
        (112, "unrecognized_name"),
        (116, "certificate_required"),
        (120, "no_application_protocol"),
        (255, "an alert that does not exist"),
    ];
    let fatal = fatal.map(|(code, name)| answering(name, TlsAlert, alert(2, code)));
    let mut animals: Vec<_> = fatal.into();
    animals.extend([
        answering("close_notify instead of a handshake, and stays", TimedOut, alert(1, 0)),
        answering("an alert of one byte", TlsProtocol, [21, 3, 3, 0, 1, 2]),
        answering("an empty alert", TlsProtocol, [21, 3, 3, 0, 0]),
        endlessly("warnings for ever", TlsProtocol, &[21, 3, 3, 0, 2, 1, 112]),
        Animal::tls("close_notify, and goes", Some((Tls, Closed)), |mut stream| async move {
            record(&mut stream).await;
            stream.write_all(&alert(1, 0)).await.ok();
        }),
        Animal::tls(
            "an alert without having read",
            Some((Tls, TlsAlert)),
            |mut stream| async move {
                stream.heard().await;
                stream.write_all(&alert(2, 40)).await.ok();
            },
        ),
    ]);
    animals
}

fn broken_records() -> Vec<Animal> {
    let mirror = Animal::tls("a mirror", Some((Tls, TlsProtocol)), |mut stream| async move {
        let hello = record(&mut stream).await;
        stream.write_all(&hello).await.ok();
        raw::hold(stream).await;
    });
    vec![
        mirror,
        answering("a record beyond all length", TlsProtocol, [22, 3, 3, 0xff, 0xff, 0, 0]),
        answering("a record of a version to come", TlsProtocol, [22, 9, 9, 0, 1, 2]),
        answering("a message of 16 MB", TlsProtocol, [22, 3, 3, 0, 4, 2, 0xff, 0xff, 0xff]),
        answering("an empty ServerHello", TlsProtocol, [22, 3, 3, 0, 4, 2, 0, 0, 0]),
        answering("a Finished at once", TlsProtocol, [22, 3, 3, 0, 4, 20, 0, 0, 0]),
        answering("data before the handshake", TlsProtocol, [23, 3, 3, 0, 2, 1, 2]),
        answering(
            "a ServerHello of garbage",
            TlsProtocol,
            [&[22, 3, 3, 0, 44, 2, 0, 0, 40][..], &[0xa5; 40]].concat(),
        ),
        endlessly("empty records for ever", TlsProtocol, &[22, 3, 3, 0, 0]),
        endlessly("ChangeCipherSpec for ever", TlsProtocol, &[20, 3, 3, 0, 1, 1]),
        endlessly("HelloRequests for ever", TlsProtocol, &[22, 3, 3, 0, 4, 0, 0, 0, 0]),
    ]
}

/// Answers with what a good server would say, changed.
fn changed(name: &str, config: &Arc<ServerConfig>, change: fn(&mut Vec<u8>)) -> Animal {
    let config = config.clone();
    Animal::tls(name, Some((Tls, TlsProtocol)), move |mut stream| {
        let config = config.clone();
        async move {
            let mut flight = flight(&mut stream, &config).await;
            change(&mut flight);
            stream.write_all(&flight).await.ok();
            raw::hold(stream).await;
        }
    })
}

fn broken_flights(config: &Arc<ServerConfig>) -> Vec<Animal> {
    let broken = |name: &str, change| changed(name, config, change);
    vec![
        broken("a flight with a bit turned", |flight| {
            let at = flight.len() - 20;
            flight[at] ^= 1;
        }),
        broken("a ServerHello twice", |flight| {
            let hello = flight[..first_record(flight)].to_vec();
            flight.splice(0..0, hello);
        }),
        broken("plain text behind the ServerHello", |flight| {
            flight.truncate(first_record(flight));
            flight.extend(b"HTTP/1.1 200 OK\r\n\r\n");
        }),
        broken("a plain alert of no meaning behind the ServerHello", |flight| {
            flight.truncate(first_record(flight));
            flight.extend([21, 3, 3, 0, 3, 2, 40, 40]);
        }),
        broken("garbage in records behind the ServerHello", |flight| {
            flight.truncate(first_record(flight));
            flight.extend([23, 3, 3, 0, 32]);
            flight.extend([0xa5; 32]);
        }),
    ]
}

fn behind_the_handshake(config: &Arc<ServerConfig>) -> Vec<Animal> {
    let protocol = Some((Tls, TlsProtocol));
    let tickets = {
        let mut config = ServerConfig::clone(config);
        config.send_tls13_tickets = 10_000;
        Arc::new(config)
    };
    let (updating, garbling) = (config.clone(), config.clone());
    vec![
        Animal::behind_tls("TLS, then plain text", config, protocol, |mut stream| async move {
            raw::request(&mut stream).await;
            let (mut stream, _) = stream.into_inner();
            stream.write_all(OPEN.as_bytes()).await.ok();
            raw::hold(stream).await;
        }),
        Animal::behind_tls("tickets for ever", &tickets, protocol, raw::hold)
            .reads(256 * 1024 + 128 * 1024),
        Animal::behind_tls(
            "an endless head in TLS",
            config,
            Some((Upgrade, HttpHeadTooBig)),
            |mut stream| async move {
                raw::request(&mut stream).await;
                stream.write_all(b"HTTP/1.1 101 X\r\n").await.ok();
                flood(stream, &[b'x'; 4096]).await;
            },
        ),
        speaking("key updates for ever", &updating, |connection, out| {
            for _ in 0..1000 {
                connection.refresh_traffic_keys().unwrap();
                connection.write_tls(out).unwrap();
            }
        }),
        speaking("an alert behind the handshake", &garbling, |connection, out| {
            // What it cannot decrypt, a good server answers with a fatal alert.
            let garbage = [&[23, 3, 3, 0, 32][..], &[0xa5; 32]].concat();
            connection.read_tls(&mut &garbage[..]).unwrap();
            connection.process_new_packets().unwrap_err();
            while connection.wants_write() {
                connection.write_tls(out).unwrap();
            }
        }),
    ]
}

/// More records than a run reads, each with 22 bytes around it.
const RECORDS: usize = 7_000;

/// Those that shake hands well and then encrypt what no library would.
fn in_good_records(config: &Arc<ServerConfig>) -> Vec<Animal> {
    let mut config = ServerConfig::clone(config);
    config.enable_secret_extraction = true;
    let config = Arc::new(config);
    let late = |name: &str, kind: u8, content: &'static [u8]| {
        sealing(name, &config, Some((Tls, TlsProtocol)), move |sealer| sealer.seal(kind, content))
    };
    let endless = |name: &str, kind: u8, content: &'static [u8]| {
        sealing(name, &config, Some((Tls, TlsProtocol)), move |sealer| {
            (0..RECORDS).flat_map(|_| sealer.seal(kind, content)).collect()
        })
    };
    vec![
        late("an alert about no certificate that was asked for", 21, &[2, 49]),
        late("certificate_required, without having asked", 21, &[2, 116]),
        late("internal_error behind the handshake", 21, &[2, 80]),
        late("a record of a type to come", 99, b"x"),
        late("a ServerHello behind the handshake", 22, &[2, 0, 0, 0]),
        late("a message of 16 MB behind the handshake", 22, &[4, 0xff, 0xff, 0xff]),
        sealing("close_notify behind the handshake", &config, Some((Upgrade, Closed)), |sealer| {
            sealer.seal(21, &[1, 0])
        }),
        sealing(
            "a head in endless records of one byte",
            &config,
            Some((Tls, TlsProtocol)),
            |sealer| {
                let head = sealer.seal(23, b"HTTP/1.1 101 X\r\n");
                let rest = (0..RECORDS).flat_map(|_| sealer.seal(23, b"x"));
                head.into_iter().chain(rest).collect()
            },
        ),
        endless("empty data for ever", 23, b""),
        endless("user_canceled for ever", 21, &[1, 90]),
        endless("HelloRequests behind the handshake for ever", 22, &[0, 0, 0, 0]),
    ]
}

/// Encrypts records of TLS 1.3 (RFC 8446 section 5.2) in a connection's name.
struct Sealer {
    key: aead::LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Sealer {
    fn new(connection: ServerConnection) -> Self {
        let (sequence, secrets) = connection.dangerous_extract_secrets().unwrap().tx;
        let ConnectionTrafficSecrets::Aes128Gcm { key, iv } = secrets else {
            panic!("the suite that the probe likes best")
        };
        let key = aead::UnboundKey::new(&aead::AES_128_GCM, key.as_ref()).unwrap();
        Self { key: aead::LessSafeKey::new(key), iv: iv.as_ref().try_into().unwrap(), sequence }
    }

    fn seal(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut nonce = self.iv;
        for (byte, mask) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= mask;
        }
        self.sequence += 1;
        let mut sealed = [content, &[kind]].concat();
        let length = u16::try_from(sealed.len() + aead::AES_128_GCM.tag_len()).unwrap();
        let head = [&[23, 3, 3][..], &length.to_be_bytes()].concat();
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(nonce, aead::Aad::from(&head), &mut sealed).unwrap();
        [head, sealed].concat()
    }
}

/// Shakes hands, reads the request, and sends the records that `speak` makes.
fn sealing(
    name: &str,
    config: &Arc<ServerConfig>,
    ends: Option<(Phase, Reason)>,
    speak: impl Fn(&mut Sealer) -> Vec<u8> + Send + Sync + 'static,
) -> Animal {
    let speak = Arc::new(speak);
    Animal::behind_tls(name, config, ends, move |mut stream| {
        let speak = speak.clone();
        async move {
            raw::request(&mut stream).await;
            let (mut stream, connection) = stream.into_inner();
            let records = speak(&mut Sealer::new(connection));
            stream.write_all(&records).await.ok();
            raw::hold(stream).await;
        }
    })
}

/// Shakes hands, and then sends what `speak` writes.
fn speaking(
    name: &str,
    config: &Arc<ServerConfig>,
    speak: fn(&mut ServerConnection, &mut Vec<u8>),
) -> Animal {
    Animal::behind_tls(name, config, Some((Tls, TlsProtocol)), move |mut stream| async move {
        raw::request(&mut stream).await;
        let mut out = Vec::new();
        let (mut stream, mut connection) = stream.into_inner();
        speak(&mut connection, &mut out);
        stream.write_all(&out).await.ok();
        raw::hold(stream).await;
    })
}

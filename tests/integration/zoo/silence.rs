//! Those that say nothing, too little at a time, or hang up: in every phase.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::AsyncWriteExt;
use watchpost::outcome::phase::Phase::{Tls, Transfer, Upgrade};
use watchpost::outcome::reason::Reason::{Closed, ClosedByServer, Reset, TimedOut, UpgradeRefused};

use super::cage::{Animal, EXPECTING, drip, first_record, flight, record};
use crate::fixture::raw::{self, OPEN};

const TLS_ALONE: &str = "probes = [\"tls\"]";

/// A conversation that begins with a word of ours.
const TALKATIVE: &str = "messages = [{ send = \"hello\" }, { expect-regex = 'welcome' }]";

/// A conversation in which the server has the first word.
const ANSWERING: &str =
    "messages = [{ expect-regex = 'welcome' }, { send = \"hello\" }, { expect-regex = 'hello' }]";

pub fn animals(config: &Arc<ServerConfig>) -> Vec<Animal> {
    let mut animals = silent(config);
    animals.extend(dripping(config));
    animals.extend(hanging_up(config));
    animals
}

fn silent(config: &Arc<ServerConfig>) -> Vec<Animal> {
    let hello = config.clone();
    vec![
        Animal::plain("silent after accept", Some((Upgrade, TimedOut)), raw::hold),
        Animal::plain("reads nothing, says nothing", Some((Upgrade, TimedOut)), |stream| async {
            std::future::pending::<()>().await;
            drop(stream);
        }),
        Animal::answering(
            "silent in its head",
            Some((Upgrade, TimedOut)),
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n",
        ),
        Animal::sending("silent in the conversation", Some((Transfer, TimedOut)), []),
        Animal::sending("silent after the conversation began", Some((Transfer, TimedOut)), [])
            .keys(TALKATIVE),
        Animal::sending("silent in a frame", Some((Transfer, TimedOut)), b"\x81\x7e\xff\xffw"),
        Animal::sending("never answers a Close", None, []).keys(""),
        Animal::sending("never answers a Close, says half of it", None, b"\x88").keys(""),
        Animal::tls("silent after the ClientHello", Some((Tls, TimedOut)), raw::hold),
        Animal::tls("silent after the ServerHello", Some((Tls, TimedOut)), move |mut stream| {
            let hello = hello.clone();
            async move {
                let flight = flight(&mut stream, &hello).await;
                stream.write_all(&flight[..first_record(&flight)]).await.ok();
                raw::hold(stream).await;
            }
        }),
        Animal::behind_tls("silent after TLS", config, Some((Upgrade, TimedOut)), raw::hold),
        Animal::behind_tls("never says close_notify", config, None, |stream| async {
            std::future::pending::<()>().await;
            drop(stream);
        })
        .keys(TLS_ALONE),
        Animal::behind_tls("never answers a Close in TLS", config, None, |mut stream| async move {
            raw::answer(&mut stream, OPEN).await;
            raw::hold(stream).await;
        }),
    ]
}

fn dripping(config: &Arc<ServerConfig>) -> Vec<Animal> {
    let (slow, records) = (config.clone(), config.clone());
    vec![
        Animal::plain("drips its head", Some((Upgrade, TimedOut)), |mut stream| async move {
            raw::request(&mut stream).await;
            drip(&mut stream, OPEN.as_bytes(), Duration::from_millis(20)).await;
        }),
        Animal::plain(
            "drips headers for ever",
            Some((Upgrade, TimedOut)),
            |mut stream| async move {
                raw::request(&mut stream).await;
                let head = format!("HTTP/1.1 101 X\r\n{}", "X: y\r\n".repeat(1000));
                drip(&mut stream, head.as_bytes(), Duration::from_millis(2)).await;
            },
        ),
        Animal::plain(
            "drips the body of a refusal",
            Some((Upgrade, UpgradeRefused)),
            |mut stream| async move {
                raw::answer(&mut stream, "HTTP/1.1 403 X\r\nContent-Length: 1000\r\n\r\n").await;
                drip(&mut stream, &[b'x'; 1000], Duration::from_millis(20)).await;
            },
        ),
        Animal::plain("drips a frame", Some((Transfer, TimedOut)), |mut stream| async move {
            raw::answer(&mut stream, OPEN).await;
            let frame = [&b"\x81\x7e\xea\x60"[..], &[b'x'; 60_000]].concat();
            drip(&mut stream, &frame, Duration::from_millis(5)).await;
        })
        .keys(EXPECTING),
        Animal::plain("drips its Close", None, |mut stream| async move {
            raw::answer(&mut stream, OPEN).await;
            let frame = [&b"\x88\x7d\x03\xe8"[..], &[b'x'; 123]].concat();
            drip(&mut stream, &frame, Duration::from_millis(20)).await;
        }),
        Animal::tls("drips its ServerHello", Some((Tls, TimedOut)), move |mut stream| {
            let config = slow.clone();
            async move {
                let flight = flight(&mut stream, &config).await;
                drip(&mut stream, &flight, Duration::from_millis(20)).await;
            }
        }),
        Animal::tls(
            "drips the length of a record",
            Some((Tls, TimedOut)),
            |mut stream| async move {
                record(&mut stream).await;
                drip(&mut stream, &[22, 3, 3], Duration::from_millis(5)).await;
                raw::hold(stream).await;
            },
        ),
        Animal::behind_tls(
            "drips records of one byte",
            &records,
            Some((Upgrade, TimedOut)),
            |mut stream| async move {
                raw::request(&mut stream).await;
                drip(&mut stream, OPEN.as_bytes(), Duration::from_millis(20)).await;
            },
        ),
    ]
}

fn hanging_up(config: &Arc<ServerConfig>) -> Vec<Animal> {
    let (cut, torn) = (config.clone(), config.clone());
    let half_a_head = "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n";
    let half_a_frame = b"\x81\x05wel";
    vec![
        Animal::plain("closes after accept", Some((Upgrade, Closed)), |mut stream| async move {
            stream.shutdown().await.ok();
            raw::hold(stream).await;
        }),
        Animal::plain("resets after accept", Some((Upgrade, Reset)), |stream| async move {
            stream.reset();
        }),
        Animal::plain(
            "resets after the request",
            Some((Upgrade, Reset)),
            |mut stream| async move {
                raw::request(&mut stream).await;
                stream.reset();
            },
        ),
        Animal::plain(
            "half-closes in its head",
            Some((Upgrade, Closed)),
            move |mut stream| async move {
                raw::answer(&mut stream, half_a_head).await;
                stream.shutdown().await.ok();
                raw::hold(stream).await;
            },
        ),
        Animal::plain("resets in its head", Some((Upgrade, Reset)), move |mut stream| async move {
            raw::answer(&mut stream, half_a_head).await;
            stream.reset();
        }),
        Animal::plain(
            "half-closes in the conversation",
            Some((Transfer, Closed)),
            move |mut stream| async move {
                raw::answer(&mut stream, OPEN).await;
                stream.write_all(half_a_frame).await.ok();
                stream.shutdown().await.ok();
                raw::hold(stream).await;
            },
        )
        .keys(EXPECTING),
        Animal::plain(
            "resets in the conversation",
            Some((Transfer, Reset)),
            move |mut stream| async move {
                raw::answer(&mut stream, OPEN).await;
                stream.write_all(half_a_frame).await.ok();
                stream.reset();
            },
        )
        .keys(EXPECTING),
        Animal::plain("half-closes behind the upgrade", None, |mut stream| async move {
            raw::answer(&mut stream, OPEN).await;
            stream.shutdown().await.ok();
            raw::hold(stream).await;
        }),
        Animal::plain("resets behind the upgrade", None, |mut stream| async move {
            raw::answer(&mut stream, OPEN).await;
            stream.reset();
        }),
        Animal::plain(
            "says why and resets, before we have answered",
            Some((Transfer, ClosedByServer)),
            |mut stream| async move {
                raw::answer(&mut stream, OPEN).await;
                stream.write_all(b"\x81\x07welcome\x88\x02\x03\xf0").await.ok();
                stream.reset();
            },
        )
        .keys(ANSWERING),
        Animal::plain(
            "refuses without having read",
            Some((Upgrade, UpgradeRefused)),
            |mut stream| async move {
                stream.heard().await;
                stream.write_all(b"HTTP/1.1 403 X\r\n\r\n").await.ok();
            },
        ),
        Animal::tls("closes after the ClientHello", Some((Tls, Closed)), |mut stream| async move {
            record(&mut stream).await;
        }),
        Animal::tls(
            "resets after accept, where TLS is due",
            Some((Tls, Reset)),
            |stream| async move {
                stream.reset();
            },
        ),
        Animal::tls(
            "half-closes behind the ServerHello",
            Some((Tls, Closed)),
            move |mut stream| {
                let config = cut.clone();
                async move {
                    let flight = flight(&mut stream, &config).await;
                    stream.write_all(&flight[..first_record(&flight) + 3]).await.ok();
                    stream.shutdown().await.ok();
                    raw::hold(stream).await;
                }
            },
        ),
        Animal::tls("resets behind the ServerHello", Some((Tls, Reset)), move |mut stream| {
            let config = torn.clone();
            async move {
                let flight = flight(&mut stream, &config).await;
                stream.write_all(&flight[..first_record(&flight)]).await.ok();
                stream.reset();
            }
        }),
        Animal::behind_tls(
            "hangs up behind TLS without close_notify",
            config,
            Some((Upgrade, Closed)),
            |mut stream| async move {
                raw::request(&mut stream).await;
            },
        ),
        Animal::behind_tls(
            "resets behind TLS",
            config,
            Some((Upgrade, Reset)),
            |mut stream| async move {
                raw::request(&mut stream).await;
                stream.into_inner().0.reset();
            },
        ),
        Animal::behind_tls("resets behind TLS alone", config, None, |stream| async move {
            stream.into_inner().0.reset();
        })
        .keys(TLS_ALONE),
    ]
}

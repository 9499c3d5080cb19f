//! Those that only look odd: what browsers take is taken.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::cage::{Animal, Counted, drip, flight};
use crate::fixture::raw::{self, OPEN};

pub fn animals(config: &Arc<ServerConfig>) -> Vec<Animal> {
    let mut animals: Vec<_> = heads()
        .into_iter()
        .map(|(name, answer)| {
            Animal::plain(name, None, move |mut stream: Counted| {
                let answer = answer.clone();
                // And goes, since a pass would else wait for its Close.
                async move { raw::answer(&mut stream, &answer).await }
            })
        })
        .collect();
    animals.extend(in_pieces(config));
    animals.extend(conversations());
    animals
}

fn heads() -> Vec<(&'static str, String)> {
    let with = |line: &str| OPEN.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
    let first = |line: &str| OPEN.replace("HTTP/1.1 101 Switching Protocols", line);
    let instead = |from: &str, to: &str| OPEN.replace(from, to);
    let backwards: Vec<_> = OPEN.trim_end().lines().skip(1).collect();
    let backwards: String = backwards.into_iter().rev().map(|line| format!("{line}\r\n")).collect();
    vec![
        ("the usual answer", OPEN.to_owned()),
        ("no phrase", first("HTTP/1.1 101 ")),
        ("no phrase, and no space", first("HTTP/1.1 101")),
        ("another phrase", first("HTTP/1.1 101 Web Socket Protocol Handshake")),
        ("a phrase that is no ASCII", first("HTTP/1.1 101 Pr\u{f6}tokoll")),
        ("a phrase with control characters", first("HTTP/1.1 101 a\u{1}\u{1b}[2J\tb")),
        ("spaces around the status", first("HTTP/1.1   101   X")),
        ("an old version", first("HTTP/1.0 101 X")),
        ("lines that end in LF alone", OPEN.replace("\r\n", "\n")),
        ("an empty line that ends in LF alone", instead("\r\n\r\n", "\r\n\n")),
        (
            "names in lower case",
            OPEN.to_lowercase().replace("http", "HTTP").replace("accept: accept", "accept: ACCEPT"),
        ),
        ("names in upper case", instead("Upgrade: ", "UPGRADE: ").replace("Sec-Web", "SEC-WEB")),
        ("WebSocket in mixed case", instead("websocket", "WebSocket")),
        ("upgrade in lower case", instead("Connection: Upgrade", "Connection: upgrade")),
        ("a list of tokens", instead("Connection: Upgrade", "Connection: keep-alive, Upgrade")),
        (
            "a list without a space",
            instead("Connection: Upgrade", "Connection: Upgrade,keep-alive"),
        ),
        ("a list with gaps", instead("Connection: Upgrade", "Connection: , ,Upgrade , ")),
        (
            "Connection twice",
            instead("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade"),
        ),
        ("a folded list", instead("Connection: Upgrade", "Connection: keep-alive,\r\n\tUpgrade")),
        ("a folded value", instead("Upgrade: websocket", "Upgrade:\r\n websocket")),
        ("headers backwards", format!("HTTP/1.1 101 X\r\n{backwards}\r\n")),
        ("no space behind the colons", OPEN.replace(": ", ":")),
        (
            "much space around the values",
            OPEN.replace(": ", ": \t  ")
                .replace("\r\n", " \t\r\n")
                .replace("\r\n \t\r\n", "\r\n\r\n"),
        ),
        ("space before the colons", OPEN.replace(": ", " : ")),
        ("a length of 0", with("Content-Length: 0")),
        ("a length twice, and the same", with("Content-Length: 0\r\nContent-Length: 0")),
        ("a transfer coding", with("Transfer-Encoding: chunked")),
        (
            "two lengths and a transfer coding",
            with("Content-Length: 0\r\nContent-Length: 9\r\nTransfer-Encoding: chunked"),
        ),
        (
            "headers that do no harm",
            with("Date: yesterday\r\nServer: x\r\nSet-Cookie: a=b\r\nVia: 1.1 proxy"),
        ),
        ("a header that is no UTF-8", with("Server: \u{e9}\u{ff}")),
        ("a line without a colon", with("what is this")),
        ("a header without a name", with(": what is this")),
        ("a name with odd characters", with("X(y) @z: what is this")),
        ("HTTP in small letters", raw::OPEN.replace("HTTP", "http")),
        ("an empty line before the head", format!("\r\n{}", raw::OPEN)),
        ("lines that end in CR alone", raw::OPEN.replacen("\r\n", "\r", 3)),
        ("200 headers", with(&vec!["X: y"; 197].join("\r\n"))),
        ("a header of 60 KB", with(&format!("X: {}", "x".repeat(60_000)))),
    ]
}

fn in_pieces(config: &Arc<ServerConfig>) -> Vec<Animal> {
    let bytewise = config.clone();
    vec![
        Animal::plain("an answer byte by byte", None, |mut stream| async move {
            let answer = raw::answer_to(&raw::request(&mut stream).await, OPEN);
            drip(&mut stream, answer.as_bytes(), Duration::ZERO).await;
        }),
        Animal::behind_tls(
            "an answer in records of one byte",
            config,
            None,
            |mut stream| async move {
                let answer = raw::answer_to(&raw::request(&mut stream).await, OPEN);
                drip(&mut stream, answer.as_bytes(), Duration::ZERO).await;
            },
        ),
        Animal::tls("a handshake byte by byte", None, move |mut stream| {
            let config = bytewise.clone();
            async move {
                let flight = flight(&mut stream, &config).await;
                drip(&mut stream, &flight, Duration::ZERO).await;
                raw::hold(stream).await;
            }
        })
        .keys("probes = [\"tls\"]"),
    ]
}

/// Conversations in which the word comes, and what comes before it is odd.
fn conversations() -> Vec<Animal> {
    let long = [&b"\x81\x7f\0\0\0\0\0\x01\0\0welcome"[..], &[b'x'; 65_536 - 7]].concat();
    let late = [[0x81, 2, b'n', b'o'].repeat(63), b"\x81\x07welcome".to_vec()].concat();
    let pinging = [[0x89, 1, b'x'].repeat(40), b"\x81\x07welcome".to_vec()].concat();
    [
        ("the word", b"\x81\x07welcome".to_vec()),
        ("the word in pieces", b"\x01\x03wel\0\0\0\x02co\x80\x02me".to_vec()),
        ("control frames between pieces", b"\x01\x03wel\x89\x01x\x8a\0\x80\x04come".to_vec()),
        ("a character in two pieces", b"\x01\x01\xc3\x80\x08\xbcwelcome".to_vec()),
        ("an empty last piece", b"\x01\x07welcome\x80\0".to_vec()),
        ("the word as the 64th message", late),
        ("the word behind 40 Pings", pinging),
        ("the word in 64 KiB", long),
        ("bytes before the word", b"\x82\x02\xff\xfe\x81\x07welcome".to_vec()),
        ("an empty message before the word", b"\x81\0\x81\x07welcome".to_vec()),
    ]
    .map(|(name, mut bytes)| {
        // Its Close comes at once, for the same reason.
        bytes.extend(b"\x88\x02\x03\xe8");
        Animal::sending(name, None, bytes).reads(70_000)
    })
    .into()
}

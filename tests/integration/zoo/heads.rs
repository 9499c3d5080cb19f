//! Those that answer the upgrade with something else, or with too much.

use tokio::io::AsyncWriteExt;
use watchpost::outcome::phase::Phase::Upgrade;
use watchpost::outcome::reason::Reason::{self, *};

use super::cage::{Animal, flood};
use crate::fixture::raw::{self, OPEN};

pub fn animals() -> Vec<Animal> {
    let mut animals = endless();
    animals.extend(malformed());
    animals.extend(statuses());
    animals.extend(refusals());
    animals.extend(upgrades());
    animals
}

/// Sends `begin` and then `piece` for ever.
fn endlessly(name: &str, reason: Reason, begin: &'static str, piece: &'static [u8]) -> Animal {
    Animal::plain(name, Some((Upgrade, reason)), move |mut stream| async move {
        raw::answer(&mut stream, begin).await;
        flood(stream, piece).await;
    })
}

fn endless() -> Vec<Animal> {
    let ten_megabytes = format!("HTTP/1.1 101 X\r\nX: {}\r\n\r\n", "x".repeat(10 << 20));
    let many = |lines: usize| format!("HTTP/1.1 101 X\r\n{}\r\n", "X: y\r\n".repeat(lines));
    let empty = format!("HTTP/1.1 101 X\r\n{}\r\n", ":\r\n".repeat(20_000));
    let big =
        |name: &str, answer: &str| Animal::answering(name, Some((Upgrade, HttpHeadTooBig)), answer);
    vec![
        endlessly("endless headers", HttpHeadTooBig, "HTTP/1.1 101 X\r\n", b"X: y\r\n"),
        endlessly("one endless header", HttpHeadTooBig, "HTTP/1.1 101 X\r\nX: ", &[b'x'; 4096]),
        endlessly("one endless folded header", HttpHeadTooBig, "HTTP/1.1 101 X\r\nX: ", b"\r\n y"),
        endlessly("an endless phrase", HttpHeadTooBig, "HTTP/1.1 403 ", &[b'x'; 4096]),
        endlessly("an endless header name", HttpHeadTooBig, "HTTP/1.1 403 X\r\n", &[b'x'; 512]),
        endlessly("an endless status", HttpHeadTooBig, "HTTP/1.1 1", &[b'1'; 512]),
        endlessly("endless carriage returns", HttpHeadTooBig, "HTTP/1.1 101 X", &[b'\r'; 512]),
        endlessly("endless garbage", HttpMalformed, "", &[0xa5; 4096]),
        endlessly("endless empty lines", HttpMalformed, "", b"\r\n"),
        endlessly("endless NULs", HttpMalformed, "", &[0; 4096]),
        big("a header of 10 MB", &ten_megabytes),
        big("10,000 headers", &many(10_000)),
        big("201 headers", &many(201)),
        Animal::answering(
            "20,000 lines that are no headers",
            Some((Upgrade, BadUpgradeHeader)),
            &empty,
        ),
    ]
}

fn malformed() -> Vec<Animal> {
    let conflicting =
        OPEN.replace("\r\n\r\n", "\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n");
    [
        ("a NUL in a header", "HTTP/1.1 101 X\r\nX: \0\r\n\r\n"),
        ("a NUL in the phrase", "HTTP/1.1 403 \0\r\n\r\n"),
        ("an SSH banner", "SSH-2.0-OpenSSH_9.2p1\r\n"),
        ("an SMTP banner", "220 mail.test ESMTP\r\n"),
        ("HTTP/0.9", "<html><title>It works</title></html>\n"),
        ("a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("SETTINGS of HTTP/2", "\0\0\0\x04\0\0\0\0\0"),
        ("another protocol", "RTSP/1.0 200 OK\r\n\r\n"),
        ("TLS on a plain port", "\x15\x03\x01\0\x02\x02\x46"),
        ("conflicting lengths", &conflicting),
        ("conflicting places", "HTTP/1.1 302 X\r\nLocation: /a\r\nLocation: /b\r\n\r\n"),
    ]
    .map(|(name, answer)| Animal::answering(name, Some((Upgrade, HttpMalformed)), answer))
    .into()
}

fn statuses() -> Vec<Animal> {
    let mad = ["file:///etc/passwd", "http://169.254.169.254/latest", "//evil.test", "\\\\x\\y"];
    let mut answers = Vec::new();
    for (status, reason) in [
        (0, UpgradeNotOffered),
        (100, UpgradeNotOffered),
        (102, UpgradeNotOffered),
        (103, UpgradeNotOffered),
        (199, UpgradeNotOffered),
        (200, UpgradeNotOffered),
        (204, UpgradeNotOffered),
        (301, UpgradeRedirected),
        (304, UpgradeRedirected),
        (308, UpgradeRedirected),
        (400, UpgradeNotOffered),
        (401, UpgradeRefused),
        (403, UpgradeRefused),
        (404, UpgradeNotFound),
        (407, UpgradeNotOffered),
        (410, UpgradeNotFound),
        (426, UpgradeNotOffered),
        (429, UpgradeThrottled),
        (500, UpgradeServerError),
        (503, UpgradeServerError),
        (599, UpgradeServerError),
        (600, UpgradeNotOffered),
        (999, UpgradeNotOffered),
    ] {
        let answer = format!("HTTP/1.1 {status:03} X\r\nContent-Length: 0\r\n\r\n");
        answers.push((format!("status {status}"), reason, answer));
    }
    for place in mad.map(str::to_owned).into_iter().chain(["x".repeat(60_000)]) {
        let name = format!("a redirect to {:.30}", place);
        let answer = format!("HTTP/1.1 302 X\r\nLocation: {place}\r\n\r\n");
        answers.push((name, UpgradeRedirected, answer));
    }
    // What comes behind an interim answer is not for a WebSocket, as browsers have it.
    let early = format!("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{OPEN}");
    answers.push(("101 behind 103".to_owned(), UpgradeNotOffered, early));
    // Chromium takes what is no status for 200.
    for (name, line) in [
        ("a negative status", "HTTP/1.1 -12 X"),
        ("a status of four digits", "HTTP/1.1 1010 X"),
        ("a status of many digits", "HTTP/1.1 65637 X"),
        ("a status in letters", "HTTP/1.1 OK X"),
        ("no status", "HTTP/1.1"),
    ] {
        answers.push((name.to_owned(), UpgradeNotOffered, format!("{line}\r\n\r\n")));
    }
    let make = |(name, reason, answer): (String, _, String)| {
        Animal::answering(&name, Some((Upgrade, reason)), &answer)
    };
    answers.into_iter().map(make).collect()
}

fn refusals() -> Vec<Animal> {
    let refusing = |name: &str, rest: &str| {
        let answer = format!("HTTP/1.1 403 {rest}");
        Animal::answering(name, Some((Upgrade, UpgradeRefused)), &answer)
    };
    let long = "\u{1b}[2J\u{202e}".repeat(6_000);
    vec![
        endlessly("a body without end", UpgradeRefused, "HTTP/1.1 403 X\r\n\r\n", &[b'x'; 4096]),
        endlessly(
            "a chunked body without end",
            UpgradeRefused,
            "HTTP/1.1 403 X\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\nx\r\n",
        ),
        Animal::plain("a gzip bomb", Some((Upgrade, UpgradeRefused)), |mut stream| async move {
            let head = "HTTP/1.1 403 X\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n";
            raw::answer(&mut stream, head).await;
            let bomb = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0; 990]].concat();
            stream.write_all(&bomb).await.ok();
            raw::hold(stream).await;
        }),
        refusing("a length of 2^64", "X\r\nContent-Length: 18446744073709551616\r\n\r\nno"),
        refusing("a negative length", "X\r\nContent-Length: -1\r\n\r\nno"),
        refusing(
            "a chunk of 2^64",
            "X\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nno",
        ),
        refusing("a phrase that acts on terminals", "\u{1b}[2J\u{1b}]8;;x\u{7}\u{9b}\r\n\r\n"),
        refusing("a phrase of 60 KB", &format!("{long}\r\n\r\n")),
        refusing("a header that acts on terminals", &format!("X\r\nServer: {long}\r\n\r\n")),
    ]
}

fn upgrades() -> Vec<Animal> {
    let without = |line: &str| OPEN.replace(&format!("{line}\r\n"), "");
    let instead = |from: &str, to: &str| OPEN.replace(from, to);
    let twice = |line: &str| OPEN.replace(line, &format!("{line}\r\n{line}"));
    let with = |line: &str| OPEN.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
    let (upgrade, connection) = ("Upgrade: websocket", "Connection: Upgrade");
    let accept = "Sec-WebSocket-Accept: ACCEPT";
    let of_another = instead("ACCEPT", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let extended = with("Sec-WebSocket-Extensions: x-webkit-deflate-frame");
    let terms = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=16";
    let chosen = with("Sec-WebSocket-Protocol: chat");
    let chosen_twice = with("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat");
    let other = with("Sec-WebSocket-Protocol: xmpp");
    let offer = "subprotocols = [\"chat\"]";
    [
        ("HTTP/2 in words", BadUpgradeHeader, "HTTP/2 101 X\r\n\r\n".to_owned(), ""),
        ("no Upgrade", BadUpgradeHeader, without(upgrade), ""),
        ("another Upgrade", BadUpgradeHeader, instead(upgrade, "Upgrade: h2c"), ""),
        (
            "Upgrade to two things",
            BadUpgradeHeader,
            instead(upgrade, "Upgrade: websocket, h2c"),
            "",
        ),
        ("Upgrade twice", BadUpgradeHeader, twice(upgrade), ""),
        ("no Connection", BadConnectionHeader, without(connection), ""),
        ("Connection: close", BadConnectionHeader, instead(connection, "Connection: close"), ""),
        ("no accept", BadAccept, without(accept), ""),
        ("an empty accept", BadAccept, instead("ACCEPT", ""), ""),
        ("an accept of another key", BadAccept, of_another, ""),
        ("accept twice", BadAccept, twice(accept), ""),
        ("an extension", UnrequestedExtension, extended, ""),
        ("terms of an extension that nobody offered", UnrequestedExtension, with(terms), ""),
        ("an empty extension", UnrequestedExtension, with("Sec-WebSocket-Extensions:"), ""),
        ("a subprotocol unasked", BadSubprotocol, chosen, ""),
        ("another subprotocol", BadSubprotocol, other, offer),
        ("a subprotocol twice", BadSubprotocol, chosen_twice, offer),
        ("no subprotocol", BadSubprotocol, OPEN.to_owned(), offer),
    ]
    .map(|(name, reason, answer, keys)| {
        Animal::answering(name, Some((Upgrade, reason)), &answer).keys(keys)
    })
    .into()
}

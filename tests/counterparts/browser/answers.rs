//! Answers to an upgrade: named ones, and ones put together at random.

use super::chance::Chance;

/// An answer, and the subprotocols that its request offers.
pub struct Answer {
    pub name: String,
    pub bytes: Vec<u8>,
    pub offer: &'static [&'static str],
}

/// A good one.
const OPEN: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n";

const CHAT: &[&str] = &["chat"];
const TWO: &[&str] = &["xmpp", "chat"];

/// Named answers.
pub fn named() -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut add = |name: &str, offer, bytes: &[u8]| {
        answers.push(Answer { name: name.to_owned(), bytes: bytes.to_vec(), offer });
    };
    add("good", &[], OPEN.as_bytes());
    for (name, from, to) in INSTEAD {
        let text = OPEN.replacen(from, to, 1);
        assert_ne!(text, OPEN, "{name}");
        add(name, &[], text.as_bytes());
    }
    for (name, lines) in WITH {
        add(name, &[], OPEN.replace("\r\n\r\n", &format!("\r\n{lines}\r\n\r\n")).as_bytes());
    }
    for (name, offer, lines) in CHOSEN {
        add(name, offer, OPEN.replace("\r\n\r\n", &format!("\r\n{lines}\r\n\r\n")).as_bytes());
    }
    for (name, bytes) in WHOLE {
        add(name, &[], bytes);
    }
    for status in STATUSES {
        let text = format!("HTTP/1.1 {status:03} X\r\nContent-Length: 0\r\n\r\n");
        add(&format!("status {status}"), &[], text.as_bytes());
    }
    add("LF alone", &[], OPEN.replace('\r', "").as_bytes());
    add("CR alone", &[], OPEN.replacen("\r\n", "\r", 3).as_bytes());
    add("CR CR LF", &[], OPEN.replacen("\r\n", "\r\r\n", 3).as_bytes());
    answers
}

/// A part of a good answer, and what stands there instead.
const INSTEAD: &[(&str, &str, &str)] = &[
    ("HTTP/1.0", "HTTP/1.1", "HTTP/1.0"),
    ("HTTP/1.2", "HTTP/1.1", "HTTP/1.2"),
    ("HTTP/2", "HTTP/1.1", "HTTP/2"),
    ("HTTP/2.0", "HTTP/1.1", "HTTP/2.0"),
    ("HTTP/0.9", "HTTP/1.1", "HTTP/0.9"),
    ("HTTP without a version", "HTTP/1.1", "HTTP"),
    ("http in small letters", "HTTP/1.1", "http/1.1"),
    ("a space before the status line", "HTTP/1.1", " HTTP/1.1"),
    ("an empty line before the status line", "HTTP/1.1", "\r\nHTTP/1.1"),
    ("five bytes before the status line", "HTTP/1.1", "\r\n\r\n HTTP/1.1"),
    ("no phrase", " Switching Protocols", ""),
    ("a phrase of a space", "Switching Protocols", ""),
    ("a phrase of controls", "Switching Protocols", "\u{1}\u{7f}\u{9b}"),
    ("two spaces before the status", " 101", "  101"),
    ("a tab before the status", " 101", "\t101"),
    ("a status of four digits", "101", "1010"),
    ("a status with a zero before it", "101", "0101"),
    ("a status with letters behind it", "101", "101abc"),
    ("a negative status", "101", "-101"),
    ("a status in letters", "101", "OK"),
    ("no Upgrade", "Upgrade: websocket\r\n", ""),
    ("an empty Upgrade", "Upgrade: websocket", "Upgrade:"),
    ("Upgrade in capitals", "websocket", "WEBSOCKET"),
    ("Upgrade to something else", "websocket", "h2c"),
    ("Upgrade to two things", "websocket", "websocket, h2c"),
    ("Upgrade with a comma", "websocket", "websocket,"),
    ("Upgrade with a comma before it", "websocket", ",websocket"),
    ("Upgrade with a version", "websocket", "websocket/13"),
    ("Upgrade in quotes", "websocket", "\"websocket\""),
    ("Upgrade twice", "Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: websocket"),
    ("a space before the colon", "Upgrade: websocket", "Upgrade : websocket"),
    ("no space behind the colon", "Upgrade: websocket", "Upgrade:websocket"),
    ("tabs around a value", "Upgrade: websocket", "Upgrade:\t websocket \t"),
    ("a form feed behind a value", "websocket", "websocket\u{c}"),
    ("a folded value", "Upgrade: websocket", "Upgrade:\r\n websocket"),
    ("a space before a name", "Upgrade: websocket", "X: y\r\n Upgrade: websocket"),
    ("a space before the first name", "Upgrade: websocket", " Upgrade: websocket"),
    ("a CR in a value", "Upgrade: websocket", "Upgrade: web\rsocket"),
    ("no Connection", "Connection: Upgrade\r\n", ""),
    ("Connection: close", "Connection: Upgrade", "Connection: close"),
    ("Connection with two tokens", "Connection: Upgrade", "Connection: keep-alive, UPGRADE"),
    ("Connection with empty tokens", "Connection: Upgrade", "Connection: ,,upgrade,"),
    ("Connection with semicolons", "Connection: Upgrade", "Connection: keep-alive; Upgrade"),
    ("Connection in quotes", "Connection: Upgrade", "Connection: \"a, Upgrade, b\""),
    ("two Connections", "Connection: Upgrade", "Connection: close\r\nConnection: Upgrade"),
    ("Connection: upgraded", "Connection: Upgrade", "Connection: upgraded"),
    ("no accept", "Sec-WebSocket-Accept: ACCEPT\r\n", ""),
    ("an empty accept", "ACCEPT", ""),
    ("an accept of another key", "ACCEPT", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("an accept without its end", "ACCEPT", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo"),
    ("accept in quotes", "ACCEPT", "\"ACCEPT\""),
    ("two accepts on a line", "ACCEPT", "ACCEPT, ACCEPT"),
    (
        "accept twice",
        "Sec-WebSocket-Accept: ACCEPT",
        "Sec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Accept: ACCEPT",
    ),
    (
        "neither Connection nor accept",
        "Connection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT",
        "X: y",
    ),
    (
        "a wrong accept and no Upgrade",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT",
        "Sec-WebSocket-Accept: wrong",
    ),
];

/// Lines that a good answer has besides.
const WITH: &[(&str, &str)] = &[
    ("a line without a colon", "nonsense"),
    ("a line without a name", ": y"),
    ("a name that is no token", "X Y: z"),
    ("an empty value", "X:"),
    ("a control character in a value", "X: \u{1}"),
    ("a NUL in a value", "X: \0"),
    ("a NUL in a name", "X\0: y"),
    ("two equal lengths", "Content-Length: 0\r\nContent-Length: 0"),
    ("two lengths", "Content-Length: 0\r\nContent-Length: 5"),
    ("two lengths on a line", "Content-Length: 0, 5"),
    (
        "two lengths and chunks",
        "Content-Length: 0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
    ),
    ("two lengths and gzip", "Content-Length: 0\r\nContent-Length: 5\r\nTransfer-Encoding: gzip"),
    ("two places", "Location: /a\r\nLocation: /b"),
    ("twice the same place", "Location: /a\r\nLocation: /a"),
    ("two dispositions", "Content-Disposition: inline\r\nContent-Disposition: attachment"),
    ("a subprotocol unasked", "Sec-WebSocket-Protocol: chat"),
    ("an empty subprotocol unasked", "Sec-WebSocket-Protocol:"),
    ("an unknown extension", "Sec-WebSocket-Extensions: x-unknown"),
    ("an empty extension", "Sec-WebSocket-Extensions:"),
    ("a malformed extension", "Sec-WebSocket-Extensions: ;;"),
    ("compression", "Sec-WebSocket-Extensions: permessage-deflate"),
    ("compression twice", "Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate"),
    ("compression in capitals", "Sec-WebSocket-Extensions: Permessage-Deflate"),
    ("a window", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15"),
    (
        "a window without a size",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    ),
    (
        "a window that is too large",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=16",
    ),
    (
        "a window of the server",
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"8\"",
    ),
    (
        "no takeover",
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ),
    ("a parameter that nobody knows", "Sec-WebSocket-Extensions: permessage-deflate; x=y"),
    ("a cookie", "Set-Cookie: a=b; Path=/"),
    ("a strange Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"),
];

/// What was offered, and the lines that answer it.
const CHOSEN: &[(&str, &[&str], &str)] = &[
    ("no subprotocol", CHAT, "X: y"),
    ("the subprotocol", CHAT, "Sec-WebSocket-Protocol: chat"),
    ("the second subprotocol", TWO, "Sec-WebSocket-Protocol: chat"),
    ("another subprotocol", CHAT, "Sec-WebSocket-Protocol: mqtt"),
    ("a subprotocol in capitals", CHAT, "Sec-WebSocket-Protocol: CHAT"),
    ("an empty subprotocol", CHAT, "Sec-WebSocket-Protocol: "),
    ("both subprotocols", TWO, "Sec-WebSocket-Protocol: xmpp, chat"),
    ("a subprotocol twice", CHAT, "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat"),
    ("a subprotocol with a comma", CHAT, "Sec-WebSocket-Protocol: chat,"),
    (
        "another subprotocol, and an extension",
        CHAT,
        "Sec-WebSocket-Extensions: x\r\nSec-WebSocket-Protocol: mqtt",
    ),
];

/// Answers of their own.
const WHOLE: &[(&str, &[u8])] = &[
    ("nothing", b""),
    ("a line feed", b"\n"),
    ("HTT", b"HTT"),
    ("a status line alone", b"HTTP/1.1 101 X\r\n"),
    ("half a head", b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n"),
    ("half a refusal", b"HTTP/1.1 403 X\r\nContent-Length: 2\r\n"),
    ("a NUL in half a head", b"HTTP/1.1 403 X\r\nA: \0\r\n"),
    ("nothing but a status line", b"HTTP/1.1 101 X\r\n\r\n"),
    ("no status", b"HTTP/1.1\r\n\r\n"),
    ("an SSH banner", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    ("HTML", b"<html><title>It works</title></html>\n"),
    ("TLS", b"\x15\x03\x01\0\x02\x02\x46"),
    ("another protocol", b"RTSP/1.0 200 OK\r\n\r\n"),
    ("a redirect", b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n"),
    ("a challenge", b"HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"),
    ("101 behind 100", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n"),
    ("101 behind 103", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n"),
    ("two lengths in a refusal", b"HTTP/1.1 403 X\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n"),
    ("bytes that are no UTF-8", b"HTTP/1.1 403 \xff\xfe\r\nX: \xff\r\n\xff: y\r\n\r\n"),
    ("a frame behind the head", b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n\x81\x02hi"),
    ("a masked frame behind the head", b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n\x81\x82aaaahi"),
];

const STATUSES: &[u16] = &[
    0, 100, 102, 103, 199, 200, 201, 204, 205, 206, 300, 301, 303, 304, 307, 308, 400, 401, 403,
    404, 407, 408, 410, 418, 421, 426, 429, 451, 500, 501, 502, 503, 511, 599, 600, 999,
];

const STATUS_LINES: &[&str] = &[
    "HTTP/1.0 101 Switching Protocols",
    "HTTP/1.1 101",
    "HTTP/1.1 101 ",
    "HTTP/1.1  101  X",
    "HTTP/1.1 101 X ",
    "HTTP/1.1 101\tX",
    "HTTP/1.1\t101 X",
    "HTTP/1.1 \t101 X",
    "HTTP/1.1 101:X",
    "HTTP/1.1 101 \u{1}\u{7f}",
    "HTTP/1.1 0101 X",
    "HTTP/1.1 1010 X",
    "HTTP/1.1 10 X",
    "HTTP/1.1 101X",
    "HTTP/1.1 +101 X",
    "HTTP/1.1 99999999999 X",
    "HTTP/1.1",
    "HTTP/1.1 ",
    "HTTP/1.1 OK",
    "HTTP/9.9 101 X",
    "HTTP/0.9 101 X",
    "HTTP/2.0 101 X",
    "HTTP/2 101 X",
    "HTTP/ 101 X",
    "HTTP 101 X",
    "HTTPS/1.1 101 X",
    "Http/1.1 101 X",
    "HTTP/1.x 101 X",
    "HTTP/11.1 101 X",
    "HTTP/1. 101 X",
    "HTTP/1.1\u{a0}101 X",
    "ICY 101 X",
    "\rHTTP/1.1 101 X",
    "xyzHTTP/1.1 101 X",
    "HTTHTTP/1.1 101 X",
    "\r\n\r\nHTTP/1.1 101 X",
    "HTTP/1.1 200 OK",
    "HTTP/1.1 302 Found\r\nLocation: /a",
    "HTTP/1.1 401 X",
    "HTTP/1.1 403 Forbidden",
    "HTTP/1.1 404",
    "HTTP/1.1 429 X",
    "HTTP/1.1 503 X",
];

const UPGRADES: &[&str] = &[
    "",
    "Upgrade:",
    "Upgrade: WebSocket",
    "upgrade:websocket",
    "UPGRADE: websocket",
    "Upgrade : websocket",
    "Upgrade\t: websocket",
    "Upgrade:\twebsocket\t",
    "Upgrade: websocket,",
    "Upgrade: ,websocket",
    "Upgrade: websocket, websocket",
    "Upgrade: websocket;q=1",
    "Upgrade: \"websocket\"",
    "Upgrade: 'websocket'",
    "Upgrade: web socket",
    "Upgrade: websocket\u{b}",
    "Upgrade: websocket\u{a0}",
    "Upgrade:\r\n websocket",
    "Upgrade:\r\n\t websocket",
    "Upgrade: websocket\r\n x",
    "Upgrade: websocket\r\n \r\n",
    "Upgrade: web\r\n socket",
    "Upgrade: websocket\r\nUpgrade: websocket",
    "Upgrade: h2c\r\nUpgrade: websocket",
    "Upgrade: websocket\r\nUpgrade:",
    "X\r\n Upgrade: websocket",
    "Up grade: websocket\r\nUpgrade: websocket",
    "Upgrade; websocket",
    "Upgrade websocket",
    "Upgrade:: websocket",
    "Upgrade: :websocket",
    "\u{1}Upgrade: websocket",
    "Upgrade\u{1}: websocket",
];

const CONNECTIONS: &[&str] = &[
    "",
    "Connection:",
    "Connection: upgrade",
    "Connection: UPGRADE",
    "connection:Upgrade",
    "Connection: keep-alive, Upgrade",
    "Connection: Upgrade, close",
    "Connection: Upgrade,",
    "Connection: ,Upgrade",
    "Connection: , ,\t,Upgrade",
    "Connection: keep-alive Upgrade",
    "Connection: keep-alive; Upgrade",
    "Connection: \"Upgrade\"",
    "Connection: \"a, Upgrade, b\"",
    "Connection: \"a, Upgrade",
    "Connection: 'a, Upgrade, b'",
    "Connection: a\", Upgrade, \"b",
    "Connection: a\\\", Upgrade",
    "Connection: \"\\\", Upgrade, \"",
    "Connection: close",
    "Connection: close\r\nConnection: Upgrade",
    "Connection: keep-alive,\r\n Upgrade",
    "Connection: Upgrade\r\n , close",
    "Connection: Upgrade\r\n close",
    "Connection: Upgrade\u{c}",
    "Connection: upgraded",
    "Connection: Up\u{212a}grade",
];

const ACCEPTS: &[&str] = &[
    "",
    "Sec-WebSocket-Accept:",
    "Sec-WebSocket-Accept: wrong",
    "sec-websocket-accept:ACCEPT",
    "Sec-WebSocket-Accept: ACCEPT,",
    "Sec-WebSocket-Accept: ,ACCEPT",
    "Sec-WebSocket-Accept: ACCEPT, ACCEPT",
    "Sec-WebSocket-Accept: \"ACCEPT\"",
    "Sec-WebSocket-Accept: ACCEPT=",
    "Sec-WebSocket-Accept: ACCEPT x",
    "Sec-WebSocket-Accept:  \t ACCEPT\t",
    "Sec-WebSocket-Accept:\r\n ACCEPT",
    "Sec-WebSocket-Accept: ACCEPT\r\n ",
    "Sec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Accept: ACCEPT",
    "Sec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Accept: wrong",
    "Sec-WebSocket-Accept: ACCEPT\u{1}",
    "Sec_WebSocket_Accept: ACCEPT",
];

const EXTRAS: &[&str] = &[
    "X: y",
    "X:",
    "X",
    ":",
    ": y",
    " : y",
    "X y: z",
    "X: \u{1}\u{1b}[2J",
    "X: \0",
    "\0",
    "X: é",
    "é: x",
    "X:\r\n\r",
    "(x): y",
    "X: \"unclosed",
    "Server: x\r\nServer: y",
    "Date: Mon, 1 Jan 2024 00:00:00 GMT",
    "Content-Length: 0",
    "Content-Length: 5",
    "Content-Length: x",
    "Content-Length: 0\r\nContent-Length: 0",
    "Content-Length: 0\r\nContent-Length: 1",
    "Content-Length: 1\r\ncontent-length:1 ",
    "Content-Length: 1, 1",
    "Content-Length: 1,2",
    "Content-Length: ,1",
    "Content-Length: 1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked",
    "Content-Length: 1\r\nContent-Length: 2\r\nTransfer-Encoding: gzip, Chunked",
    "Content-Length: 1\r\nContent-Length: 2\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: chunked",
    "Location: /a\r\nLocation: /b",
    "Location: /a, /b",
    "Location: /a\r\nlocation: /a",
    "Content-Disposition: a\r\nContent-Disposition: b",
    "Content-Disposition: a, b",
    "Content-Disposition: \"a, b\"",
    "Content-Disposition: a, a",
    "WWW-Authenticate: Basic realm=x",
    "Sec-WebSocket-Protocol: chat",
    "Sec-WebSocket-Protocol: chat",
    "Sec-WebSocket-Protocol: xmpp",
    "Sec-WebSocket-Protocol: Chat",
    "Sec-WebSocket-Protocol: chat, xmpp",
    "Sec-WebSocket-Protocol: chat,",
    "Sec-WebSocket-Protocol: \"chat\"",
    "Sec-WebSocket-Protocol:",
    "Sec-WebSocket-Protocol: \u{1}",
    "Sec-WebSocket-Protocol:\r\n chat",
    "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat",
    "Sec-WebSocket-Extensions:",
    "Sec-WebSocket-Extensions: ,",
    "Sec-WebSocket-Extensions: foo",
    "Sec-WebSocket-Extensions: foo; bar=baz",
    "Sec-WebSocket-Extensions: ;",
    "Sec-WebSocket-Extensions: \"x",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "Sec-WebSocket-Version: 13",
    "Set-Cookie: a=b",
    "Keep-Alive: timeout=5",
    "Vary: Origin",
];

const BREAKS: &[&str] = &["\n", "\r\r\n", "\r", "\n\r", "\r\n ", "\r\n\t", " \r\n", "\0\r\n"];

const ENDS: &[&str] =
    &["", "\r\n", "\n\n", "\n\r\n", "\r\n\n", "\r\r", "\r\n\r", "\r\n \r\n", "\r\n\r\n\x08\x02hi"];

/// What strikes a byte: what means something to one reader or another.
const BYTES: &[u8] = b" \t\r\n\0:,;\"\\=/.\x01\x0b\x7f\x80\xff()Aa01";

/// A good answer with a few parts that may not be.
pub fn random(chance: &mut Chance) -> Answer {
    let mut status = "HTTP/1.1 101 Switching Protocols";
    let mut lines =
        vec!["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: ACCEPT"];
    let (mut line_break, mut end, mut strikes) = ("\r\n", "\r\n\r\n", 0);
    let mut odd_break = None;
    let mut name = String::new();
    let changes = chance.of(&[1, 1, 1, 2, 2, 3]);
    for _ in 0..changes {
        let change = chance.below(10);
        match change {
            0 => status = chance.of(STATUS_LINES),
            1 => lines[0] = chance.of(UPGRADES),
            2 => lines[1] = chance.of(CONNECTIONS),
            3 => lines[2] = chance.of(ACCEPTS),
            4..=6 => lines.push(chance.of(EXTRAS)),
            7 if chance.once_in(3) => line_break = chance.of(BREAKS),
            7 => odd_break = Some((chance.below(lines.len() + 1), chance.of(BREAKS))),
            8 => end = chance.of(ENDS),
            _ => strikes += 1,
        }
        name.push_str(&change.to_string());
    }
    // Behind the three, whose places are known above, order does not matter.
    for at in (1..lines.len()).rev() {
        let other = chance.below(at + 1);
        lines.swap(at, other);
    }
    let extension = if chance.once_in(4) { Some(deflate(chance)) } else { None };
    let mut bytes = status.as_bytes().to_vec();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let odd = odd_break.filter(|(place, _)| *place == at).map(|(_, odd)| odd);
        bytes.extend_from_slice(odd.unwrap_or(line_break).as_bytes());
        bytes.extend_from_slice(line.as_bytes());
    }
    if let Some(extension) = extension {
        bytes.extend_from_slice(
            format!("{line_break}Sec-WebSocket-Extensions: {extension}").as_bytes(),
        );
    }
    bytes.extend_from_slice(end.as_bytes());
    for _ in 0..strikes {
        strike(&mut bytes, chance);
    }
    let offer: &[&[&str]] = &[&[], &[], CHAT, TWO];
    Answer { name: format!("changes {name}"), bytes, offer: chance.of(offer) }
}

/// Terms of compression.
fn deflate(chance: &mut Chance) -> String {
    let mut terms = "permessage-deflate".to_owned();
    for _ in 0..chance.of(&[0, 1, 1, 2, 3]) {
        terms.push_str(chance.of(&["; ", ";", " ;\t", "; ", ", ", " ", ";;"]));
        terms.push_str(chance.of(&[
            "server_no_context_takeover",
            "client_no_context_takeover",
            "server_max_window_bits",
            "client_max_window_bits",
            "server_max_window_bits",
            "client_max_window_bits",
            "Client_Max_Window_Bits",
            "permessage-deflate",
            "x",
            "",
        ]));
        if chance.once_in(2) {
            terms.push_str(chance.of(&["=", "=", " = "]));
            terms.push_str(chance.of(&[
                "8",
                "9",
                "10",
                "11",
                "12",
                "15",
                "7",
                "16",
                "08",
                "0",
                "",
                "\"12\"",
                "\"\"",
                "\"1\\2\"",
                "\"15",
                "15\"",
                "+9",
                "1 2",
                "true",
                "'9'",
                "\" 9\"",
                "\"9 \"",
                "4294967304",
                "\"\\",
                "\"\u{1}\"",
                "\"9,\"",
                "\"\u{e9}\"",
            ]));
        }
    }
    terms
}

/// Takes a byte away, puts one in, or changes one.
fn strike(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.below(bytes.len());
    match chance.below(3) {
        0 => drop(bytes.remove(at)),
        1 => bytes.insert(at, chance.of(BYTES)),
        _ => bytes[at] = chance.of(BYTES),
    }
}

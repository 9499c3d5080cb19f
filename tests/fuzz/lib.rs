//! What targets share.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::Runtime;
use tokio::time::Instant;
use watchpost::check::Check;
use watchpost::check::conversation::Step;
use watchpost::http::exposition::Format;
use watchpost::outcome::control::Control;
use watchpost::outcome::extension::Deflate;
use watchpost::outcome::failure::Failure;
use watchpost::outcome::phase::Phase;
use watchpost::outcome::quoted::{MAX_CHARS, Quoted};
use watchpost::outcome::response::Response;
use watchpost::outcome::upgrade::Agreed;
use watchpost::outcome::{Observation, Outcome, verdict};
use watchpost::probe::answer::{self, Door};
use watchpost::probe::conversation::Conversation;
use watchpost::probe::head::Head;

/// The key of every request: the example of RFC 6455 section 1.3.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The right answer to it.
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A time of day.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// Bytes that come in pieces of these lengths, then all at once, and then an end.
#[derive(Debug, Clone)]
pub struct Pieces {
    /// One byte more than these numbers each.
    pub cuts: Vec<u8>,
    /// What comes.
    pub bytes: Vec<u8>,
    /// How much of it has come, and in how many pieces.
    read: (usize, usize),
}

impl Pieces {
    /// One byte says how many pieces there are, then the length of each, then what comes.
    pub fn new(input: &[u8]) -> Self {
        let (count, input) = input.split_first().unwrap_or((&0, &[]));
        let (cuts, bytes) = input.split_at(usize::from(count % 32).min(input.len()));
        Self { cuts: cuts.to_vec(), bytes: bytes.to_vec(), read: (0, 0) }
    }

    /// The same bytes, all at once.
    pub fn whole(&self) -> Self {
        Self { cuts: Vec::new(), ..self.clone() }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.read.0..]
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let piece = self.cuts.get(self.read.1).map_or(usize::MAX, |cut| usize::from(*cut) + 1);
        let length = piece.min(self.rest().len()).min(buf.remaining());
        buf.put_slice(&self.rest()[..length]);
        self.read.0 += length;
        self.read.1 += 1;
        Poll::Ready(Ok(()))
    }
}

/// The first byte of an input and the rest of it.
pub fn first(input: &[u8]) -> (u8, &[u8]) {
    input.split_first().map_or((0, &[][..]), |(first, rest)| (*first, rest))
}

/// The texts of an input, which end at NUL bytes.
pub fn texts(input: &[u8]) -> Vec<String> {
    input.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

/// Runs what never has to wait.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    thread_local!(static RUNTIME: Runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap());
    RUNTIME.with(|runtime| {
        let _entered = runtime.enter();
        tokio::task::unconstrained(future).now_or_never().expect("nothing is to be waited for")
    })
}

/// What comes of the bytes behind an open door: the steps, then the goodbye.
pub fn talk(
    stream: impl AsyncRead + Unpin,
    rest: Vec<u8>,
    deflate: Option<Deflate>,
    steps: &[Step],
) -> (Result<(), Failure>, Option<Result<(), Failure>>) {
    at_once(async {
        let until = Instant::now() + Duration::from_secs(60);
        let stream = tokio::io::join(stream, tokio::io::sink());
        let mut conversation = Conversation::open(stream, rest, deflate);
        let held = conversation.hold(steps, until).await;
        let closed = if held.is_ok() { Some(conversation.close(until).await) } else { None };
        (held, closed)
    })
}

/// What the daemon makes of everything that a server sends.
pub fn run(check: &Check, mut stream: impl AsyncRead + Unpin) -> Outcome {
    let mut seen = Observation::default();
    let watchpost::check::probe::Probe::Websocket(websocket) = check.probe.as_ref() else {
        panic!("a WebSocket check");
    };
    let ended = || {
        seen.phases.set(Phase::Upgrade, Duration::from_millis(1));
        let head = at_once(Head::read(&mut stream, Phase::Upgrade))?;
        let answer = answer::read(&head, KEY, &websocket.subprotocols)?;
        seen.http_status = Some(answer.status);
        match answer.door? {
            Door::Open(Agreed { subprotocol, deflate }) => {
                seen.upgraded = true;
                seen.subprotocol = subprotocol;
                let rest = head.into_rest();
                let (held, closed) = talk(stream, rest, deflate, &websocket.conversation);
                held.and(closed.unwrap_or(Ok(())))
            }
            Door::Shut(mut response) => {
                response.body = Quoted::bytes(&head.into_rest());
                let response = Arc::new(response);
                seen.refusal = Some(response.clone());
                Err(Failure::UpgradeRejected(response))
            }
        }
    };
    let ended = ended();
    let control = check.control.clone().map(|page| Control { page, entry: Ok(()) });
    let refusals = &websocket.refusal_statuses;
    let (verdict, failure) = verdict::judge(ended, check.expect(), refusals, control.as_ref());
    Outcome { started_at: now(), observation: seen, verdict, failure, remarks: Vec::new() }
}

/// A failure is one of the pairs that are shown as zeros from the start.
pub fn can_strike(failure: &Failure) {
    let (reason, phase) = (failure.reason(), failure.phase());
    assert!(reason.strikes_in(phase), "{reason} in {phase:?}");
    harmless(&failure.evidence());
}

/// Nothing in a text acts on its reader: the list is not the program's own.
pub fn harmless(text: &str) {
    let acts = |c: char| {
        c.is_control()
            || matches!(u32::from(c),
                0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
                | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe0fff)
    };
    assert!(!text.contains(acts), "{text:?}");
}

/// The same of what is quoted, which is short besides.
pub fn quoted(quoted: &Quoted) {
    harmless(quoted.as_str());
    assert!(quoted.as_str().chars().count() <= MAX_CHARS + 1);
}

/// Evidence of a refusal: short, harmless, and no session or credential in it.
pub fn response(response: &Response) {
    quoted(&response.phrase);
    quoted(&response.body);
    for (name, value) in &response.headers {
        quoted(name);
        quoted(value);
        if matches!(name.as_str(), "set-cookie" | "authorization" | "cookie") {
            assert_eq!(value.as_str(), "(left out)");
        }
    }
    harmless(&response.to_string());
}

/// Reads `a="b",c="d"` as the grammar of both formats says, and nothing else.
pub fn labels(text: &str) -> Option<Vec<(String, String)>> {
    let mut labels = Vec::new();
    let mut chars = text.chars();
    loop {
        let name: String = chars.by_ref().take_while(|c| *c != '=').collect();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        (!name.is_empty() && name.chars().all(plain) && chars.next()? == '"').then_some(())?;
        let mut value = String::new();
        loop {
            match chars.next()? {
                '"' => break,
                '\n' => return None,
                '\\' => value.push(match chars.next()? {
                    'n' => '\n',
                    c @ ('"' | '\\') => c,
                    _ => return None,
                }),
                c => value.push(c),
            }
        }
        labels.push((name, value));
        match chars.next() {
            Some(',') => {}
            Some(_) => return None,
            None => return Some(labels),
        }
    }
}

/// A page of metrics, line by line, or message by message behind their lengths.
pub fn exposition(format: Format, page: &[u8]) {
    if format == Format::Protobuf {
        let mut rest = page;
        while !rest.is_empty() {
            let digits = rest.iter().position(|byte| *byte < 0x80).expect("a whole length") + 1;
            let (length, message) = rest.split_at(digits);
            let places = length.iter().rev();
            let length = places.fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
            rest = &message[length..];
        }
        return;
    }
    let page = std::str::from_utf8(page).expect("a text");
    assert!(page.ends_with('\n'));
    for line in page.split_terminator('\n').filter(|line| !line.starts_with("# ")) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        value.parse::<f64>().expect("a number");
        let (name, set) = match series.split_once('{') {
            Some((name, rest)) => (name, rest.strip_suffix('}')),
            None => (series, None),
        };
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
        assert!(!series.contains('{') || set.and_then(labels).is_some(), "{line}");
    }
}

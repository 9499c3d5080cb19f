//! Whatever servers answer, the series on the page are those of the config.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use tokio::task::unconstrained;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use watchpost::check::Check;
use watchpost::check::probe::Probe;
use watchpost::config::Config;
use watchpost::http::exposition::Format;
use watchpost::http::metrics::{Settings, render};
use watchpost::outcome::chain::Chain;
use watchpost::outcome::chain::certificate::Certificate;
use watchpost::outcome::chain::verification::{Verification, VerifyFailure};
use watchpost::outcome::control::Control;
use watchpost::outcome::failure::Failure;
use watchpost::outcome::phase::{Phase, PhaseTimes};
use watchpost::outcome::upgrade::Agreed;
use watchpost::outcome::verdict::{self, Verdict};
use watchpost::outcome::{Observation, Outcome};
use watchpost::probe::answer::{self, Door};
use watchpost::probe::conversation::Conversation;
use watchpost::probe::head::Head;
use watchpost::record::row::{Row, RunResult};
use watchpost::record::state::State;
use watchpost::schedule::slot::{Purpose, Slot};
use watchpost::schedule::{End, SlotEnd};

use crate::fixture::pki::Pki;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

const CONFIG: &str = r#"
[defaults]
interval = "1h"
[[endpoints]]
name = "silent"
url = "ws://127.0.0.1:1/"
origins = [
    { origin = "https://a.test" },
    { origin = "https://evil.test", expect = "deny" },
]
[[endpoints]]
name = "talking"
url = "ws://127.0.0.1:1/"
subprotocols = ["chat"]
messages = [{ send = "a" }, { expect-json = { pointer = "/a" } }]
[[endpoints]]
name = "encrypted"
url = "wss://127.0.0.1:1/"
"#;

/// The same numbers every time, for bytes that nobody has chosen.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> usize {
        (self.roll() % end) as usize
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        // Half of them are text, so that more than the status line is right.
        let text = self.below(2) == 0;
        let byte = |roll: u64| if text { b' ' + (roll % 95) as u8 } else { roll as u8 };
        (0..self.below(most)).map(|_| byte(self.roll())).collect()
    }

    /// Anything from noise to a good answer with a byte or two changed.
    fn response(&mut self, good: &str) -> Vec<u8> {
        let mut response = match self.below(8) {
            0 => self.bytes(64),
            1..=3 => [b"HTTP/1.1 ", &self.bytes(24)[..], b"\r\n\r\n"].concat(),
            4..=6 => {
                let status = 100 + self.below(900);
                let head = format!("HTTP/1.1 {status} ").into_bytes();
                let lines = [b"\r\n", &self.bytes(12)[..], b": ", &self.bytes(12)].concat();
                [&head[..], &self.bytes(8), &lines, b"\r\n\r\n", &self.bytes(16)].concat()
            }
            _ => [good.as_bytes(), &self.bytes(24)].concat(),
        };
        for _ in 0..self.below(3) {
            let at = self.below(response.len().max(1) as u64);
            if let Some(byte) = response.get_mut(at) {
                *byte = self.roll() as u8;
            }
        }
        response
    }
}

/// What the daemon makes of an answer, from its bytes on.
fn run(check: &Check, mut bytes: &[u8], now: Timestamp) -> Outcome {
    let Probe::Websocket(websocket) = check.probe.as_ref() else { panic!("all are") };
    let mut seen = Observation { addresses: 1, ..Observation::default() };
    seen.phases.set(Phase::Connect, Duration::from_micros(300));
    let mut converse = || {
        let head =
            Head::read(&mut bytes, Phase::Upgrade).now_or_never().expect("it is all there")?;
        let answer = answer::read(&head, KEY, &websocket.subprotocols)?;
        seen.http_status = Some(answer.status);
        match answer.door? {
            Door::Shut(response) => {
                let response = Arc::new(response);
                seen.refusal = Some(response.clone());
                Err(Failure::UpgradeRejected(response))
            }
            Door::Open(Agreed { subprotocol, deflate }) => {
                seen.upgraded = true;
                seen.subprotocol = subprotocol;
                let stream = tokio::io::join(bytes, tokio::io::sink());
                let until = Instant::now() + Duration::from_secs(1);
                let talk = async {
                    let mut conversation = Conversation::open(stream, head.into_rest(), deflate);
                    conversation.hold(&websocket.conversation, until).await?;
                    conversation.close(until).await
                };
                // Timers would make it yield now and then.
                unconstrained(talk).now_or_never().expect("it is all there")
            }
        }
    };
    let control = check.control.clone().map(|page| Control { page, entry: Ok(()) });
    let refusals = &websocket.refusal_statuses;
    let (verdict, failure) = verdict::judge(converse(), check.expect(), refusals, control.as_ref());
    Outcome { started_at: now, observation: seen, verdict, failure, remarks: Vec::new() }
}

fn report(state: &mut State, check: &Arc<Check>, outcome: Outcome) -> Verdict {
    let verdict = outcome.verdict;
    let slot = Slot { number: 1, planned: outcome.started_at, purpose: Purpose::Scheduled };
    let end = SlotEnd { check: check.clone(), slot, delay: Duration::ZERO, end: End::Ran(outcome) };
    let place = state.place(&check.id).unwrap();
    state.apply(place, &Row::new(&end));
    let End::Ran(outcome) = end.end else { unreachable!() };
    state.keep(place, outcome);
    verdict
}

/// Every histogram and every family is there, as it will be after a while.
fn settled(checks: &[Arc<Check>], now: Timestamp) -> State {
    let mut state = State::new(checks, now);
    let mut phases = PhaseTimes::default();
    Phase::ALL.into_iter().for_each(|phase| phases.set(phase, Duration::from_millis(1)));
    for check in checks {
        for result in [RunResult::Failure, RunResult::Success] {
            let slot = Slot { number: 0, planned: now, purpose: Purpose::Scheduled };
            let row = Row {
                slot,
                slots: 1,
                result,
                reason: None,
                phase: None,
                at: now,
                delay: Duration::ZERO,
                phases,
                http_status: None,
                stalled: Duration::ZERO,
            };
            state.apply(state.place(&check.id).unwrap(), &row);
        }
    }
    state
}

fn series(state: &State, now: Timestamp) -> BTreeSet<String> {
    let settings = Settings { prime_failures: true };
    let page = render(&state.snapshot(now), settings, Format::Text, "");
    let text = String::from_utf8(page.body).unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn a_million_random_responses_add_no_series() {
    let checks = Config::parse(Path::new("/x.toml"), CONFIG).unwrap().checks;
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    let accept = derive_accept_key(KEY.as_bytes());
    let good = format!(
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
    );
    let open = [
        format!("{good}\r\n\u{88}\0"),
        "HTTP/1.1 403 X\r\n\r\n".to_owned(),
        format!("{good}Sec-WebSocket-Protocol: chat\r\n\r\n"),
        format!("{good}\r\n"),
    ];
    let at = |run: u64| start + Duration::from_millis(run);
    let wanted = |state: &mut State, run_at: Timestamp| {
        // The last runs of each are the same, and enough to be up: what shows them is there alike.
        for _ in 0..3 {
            for (check, open) in checks.iter().zip(&open) {
                let outcome = run(check, open.as_bytes(), run_at);
                report(state, check, outcome);
            }
        }
        series(state, run_at)
    };

    let mut state = settled(&checks, start);
    let before = wanted(&mut state, at(0));
    let (mut dice, mut verdicts, mut reasons) = (Dice(0x5eed), [0_u64; 3], BTreeSet::new());
    for number in 1..=1_000_000 {
        let place = dice.below(checks.len() as u64);
        let bytes = dice.response(&open[place]);
        let outcome = run(&checks[place], &bytes, at(number));
        reasons.extend(outcome.failure.as_ref().map(Failure::reason));
        verdicts[report(&mut state, &checks[place], outcome) as usize] += 1;
        if number % 100_000 == 0 {
            // One that fails says why: that is all that there may be more.
            let most = before.len() + checks.len();
            assert!(series(&state, at(number)).len() <= most);
        }
    }
    let after = wanted(&mut state, at(1_000_001));
    assert_eq!(after.symmetric_difference(&before).collect::<Vec<_>>(), [""; 0]);
    assert!(verdicts.iter().all(|count| *count > 10_000), "{verdicts:?}");
    assert!(reasons.len() > 12, "{reasons:?}");
}

#[test]
fn whatever_chains_come_there_are_so_many_series() {
    let checks = Config::parse(Path::new("/x.toml"), CONFIG).unwrap().checks;
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    let mut dice = Dice(0x5eed);
    let minted: Vec<_> = (0..8)
        .flat_map(|n| Pki::new(&format!("{n}\n\"}} up")).good().chain)
        .chain((0..4).map(|_| CertificateDer::from(dice.bytes(64))))
        .map(Certificate::read)
        .collect();
    let check = checks.last().unwrap();
    let mut state = settled(&checks, start);
    let mut most = 0;
    for number in 0..5_000 {
        let certificates = (0..dice.below(17)).map(|_| minted[dice.below(12)].clone()).collect();
        let failures = vec![VerifyFailure::SelfSigned];
        let chain = Chain {
            certificates,
            stapled: Vec::new(),
            staple: None,
            verification: Verification { path: None, failures },
            remarks: Vec::new(),
        };
        let address = IpAddr::V4(Ipv4Addr::from(dice.roll() as u32));
        let observation = Observation {
            address: Some((address, 443).into()),
            addresses: 1 + dice.below(1_000),
            chain: Some(Arc::new(chain)),
            ..Observation::default()
        };
        let failure = Some(Failure::CertificateRejected(VerifyFailure::SelfSigned));
        let now = start + Duration::from_secs(number);
        let outcome = Outcome {
            started_at: now,
            observation,
            verdict: Verdict::Fail,
            failure,
            remarks: Vec::new(),
        };
        report(&mut state, check, outcome);
        if number % 50 == 0 {
            let page = series(&state, now);
            most = most.max(page.iter().filter(|line| line.starts_with("probe_ssl")).count());
        }
    }
    // Five of the endpoint, a leaf for each of 8 addresses; at each of them 3 for each of 8
    // certificates, and every way to fail.
    let bound = 5 + 8 + 8 * (3 * 8 + VerifyFailure::LABELS.len());
    assert!((200..=bound).contains(&most), "{most}, and the bound is {bound}");
}

//! What a store says of a check, whoever wrote it: read or passed over, and then the daemon goes
//! on with it.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use watchpost::config::Config;
use watchpost::http::exposition::Format;
use watchpost::http::metrics::{Settings, render};
use watchpost::outcome::phase::{Phase, PhaseTimes};
use watchpost::outcome::reason::Reason;
use watchpost::record::row::{Row, RunResult};
use watchpost::record::state::State;
use watchpost::record::store::checkpoint::{read_cell, read_check};
use watchpost::schedule::slot::{Purpose, Slot};
use watchpost_fuzz::{exposition, first, now};

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let text = "[[endpoints]]\nname = \"a\"\nurl = \"wss://a.test\"\n";
    Config::parse(Path::new("/x.toml"), text).unwrap()
});

/// A number off the front of an input.
fn number(input: &mut &[u8]) -> u64 {
    let (number, rest) = input.split_first_chunk().unwrap_or((&[0; 8], &[]));
    *input = rest;
    u64::from_be_bytes(*number)
}

// The state of a check; behind a NUL byte which histogram, its sum, four rows, and its bytes.
fuzz_target!(|input: &[u8]| {
    let nul = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (text, input) = input.split_at(nul);
    let (_, input) = first(input);
    let (which, mut input) = first(input);
    let mut state = State::new(&CONFIG.checks, now());
    let check = &CONFIG.checks[0];
    let place = state.place(&check.id).unwrap();
    if let Some(restored) = read_check(&String::from_utf8_lossy(text)) {
        state.restore_check(place, restored);
    }
    let which = usize::from(which);
    let phase = Phase::ALL[which % Phase::ALL.len()];
    let result = RunResult::ALL[which % 4];
    let texts = ["a", "websocket", phase.as_str(), result.as_str()].map(str::to_owned);
    let sum = number(&mut input) as i64;
    let rows = [(); 4].map(|()| [(); 3].map(|()| number(&mut input)));
    if let Some(cell) = read_cell(texts, input, sum) {
        state.restore_cell(&cell.endpoint, cell.probe, cell.cell);
    }
    state.expire(now());
    for [slots, micros, word] in rows {
        let [result, reason, .., a, b, c, d] = word.to_be_bytes();
        let seconds = i32::from_be_bytes([a, b, c, d]);
        let at = now() + jiff::SignedDuration::from_secs(i64::from(seconds));
        let mut phases = PhaseTimes::default();
        phases.set(phase, Duration::from_micros(micros));
        let reason = Reason::ALL[usize::from(reason) % Reason::ALL.len()];
        let row = Row {
            slot: Slot { number: slots, planned: at, purpose: Purpose::Scheduled },
            slots,
            result: RunResult::ALL[usize::from(result) % 4],
            reason: (result % 4 != 0).then_some(reason),
            phase: Some(phase),
            at,
            delay: Duration::from_micros(micros),
            phases,
            http_status: None,
            stalled: Duration::ZERO,
        };
        state.apply(place, &row);
    }
    let snapshot = state.snapshot(now());
    for prime_failures in [false, true] {
        for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
            let page = render(&snapshot, Settings { prime_failures }, format, "");
            assert!(page.samples < 2_000);
            exposition(format, &page.body);
        }
    }
    let page = watchpost::http::status::render(&snapshot, &Default::default()).into_string();
    assert_eq!(page.matches("<tr>").count(), 4, "a row in each of two tables");
});

//! `messages` to a conversation.

use super::fault::Faults;
use super::field::Table;
use super::raw;
use crate::check::conversation::{Matcher, Place, Step};

/// Most steps of a conversation: a probe is no load test.
const MAX_STEPS: usize = 16;

/// The steps of a list; each row has exactly one key.
pub fn steps(messages: raw::Tables<raw::Message>, place: &str, faults: &mut Faults) -> Vec<Step> {
    let key = format!("{place}.messages");
    let fix = "write it as a list: messages = [{ send = \"…\" }, { expect-regex = '…' }]";
    let Some((span, rows)) = messages.take(&key, fix, faults) else { return Vec::new() };
    if rows.len() > MAX_STEPS {
        faults.add(&span, &key, format!("more than {MAX_STEPS} steps"), "say less");
    }
    let mut steps = Vec::with_capacity(rows.len());
    for (index, row) in rows.into_iter().enumerate() {
        let key = format!("{key}[{index}]");
        let one = "give each row one of send, expect-regex and expect-json";
        let Some((span, row)) = row.take(&key, one, faults) else { continue };
        match row.given() {
            0 => faults.add(&span, &key, "a row that says nothing", one),
            1 => {}
            _ => faults.add(&span, &key, "a row with several keys", one),
        }
        let send = row.send.take(format_args!("{key}.send"), faults).map(|text| Step::Send(text.0));
        let regex = row
            .expect_regex
            .take(format_args!("{key}.expect-regex"), faults)
            .map(|pattern| Step::Expect(Matcher::Regex(pattern.0)));
        let json = place_of(row.expect_json, &format!("{key}.expect-json"), faults)
            .map(|place| Step::Expect(Matcher::Json(place)));
        steps.extend([send, regex, json].into_iter().flatten());
    }
    steps
}

/// A place in JSON, and what must stand there.
pub fn place_of(table: Table<raw::ExpectJson>, key: &str, faults: &mut Faults) -> Option<Place> {
    let fix = "write { pointer = \"/type\", equals = \"response\" }";
    let (span, raw) = table.take(key, fix, faults)?;
    let equals = raw.equals.take(format_args!("{key}.equals"), faults).map(|value| value.0);
    let pointer = raw.pointer.take(format_args!("{key}.pointer"), faults).map(|text| text.0);
    match pointer {
        Some(pointer) if pointer.starts_with('/') => Some(Place { pointer, equals }),
        _ => {
            faults.add(&span, key, "a JSON pointer (RFC 6901) begins with /", fix);
            None
        }
    }
}

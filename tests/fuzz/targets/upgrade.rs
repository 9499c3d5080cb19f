//! The judge of RFC 6455 section 4.1, against the rules written down once more.
#![no_main]

use httparse::Header;
use libfuzzer_sys::fuzz_target;
use watchpost::outcome::reason::Reason;
use watchpost::outcome::upgrade::judge;
use watchpost_fuzz::{ACCEPT, KEY, can_strike, quoted};

fn all(headers: &[(String, Vec<u8>)], name: &str) -> Vec<Vec<u8>> {
    let named = headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.trim_ascii().to_ascii_lowercase()).collect()
}

/// The rules, each by itself, in the order in which they are told.
fn expected(headers: &[(String, Vec<u8>)], offer: &[String]) -> Option<Reason> {
    if all(headers, "upgrade") != [b"websocket"] {
        return Some(Reason::BadUpgradeHeader);
    }
    let connection = all(headers, "connection").join(&b","[..]);
    if !connection.split(|byte| *byte == b',').any(|token| token.trim_ascii() == b"upgrade") {
        return Some(Reason::BadConnectionHeader);
    }
    let exact = |name: &str| -> Vec<Vec<u8>> {
        let named = headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim_ascii().to_vec()).collect()
    };
    if exact("sec-websocket-accept") != [ACCEPT.as_bytes()] {
        return Some(Reason::BadAccept);
    }
    let extensions = exact("sec-websocket-extensions");
    if extensions.len() > 1 || extensions.iter().any(|value| !value.is_empty()) {
        return Some(Reason::UnrequestedExtension);
    }
    let fits = match exact("sec-websocket-protocol").as_slice() {
        [] => offer.is_empty(),
        [chosen] => offer.iter().any(|name| name.as_bytes() == chosen),
        _ => false,
    };
    (!fits).then_some(Reason::BadSubprotocol)
}

// The offer on the first line, then the headers; `ACCEPT` stands for the right answer.
fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let offer = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let offer: Vec<_> =
        offer.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let headers: Vec<_> = lines
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]).into_owned();
            let value = match line[colon + 1..].trim_ascii() {
                b"ACCEPT" => ACCEPT.as_bytes().to_vec(),
                _ => line[colon + 1..].to_vec(),
            };
            Some((name, value))
        })
        .collect();
    let borrowed: Vec<_> = headers.iter().map(|(name, value)| Header { name, value }).collect();
    let judged = judge(&borrowed, KEY, &offer);
    let wanted = expected(&headers, &offer);
    assert_eq!(judged.as_ref().err().map(|failure| failure.reason()), wanted);
    match judged {
        Ok(chosen) => {
            assert_eq!(chosen.is_some(), !offer.is_empty());
            chosen.iter().for_each(quoted);
        }
        Err(failure) => can_strike(&failure),
    }
});

//! The judge of RFC 6455 section 4.1, against the rules written down once more.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watchpost::outcome::extension;
use watchpost::outcome::header::{self, Header};
use watchpost::outcome::reason::Reason;
use watchpost::outcome::upgrade::judge;
use watchpost_fuzz::{ACCEPT, KEY, can_strike, quoted};

/// The values of a header, as they came: none of these has a comma in quotation marks.
fn all(headers: &[(String, Vec<u8>)], name: &str) -> Vec<Vec<u8>> {
    let named = headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let values = named.flat_map(|(_, value)| value.split(|byte| *byte == b','));
    values.map(|value| header::trim(value).to_vec()).collect()
}

/// The rules, each by itself, in the order in which they are told. Terms of an extension have a
/// judge of their own.
fn expected(
    headers: &[(String, Vec<u8>)],
    borrowed: &[Header<'_>],
    offer: &[String],
) -> Option<Reason> {
    let small = |name: &str| -> Vec<Vec<u8>> {
        all(headers, name).iter().map(|value| value.to_ascii_lowercase()).collect()
    };
    if small("upgrade") != [b"websocket"] {
        return Some(Reason::BadUpgradeHeader);
    }
    if all(headers, "sec-websocket-accept") != [ACCEPT.as_bytes()] {
        return Some(Reason::BadAccept);
    }
    if !small("connection").contains(&b"upgrade".to_vec()) {
        return Some(Reason::BadConnectionHeader);
    }
    let fits = match all(headers, "sec-websocket-protocol").as_slice() {
        [] => offer.is_empty(),
        [chosen] => offer.iter().any(|name| name.as_bytes() == chosen),
        _ => false,
    };
    if !fits {
        return Some(Reason::BadSubprotocol);
    }
    extension::agreed(borrowed).is_err().then_some(Reason::UnrequestedExtension)
}

// The offer on the first line, then the headers; `ACCEPT` stands for the right answer.
fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let offer = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let offer: Vec<_> =
        offer.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let headers: Vec<_> = lines
        .filter_map(|line| {
            // Quotation marks are another test's.
            let line: Vec<_> = line.iter().copied().filter(|byte| *byte != b'"').collect();
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
    let wanted = expected(&headers, &borrowed, &offer);
    assert_eq!(judged.as_ref().err().map(|failure| failure.reason()), wanted);
    match judged {
        Ok(agreed) => {
            assert_eq!(agreed.subprotocol.is_some(), !offer.is_empty());
            agreed.subprotocol.iter().for_each(quoted);
        }
        Err(failure) => can_strike(&failure),
    }
});

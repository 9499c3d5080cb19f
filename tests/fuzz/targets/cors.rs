//! The judges of CORS, against the standard's steps written down once more.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watchpost::check::fetch::Fetch;
use watchpost::check::header::Header;
use watchpost::check::origin::Origin;
use watchpost::outcome::cors::error::CorsError;
use watchpost::outcome::cors::forgery::{self, Forgery, Tried};
use watchpost::outcome::cors::{Readable, Request, judge_preflight, judge_response, remarks};
use watchpost::outcome::failure::Failure;
use watchpost::outcome::header::Header as Line;
use watchpost::outcome::warning::Remark;
use watchpost_fuzz::{can_strike, harmless};

const PAGE: &str = "https://app.test";

/// Fetch, "get": every value, without the blanks around it, joined.
fn get(lines: &[(String, Vec<u8>)], name: &str) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = lines
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| {
            let mut value = value.as_slice();
            while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
                value = rest;
            }
            value
        })
        .collect();
    (!values.is_empty()).then(|| values.join(&b", "[..]))
}

/// Fetch, "CORS check".
fn passes(lines: &[(String, Vec<u8>)], credentials: bool) -> bool {
    match get(lines, "access-control-allow-origin") {
        None => false,
        Some(value) if value == b"*" && !credentials => true,
        Some(value) if value != PAGE.as_bytes() => false,
        Some(_) if !credentials => true,
        Some(_) => get(lines, "access-control-allow-credentials").as_deref() == Some(b"true"),
    }
}

/// Fetch, "extract header list values" of a list of tokens.
fn list(lines: &[(String, Vec<u8>)], name: &str) -> Option<Vec<String>> {
    let value = get(lines, name).unwrap_or_default();
    let mut found = Vec::new();
    for element in value.split(|byte| *byte == b',') {
        let text = String::from_utf8(element.to_vec()).ok()?;
        let text = text.trim_matches([' ', '\t']);
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        text.chars().all(token).then_some(())?;
        if !text.is_empty() {
            found.push(text.to_owned());
        }
    }
    Some(found)
}

/// Fetch, "CORS-preflight fetch", with `*` for `Authorization` too.
fn lets_ask(fetch: &Fetch, names: &[&str], status: u16, lines: &[(String, Vec<u8>)]) -> bool {
    if !passes(lines, fetch.credentials()) || !(200..=299).contains(&status) {
        return false;
    }
    let (Some(methods), Some(headers)) =
        (list(lines, "access-control-allow-methods"), list(lines, "access-control-allow-headers"))
    else {
        return false;
    };
    let star = |list: &[String]| !fetch.credentials() && list.iter().any(|name| name == "*");
    let method = fetch.method().as_str();
    let method_is_let = methods.iter().any(|name| name == method)
        || ["GET", "HEAD", "POST"].contains(&method)
        || star(&methods);
    let header_is_let = |name: &&str| headers.iter().any(|known| known.eq_ignore_ascii_case(name));
    method_is_let && (star(&headers) || names.iter().all(header_is_let))
}

fn told(remark: Option<Remark>) {
    remark.iter().for_each(|remark| harmless(&remark.evidence));
}

/// `name: value` lines up to an empty one.
fn read<'a>(lines: &mut impl Iterator<Item = &'a [u8]>) -> Vec<(String, Vec<u8>)> {
    lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]).into_owned();
            Some((name, line[colon + 1..].to_vec()))
        })
        .collect()
}

// Method and status on the first line, `+` for cookies; the page's headers; the server's.
fuzz_target!(|input: &[u8]| {
    let mut rest = input.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(rest.next().unwrap_or_default()).into_owned();
    let (method, status) = first.split_once(' ').unwrap_or((&first, "200"));
    let credentials = method.ends_with('+');
    let Ok(method) = method.trim_end_matches('+').parse() else { return };
    let status = status.parse().unwrap_or(200);
    let own = read(&mut rest);
    let own = own
        .iter()
        .filter_map(|(name, value)| Header::from_page(name, std::str::from_utf8(value).ok()?).ok());
    let Ok(fetch) = Fetch::new(method, own.collect(), credentials) else { return };
    let lines = read(&mut rest);
    let headers: Vec<_> = lines.iter().map(|(name, value)| Line { name, value }).collect();
    let origin: Origin = PAGE.parse().unwrap();
    let request = Request { origin: &origin, fetch: &fetch };

    let names = request.names().unwrap_or_default();
    let names: Vec<_> = names.split(',').filter(|name| !name.is_empty()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let method = fetch.method().as_str();
    let asks = !names.is_empty() || !["GET", "HEAD", "POST"].contains(&method);
    assert_eq!(request.needs_preflight(), asks);

    let preflight = judge_preflight(&request, status, &headers);
    let moved = preflight.as_ref().err().map(|blocked| blocked.error)
        == Some(CorsError::PreflightDisallowedRedirect);
    assert_eq!(preflight.is_ok(), lets_ask(&fetch, &names, status, &lines) && !moved);
    assert!(!moved || (300..400).contains(&status));
    let answer = judge_response(&request, status, &headers);
    let password = answer.as_ref().err().map(|blocked| blocked.error)
        == Some(CorsError::RedirectContainsCredentials);
    assert_eq!(answer.is_ok() || password, passes(&lines, credentials));
    assert!(answer != Ok(Readable::Redirect) || (300..400).contains(&status));
    for blocked in [preflight.err(), answer.err()].into_iter().flatten() {
        harmless(&blocked.to_string());
        can_strike(&Failure::CorsBlocked(blocked));
    }
    told(remarks::of_preflight(&request, &headers));
    told(remarks::of_answer(&request, &headers));
    let mut tried = Tried::default();
    for forgery in Forgery::ALL {
        let forged = forgery.of(&origin).unwrap();
        let forged = Request { origin: &forged, fetch: &fetch };
        tried.note(forgery, forgery::judge(&forged, &origin, &headers));
    }
    tried.remarks(&origin).into_iter().for_each(|remark| told(Some(remark)));
});

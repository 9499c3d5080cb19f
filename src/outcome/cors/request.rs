//! Which requests a page may send unasked: methods and headers that any form could send.

use crate::check::fetch::Fetch;

/// Longest value of a header that may go unasked.
const MAX_VALUE: usize = 128;

/// Most bytes of such values in one request.
const MAX_VALUES: usize = 1024;

/// Whether a browser sends a preflight before this request.
pub fn needs_preflight(fetch: &Fetch) -> bool {
    !is_safelisted_method(fetch.method().as_str()) || !unsafe_names(fetch).is_empty()
}

/// Whether a method may go unasked, and needs no leave where one is asked for.
pub fn is_safelisted_method(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST")
}

/// The headers that the server must allow by name: in lower case, in the order of the alphabet.
pub fn unsafe_names(fetch: &Fetch) -> Vec<&str> {
    let (safe, mut names): (Vec<_>, Vec<_>) =
        fetch.headers().iter().partition(|header| is_safelisted(header.name(), header.value()));
    let bytes: usize = safe.iter().map(|header| header.value().len()).sum();
    if bytes > MAX_VALUES {
        names.extend(safe);
    }
    let mut names: Vec<_> = names.into_iter().map(|header| header.name()).collect();
    names.sort_unstable();
    names
}

/// Whether a header with this value may go unasked; the name in lower case.
///
/// The first five are the standard's. The others are Chromium's, which sends some of them itself.
pub fn is_safelisted(name: &str, value: &[u8]) -> bool {
    if value.len() > MAX_VALUE {
        return false;
    }
    match name {
        "accept" => !value.iter().any(|byte| is_unsafe(*byte)),
        "accept-language" | "content-language" => value.iter().all(|byte| is_of_language(*byte)),
        "content-type" => is_form_type(value),
        "range" => is_simple_range(value),
        "device-memory" | "downlink" | "dpr" => is_decimal(value),
        "rtt" | "viewport-width" | "width" => is_number(value),
        "ect" => matches!(value, b"slow-2g" | b"2g" | b"3g" | b"4g"),
        "save-data" => value.eq_ignore_ascii_case(b"on"),
        "intervention" => true,
        _ => false,
    }
}

/// Bytes that a header's value can break out of its place with ("CORS-unsafe request-header byte").
fn is_unsafe(byte: u8) -> bool {
    matches!(byte, 0..0x20 | 0x7f if byte != b'\t')
        || matches!(byte, b'"' | b'(' | b')' | b':' | b'<' | b'>' | b'?' | b'@')
        || matches!(byte, b'[' | b'\\' | b']' | b'{' | b'}')
}

fn is_of_language(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'*' | b',' | b'-' | b'.' | b';' | b'=')
}

/// The types that a form can send; parameters do not matter.
fn is_form_type(value: &[u8]) -> bool {
    if value.iter().any(|byte| is_unsafe(*byte)) {
        return false;
    }
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let forms: [&[u8]; 3] =
        [b"application/x-www-form-urlencoded", b"multipart/form-data", b"text/plain"];
    forms.iter().any(|form| form.eq_ignore_ascii_case(essence))
}

/// `bytes=0-` or `bytes=0-99`: one range with a start.
fn is_simple_range(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|rest| rest.split_once('-'))
    else {
        return false;
    };
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse::<i64>().ok() } else { None }
    };
    match (number(first), last) {
        (Some(_), "") => true,
        (Some(first), last) => number(last).is_some_and(|last| first <= last),
        (None, _) => false,
    }
}

fn is_number(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

fn is_decimal(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b'.');
    parts.by_ref().take(2).all(is_number) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::check::header::Header;

    fn fetch(method: &str, headers: &[(&str, &str)]) -> Fetch {
        let header = |(name, value): &(&str, &str)| Header::from_page(name, value).unwrap();
        let headers = headers.iter().map(header).collect();
        Fetch::new(method.parse().unwrap(), headers, false).unwrap()
    }

    #[test]
    fn what_a_form_could_send_goes_unasked() {
        for headers in [
            &[][..],
            &[("Accept", "application/json, */*;q=0.1")],
            &[("Accept-Language", "de-CH;q=0.5, *")],
            &[("Content-Type", "text/plain")],
            &[("Content-Type", "TEXT/Plain ; charset=x")],
            &[("Content-Type", "multipart/form-data; boundary=a")],
            &[("Range", "bytes=0-"), ("Content-Language", "")],
            &[("Range", "bytes=0-0")],
        ] {
            for method in ["GET", "head", "Post"] {
                assert!(!needs_preflight(&fetch(method, headers)), "{method} {headers:?}");
            }
            assert!(needs_preflight(&fetch("PUT", headers)));
        }
    }

    /// The values of the Web Platform Tests' `not-cors-safelisted.json`, and a few more.
    #[test]
    fn what_no_form_could_send_is_asked_for() {
        for (name, value) in [
            ("accept", &b"\""[..]),
            ("accept", &[b'0'; 129]),
            ("accept-language", b"\x01"),
            ("accept-language", b"@"),
            ("authorization", b"basics"),
            ("content-language", b"\x01"),
            ("content-language", b"@"),
            ("content-type", b"text/html"),
            ("content-type", b"text/plain, text/html"),
            ("content-type", b"text/plain foo"),
            ("content-type", b"text/plain; a=\"b\""),
            ("content-type", b"application/json"),
            ("content-type", b""),
            ("range", b"bytes 0-"),
            ("range", b"BYTES=0-5"),
            ("range", b"bytes=-5"),
            ("range", b"bytes=5-1"),
            ("range", b"bytes=0-1,3-4"),
            ("range", b"bytes=+1-"),
            ("test", b"hi"),
            ("save-data", b"off"),
            ("dpr", b"1."),
            ("dpr", b"1.2.3"),
            ("width", b"1.5"),
        ] {
            assert!(!is_safelisted(name, value), "{name}: {value:?}");
        }
        for (name, value) in
            [("save-data", &b"ON"[..]), ("dpr", b"1.5"), ("dpr", b"2"), ("width", b"9")]
        {
            assert!(is_safelisted(name, value), "{name}: {value:?}");
        }
    }

    #[test]
    fn many_safe_headers_are_not_safe_together() {
        let long = "a".repeat(128);
        let names = ["accept", "accept-language", "content-language"];
        let few: Vec<_> = names.map(|name| (name, long.as_str())).to_vec();
        assert_eq!(unsafe_names(&fetch("GET", &few)), [""; 0]);
        // Only Chromium's own make more than 1024 bytes together.
        let many: Vec<_> = [
            ("accept", long.clone()),
            ("accept-language", long.clone()),
            ("content-language", long.clone()),
            ("content-type", format!("text/plain;{}", "a".repeat(117))),
            ("dpr", "1".repeat(128)),
            ("rtt", "1".repeat(128)),
            ("width", "1".repeat(128)),
            ("downlink", "1".repeat(128)),
            ("x-a", String::new()),
        ]
        .to_vec();
        let upto = |count: usize| {
            let headers: Vec<_> = many
                .iter()
                .rev()
                .take(count)
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            unsafe_names(&fetch("GET", &headers)).len()
        };
        assert_eq!((upto(9), upto(8)), (1, 1), "1024 bytes are not too many");
        let mut more = many.clone();
        more.push(("intervention", "x".into()));
        let more: Vec<_> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(unsafe_names(&fetch("GET", &more)).len(), 10);
    }

    #[test]
    fn names_are_sorted() {
        let headers = [("X-B", "1"), ("authorization", "x"), ("Accept", "a"), ("X-A", "2")];
        assert_eq!(unsafe_names(&fetch("GET", &headers)), ["authorization", "x-a", "x-b"]);
    }

    proptest! {
        #[test]
        fn only_known_names_are_safe(name in "[a-z-]{1,20}", value: Vec<u8>) {
            let known = name.starts_with("accept") || name.starts_with("content-");
            let other = format!("x-{name}");
            prop_assert!(!is_safelisted(&other, &value));
            if known && is_safelisted(&name, &value) {
                prop_assert!(value.len() <= MAX_VALUE);
                prop_assert_eq!(value.iter().find(|byte| is_unsafe(**byte)), None);
            }
        }
    }
}

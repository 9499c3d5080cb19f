//! Header fields of an answer as browsers put them together.

use std::borrow::Cow;

use crate::outcome::header::Header;

/// The value of a field: that of every line, joined by a comma; `None` where there is no line.
pub fn value(headers: &[Header<'_>], name: &str) -> Option<Vec<u8>> {
    let mut lines = headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
    let mut value = trimmed(&unfolded(lines.next()?.value)).to_vec();
    for line in lines {
        value.extend_from_slice(b", ");
        value.extend_from_slice(trimmed(&unfolded(line.value)));
    }
    Some(value)
}

/// The first line of a field that is not empty.
pub fn first(headers: &[Header<'_>], name: &str) -> Option<Vec<u8>> {
    let mut lines = headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
    lines.find_map(|line| {
        let value = unfolded(line.value);
        let value = trimmed(&value);
        (!value.is_empty()).then(|| value.to_vec())
    })
}

/// The elements of a list; `None` where one of them is no token (RFC 9110 section 5.6.2).
pub fn tokens(value: &[u8]) -> Option<Vec<&[u8]>> {
    let elements = value.split(|byte| *byte == b',').map(trimmed);
    let elements: Vec<_> = elements.filter(|element| !element.is_empty()).collect();
    let all = elements.iter().all(|element| http::Method::from_bytes(element).is_ok());
    all.then_some(elements)
}

/// Without the blanks around it. Browsers take no other byte for a blank here.
fn trimmed(value: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_blank(byte)).map_or(start, |at| at + 1);
    value.get(start..end).unwrap_or_default()
}

/// A value that goes on in the next line, which begins with a blank, is one with a blank there.
fn unfolded(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'\n') {
        return Cow::Borrowed(value);
    }
    let lines = value.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let parts: Vec<_> = lines
        .enumerate()
        .map(|(at, line)| if at == 0 { line } else { trimmed_start(line) })
        .collect();
    Cow::Owned(parts.join(&b' '))
}

fn trimmed_start(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    start.and_then(|start| line.get(start..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn lines<'a>(values: &'a [&'a str]) -> Vec<Header<'a>> {
        let name = "Access-Control-Allow-Origin";
        values.iter().map(|value| Header { name, value: value.as_bytes() }).collect()
    }

    #[test]
    fn lines_are_joined_and_blanks_around_them_go() {
        let joined = |values: &[&str]| {
            let value = value(&lines(values), "access-control-allow-ORIGIN");
            value.map(|value| String::from_utf8(value).unwrap())
        };
        assert_eq!(joined(&[]), None);
        assert_eq!(joined(&[""]).as_deref(), Some(""));
        assert_eq!(joined(&[" *\t"]).as_deref(), Some("*"));
        assert_eq!(joined(&["*", "*"]).as_deref(), Some("*, *"));
        assert_eq!(joined(&["a\r\n\t b\n c"]).as_deref(), Some("a b c"));
        assert_eq!(joined(&["a\u{b}"]).as_deref(), Some("a\u{b}"), "no blank for a browser");
    }

    #[test]
    fn a_list_is_one_of_tokens_and_may_have_gaps() {
        assert_eq!(tokens(b" GET ,, *,\tx-a,"), Some(vec![&b"GET"[..], b"*", b"x-a"]));
        assert_eq!(tokens(b""), Some(Vec::new()));
        for bad in [&b"GET POST"[..], b"GET;q=1", b"\"GET\"", b"a,\xe9", b"a\0", b"x:y"] {
            assert_eq!(tokens(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_put_together(values: Vec<Vec<u8>>) {
            let headers: Vec<_> =
                values.iter().map(|value| Header { name: "Vary", value }).collect();
            let whole = value(&headers, "vary");
            prop_assert_eq!(whole.is_none(), values.is_empty());
            if let Some(whole) = whole {
                prop_assert!(whole.len() <= values.iter().map(|value| value.len() + 2).sum());
                tokens(&whole);
            }
        }
    }
}

//! Header fields of an answer as browsers put them together.

use crate::outcome::header::{self, Header};

/// The value of a field: that of every line, joined by a comma; `None` where there is no line.
pub fn value(headers: &[Header<'_>], name: &str) -> Option<Vec<u8>> {
    let mut lines = header::whole(headers, name).map(header::trim);
    let mut value = lines.next()?.to_vec();
    for line in lines {
        value.extend_from_slice(b", ");
        value.extend_from_slice(line);
    }
    Some(value)
}

/// The first line of a field that is not empty.
pub fn first(headers: &[Header<'_>], name: &str) -> Option<Vec<u8>> {
    let mut lines = header::whole(headers, name).map(header::trim);
    lines.find(|line| !line.is_empty()).map(<[u8]>::to_vec)
}

/// The elements of a list; `None` where one of them is no token (RFC 9110 section 5.6.2).
pub fn tokens(value: &[u8]) -> Option<Vec<&[u8]>> {
    let elements = value.split(|byte| *byte == b',').map(header::trim);
    let elements: Vec<_> = elements.filter(|element| !element.is_empty()).collect();
    let all = elements.iter().all(|element| element.iter().copied().all(header::is_token));
    all.then_some(elements)
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

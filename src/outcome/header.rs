//! Headers of an answer, taken apart as browsers do it.

use super::quoted::Quoted;

/// A header as it came, without the blanks around its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Its name, in the letters in which it came.
    pub name: &'a str,
    /// Its value.
    pub value: &'a [u8],
}

impl Header<'_> {
    /// Nothing.
    pub const EMPTY: Self = Self { name: "", value: b"" };
}

/// The values of the headers of this name, each whole.
pub fn whole<'a>(
    headers: &'a [Header<'_>],
    name: &'a str,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let named = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| header.value)
}

/// The values of the headers of this name, taken apart at commas: a comma at an end stands beside
/// an empty value, and one in quotation marks parts nothing.
pub fn values<'a>(
    headers: &'a [Header<'_>],
    name: &'a str,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    whole(headers, name).flat_map(|value| {
        let (mut quoted, mut escaped) = (false, false);
        let comma = move |byte: &u8| {
            let escapes = quoted && !escaped && *byte == b'\\';
            if *byte == b'"' && !escaped {
                quoted = !quoted;
            }
            escaped = escapes;
            *byte == b',' && !quoted
        };
        value.split(comma).map(trim)
    })
}

/// Whether one of the values is this one, in letters of any case.
pub fn has(headers: &[Header<'_>], name: &str, value: &str) -> bool {
    values(headers, name).any(|found| found.eq_ignore_ascii_case(value.as_bytes()))
}

/// Whether there are several values, and they differ.
pub fn differ<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> bool {
    let first = values.next();
    values.any(|value| Some(value) != first)
}

/// What stands in all headers of this name, for people.
pub fn found(headers: &[Header<'_>], name: &str) -> Option<Quoted> {
    let values: Vec<_> = whole(headers, name).collect();
    (!values.is_empty()).then(|| Quoted::bytes(&values.join(&b", "[..])))
}

/// RFC 9110 section 5.6.2.
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Takes the blanks around a value away: other white space belongs to it.
pub fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(lines: &[&'static str]) -> Vec<String> {
        let headers: Vec<_> =
            lines.iter().map(|value| Header { name: "X", value: value.as_bytes() }).collect();
        let values = values(&headers, "x");
        values.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    #[test]
    fn values_part_at_commas_outside_quotation_marks() {
        assert_eq!(split(&["a, b", "c"]), ["a", "b", "c"]);
        assert_eq!(split(&[",a,"]), ["", "a", ""]);
        assert_eq!(split(&[""]), [""]);
        assert_eq!(split(&[r#""a, b", c"#]), [r#""a, b""#, "c"]);
        assert_eq!(split(&[r#""a\", b", c"#]), [r#""a\", b""#, "c"]);
        assert_eq!(split(&[r#""a\\", b"#]), [r#""a\\""#, "b"]);
        assert_eq!(split(&[r#"a\, b"#]), [r"a\", "b"]);
        assert_eq!(split(&[r#"a\", b"#]), [r#"a\", b"#], "no mark of the end");
        assert_eq!(split(&["'a, b'"]), ["'a", "b'"]);
        assert!(split(&[]).is_empty());
    }

    #[test]
    fn blanks_are_spaces_and_tabs() {
        assert_eq!(trim(b" \t a b\t "), b"a b");
        assert_eq!(trim(b"\x0ba\x0c\r"), b"\x0ba\x0c\r");
        assert_eq!(trim(b" \t"), b"");
    }

    #[test]
    fn values_differ_where_one_is_not_the_first() {
        let differ = |values: &[&'static str]| differ(values.iter().map(|value| value.as_bytes()));
        assert!(differ(&["0", "1"]) && differ(&["0", "0", "1"]) && differ(&["0", "00"]));
        assert!(!differ(&[]) && !differ(&["0"]) && !differ(&["0", "0"]));
    }
}

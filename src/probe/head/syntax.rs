//! The lines of a head, as Chromium reads them: it passes over much that RFC 9112 forbids.

use crate::outcome::header::{self, Header};

/// Most bytes that may stand before a status line.
const MAX_SLOP: usize = 4;

const BEGIN: &[u8] = b"HTTP";

/// Where a status line begins, of which these are the first bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Start {
    /// Here.
    At(usize),
    /// Nowhere yet.
    Unknown,
    /// Nowhere, whatever comes.
    Nowhere,
}

/// Looks for the begin of a status line.
pub fn start(bytes: &[u8]) -> Start {
    let fits = |at: usize| {
        let here = bytes.get(at..).unwrap_or_default();
        here.iter().zip(BEGIN).all(|(byte, wanted)| byte.eq_ignore_ascii_case(wanted))
    };
    match (0..=MAX_SLOP).find(|at| fits(*at)) {
        Some(at) if bytes.len() >= at + BEGIN.len() => Start::At(at),
        Some(_) => Start::Unknown,
        None => Start::Nowhere,
    }
}

/// The byte behind the first empty line; lines may end in LF alone.
pub fn end(bytes: &[u8], searched: usize) -> Option<usize> {
    // An empty line may begin three bytes before what is new.
    let from = searched.saturating_sub(3);
    let new = bytes.get(from..)?;
    let lf = |at: usize| new.get(at) == Some(&b'\n');
    new.iter().enumerate().find_map(|(at, byte)| match byte {
        b'\n' if lf(at + 1) => Some(from + at + 2),
        b'\n' if new.get(at + 1) == Some(&b'\r') && lf(at + 2) => Some(from + at + 3),
        _ => None,
    })
}

/// The lines of a head that are not empty. CR ends a line as LF does.
pub fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|byte| is_break(*byte)).filter(|line| !line.is_empty())
}

/// The same head with each folded line on one; `None` where none is folded, as nearly always.
pub fn unfolded(head: &[u8]) -> Option<Vec<u8>> {
    let mut pairs = head.iter().zip(head.iter().skip(1));
    if !pairs.any(|(before, byte)| is_break(*before) && is_blank(*byte)) {
        return None;
    }
    let mut plain = Vec::with_capacity(head.len());
    let mut can_go_on = false;
    for (number, line) in lines(head).enumerate() {
        let begins_blank = line.first().copied().is_some_and(is_blank);
        if begins_blank && can_go_on {
            plain.push(b' ');
            plain.extend_from_slice(header::trim(line));
        } else {
            plain.push(b'\n');
            plain.extend_from_slice(line);
            let name = line.iter().position(|byte| *byte == b':');
            can_go_on = number > 0 && !begins_blank && name.is_some_and(|length| length > 0);
        }
    }
    Some(plain)
}

/// What a status line says.
#[derive(Debug, PartialEq, Eq)]
pub struct Status<'a> {
    /// Whether it names HTTP/1.1 or later.
    pub knows_chunks: bool,
    /// 200 where it has none; as large as there is room for.
    pub code: u16,
    /// What stands behind it.
    pub phrase: &'a [u8],
}

/// Reads a status line.
pub fn status(line: &[u8]) -> Status<'_> {
    let knows_chunks = version(line) >= Some((1, 1));
    let Some(blank) = line.iter().position(|byte| *byte == b' ') else {
        return Status { knows_chunks, code: 200, phrase: b"" };
    };
    let mut rest = line.get(blank..).unwrap_or_default();
    while let [b' ', behind @ ..] = rest {
        rest = behind;
    }
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, phrase) = rest.split_at_checked(digits).unwrap_or_default();
    let code = digits
        .iter()
        .fold(0_u16, |code, digit| code.saturating_mul(10).saturating_add(u16::from(digit - b'0')));
    let code = if digits.is_empty() { 200 } else { code };
    Status { knows_chunks, code, phrase: header::trim(phrase) }
}

/// A digit behind `HTTP/`, and one behind the first dot.
fn version(line: &[u8]) -> Option<(u8, u8)> {
    let numbers = line.get(BEGIN.len()..)?.strip_prefix(b"/")?;
    let dot = numbers.iter().position(|byte| *byte == b'.')?;
    let digit = |at: usize| numbers.get(at).copied().filter(u8::is_ascii_digit);
    Some((digit(0)?, digit(dot + 1)?)).map(|(major, minor)| (major - b'0', minor - b'0'))
}

/// Reads a header; `None` where the line is none, which nobody minds.
pub fn header(line: &[u8]) -> Option<Header<'_>> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    if name.first().copied().is_none_or(is_blank) {
        return None;
    }
    let name = header::trim(name);
    let name = name.iter().all(|byte| header::is_token(*byte)).then_some(name)?;
    Some(Header { name: str::from_utf8(name).ok()?, value: header::trim(value.get(1..)?) })
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_its_first_empty_line_however_it_is_cut() {
        for (text, behind) in [
            ("HTTP/1.1 101 X\r\nA: b\r\n\r\nrest", 24),
            ("HTTP/1.1 101 X\nA: b\n\nrest", 21),
            ("HTTP/1.1 101 X\r\nA: b\n\r\nrest", 23),
        ] {
            for cut in 0..text.len() {
                let first = end(&text.as_bytes()[..cut], 0);
                let found = first.or_else(|| end(text.as_bytes(), cut));
                assert_eq!(found, Some(behind), "{text:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_status_line_begins_within_four_bytes() {
        for (bytes, expected) in [
            ("", Start::Unknown),
            ("HTT", Start::Unknown),
            ("HTTP", Start::At(0)),
            ("http/1.1 101", Start::At(0)),
            ("\r\n\r\nHTTP", Start::At(4)),
            ("\r\n\r\nHTT", Start::Unknown),
            ("HTTHTTP", Start::At(3)),
            ("\r\n\r\n HTTP", Start::Nowhere),
            ("SSH-", Start::Unknown),
            ("SSH-2", Start::Nowhere),
        ] {
            assert_eq!(start(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_status_line_is_read_for_what_it_is_worth() {
        for (line, knows_chunks, code, phrase) in [
            ("HTTP/1.1 101 Switching Protocols", true, 101, "Switching Protocols"),
            ("HTTP/1.0 101", false, 101, ""),
            ("HTTP/1.1  403  Verb\u{f6}ten ", true, 403, "Verb\u{f6}ten"),
            ("HTTP/1.1 101abc", true, 101, "abc"),
            ("HTTP/1.1 0101 X", true, 101, "X"),
            ("HTTP/1.1 99999999999 X", true, u16::MAX, "X"),
            ("HTTP/1.1 -101 X", true, 200, "-101 X"),
            ("HTTP/1.1 OK", true, 200, "OK"),
            ("HTTP/1.1\t101 X", true, 200, "X"),
            ("HTTP/1.1 \t101 X", true, 200, "101 X"),
            ("HTTP/1.1", true, 200, ""),
            ("HTTP/2.0 101 X", true, 101, "X"),
            ("HTTP/2 101 X", false, 101, "X"),
            ("HTTPS/1.1 101 X", false, 101, "X"),
            ("HTTP", false, 200, ""),
        ] {
            let expected = Status { knows_chunks, code, phrase: phrase.as_bytes() };
            assert_eq!(status(line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn a_header_has_a_token_for_its_name() {
        for (line, expected) in [
            ("A: b", Some(("A", "b"))),
            ("A \t:\tb c ", Some(("A", "b c"))),
            ("A:", Some(("A", ""))),
            ("A::b", Some(("A", ":b"))),
            ("A: \u{1}", Some(("A", "\u{1}"))),
            ("A", None),
            (":b", None),
            (" A: b", None),
            ("A B: c", None),
            ("\u{e9}: c", None),
            ("(A): c", None),
        ] {
            let expected =
                expected.map(|(name, value): (_, &str)| Header { name, value: value.as_bytes() });
            assert_eq!(header(line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn folded_lines_go_on_behind_headers() {
        for (head, expected) in [
            ("S\r\nA: b\r\n\r\n", None),
            ("S\r\nA:\r\n \t b\r\n c\r\n\r\n", Some("\nS\nA: b c")),
            ("S\r\n A: b\r\n\r\n", Some("\nS\n A: b")),
            ("S\r\nA\r\n b\r\n\r\n", Some("\nS\nA\n b")),
            ("S\r\n:A\r\n b\r\n\r\n", Some("\nS\n:A\n b")),
            ("S\r\nA: b\r\n \r\n\r\n", Some("\nS\nA: b ")),
        ] {
            let plain = unfolded(head.as_bytes());
            assert_eq!(plain.as_deref(), expected.map(str::as_bytes), "{head:?}");
        }
    }
}

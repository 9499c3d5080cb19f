//! Text that a stranger wrote.

use std::fmt;

use serde::Serialize;

/// Longest text that is kept of what a server says in one place.
const MAX_CHARS: usize = 256;

/// What a server said, cut to a length and stripped of what could act on its reader.
///
/// Control characters, line separators and the marks that turn the direction of writing become
/// `·`, so that a terminal, a log line or a page shows the text and does not obey it. Each sink
/// still escapes its own syntax.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Quoted(Box<str>);

impl Quoted {
    /// Takes bytes off the wire; what is no UTF-8 becomes U+FFFD.
    pub fn bytes(bytes: &[u8]) -> Self {
        // Four bytes make at most one character, so no more than this can be of use.
        let enough = bytes.get(..MAX_CHARS * 4).unwrap_or(bytes);
        Self::cut(&String::from_utf8_lossy(enough), bytes.len() > enough.len())
    }

    /// Takes a text.
    pub fn text(text: &str) -> Self {
        Self::cut(text, false)
    }

    /// The harmless text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn cut(text: &str, more: bool) -> Self {
        let mut chars = text.chars();
        let mut kept: String = chars.by_ref().take(MAX_CHARS).map(harmless).collect();
        if more || chars.next().is_some() {
            kept.push('…');
        }
        Self(kept.into())
    }
}

fn harmless(c: char) -> char {
    match c {
        // C0, DEL, C1; line and paragraph separators; bidirectional marks; the byte order mark.
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => '·',
        '\u{2028}' | '\u{2029}' | '\u{feff}' => '·',
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => {
            '·'
        }
        _ => c,
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays() {
        assert_eq!(
            Quoted::bytes("Zugriff verweigert: Köln 東京".as_bytes()).as_str(),
            "Zugriff verweigert: Köln 東京"
        );
    }

    #[test]
    fn what_acts_on_a_terminal_or_a_reader_is_gone() {
        let hostile = "a\u{1b}[2J\r\nb\u{202e}c\u{9b}d\u{2028}e\u{feff}\0";
        assert_eq!(Quoted::text(hostile).as_str(), "a·[2J··b·c·d·e··");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let text = Quoted::bytes(&vec![b'x'; 1 << 20]);
        assert_eq!(text.as_str().chars().count(), MAX_CHARS + 1);
        assert!(text.as_str().ends_with('…'));
        assert_eq!(Quoted::text(&"é".repeat(MAX_CHARS)).as_str().chars().count(), MAX_CHARS);
    }

    #[test]
    fn bytes_that_are_no_text_become_a_mark() {
        assert_eq!(Quoted::bytes(b"a\xff\xfeb").as_str(), "a\u{fffd}\u{fffd}b");
    }
}

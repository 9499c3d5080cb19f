//! Text that a stranger wrote.

use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::{Deserialize, Deserializer, Serialize};

/// Longest text that is kept of what a server says in one place.
pub const MAX_CHARS: usize = 256;

/// Most marks that stand on one letter; Hebrew with vowels and cantillation needs three.
pub const MAX_MARKS: usize = 4;

/// What becomes a dot: characters that act on a reader (controls, line separators, turns of the
/// direction of writing) and ones that nobody sees (zero width, fillers, tags); a mark with no
/// letter of its own to stand on; and the marks that are too many, which would cover the lines
/// above and below.
static HARMFUL: LazyLock<Regex> = LazyLock::new(|| {
    let unseen =
        r"\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}";
    let mark = format!(r"[\p{{M}}--[{unseen}]]");
    let source = format!(r"[{unseen}]|\A{mark}|({mark}{{{MAX_MARKS}}}){mark}+");
    Regex::new(&source).unwrap_or_else(|error| unreachable!("{source} is legal: {error}"))
});

/// What a server said, cut to a length and stripped of what could act on its reader.
///
/// Made where the bytes come in, so that no sink can forget it: a terminal, a log line or a page
/// shows the text and does not obey it. Each sink still escapes its own syntax.
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
        let end = text.char_indices().nth(MAX_CHARS).map(|(at, _)| at);
        let kept = end.and_then(|end| text.get(..end)).unwrap_or(text);
        let mut kept = harmless(kept);
        if more || end.is_some() {
            kept.push('…');
        }
        Self(kept.into())
    }
}

fn harmless(text: &str) -> String {
    // Nearly all that servers write, and not worth a search.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let dotted = HARMFUL.replace_all(text, |found: &Captures<'_>| {
        found.get(1).map_or_else(|| "·".to_owned(), |marks| format!("{}·", marks.as_str()))
    });
    dotted.into_owned()
}

impl<'de> Deserialize<'de> for Quoted {
    /// As it was stored, or as a stranger sends it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::text(&text))
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
    use proptest::{prop_assert, prop_assert_eq, proptest};

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
    fn what_nobody_sees_is_shown() {
        // Soft hyphen, joiner, Hangul filler, variation selector, tag, interlinear anchor.
        for c in ['\u{ad}', '\u{200d}', '\u{3164}', '\u{fe0f}', '\u{e0041}', '\u{fff9}'] {
            assert_eq!(Quoted::text(&format!("a{c}b")).as_str(), "a·b", "{c:?}");
        }
    }

    #[test]
    fn marks_stay_on_their_letter() {
        assert_eq!(Quoted::text("Ko\u{308}ln").as_str(), "Ko\u{308}ln");
        let stack = "\u{30d}".repeat(MAX_MARKS);
        let tower = format!("a{}b", stack.repeat(5));
        assert_eq!(Quoted::text(&tower).as_str(), format!("a{stack}·b"));
        assert_eq!(Quoted::text("\u{338}x").as_str(), "·x", "it would strike out a quotation mark");
    }

    /// The standard library has tables of its own of what prints.
    #[test]
    fn only_what_prints_is_left() {
        // Shown as a box: it hides nothing.
        let boxed = Regex::new(r"[\p{Co}\p{Cn}]").unwrap();
        // The planes with scripts, symbols and tags; the others hold ideographs and boxes.
        let planes = ('\0'..='\u{1ffff}').chain('\u{e0000}'..='\u{e0fff}');
        for c in planes.filter(|c| !c.is_whitespace()) {
            // Behind a letter, since a mark prints on something.
            let text = format!("x{c}");
            let prints = text.escape_debug().count() == 2 || "\"'\\".contains(c);
            let kept = Quoted::text(&text).as_str() == text;
            assert!(prints || !kept || boxed.is_match(&text), "{:#x} is kept", c as u32);
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_short_and_shows_itself(bytes: Vec<u8>) {
            let quoted = Quoted::bytes(&bytes);
            let text = quoted.as_str();
            prop_assert!(text.chars().count() <= MAX_CHARS + 1);
            prop_assert!(!text.contains(char::is_control));
            prop_assert_eq!(&Quoted::text(text), &quoted, "quoting twice changes nothing");
            prop_assert_eq!(Quoted::text(&String::from_utf8_lossy(&bytes)), quoted);
        }

        #[test]
        fn texts_of_any_script_too(text in "\\PC{0,40}|[\\p{M}\\p{Cf}a ]{0,40}") {
            let quoted = Quoted::text(&text);
            prop_assert_eq!(Quoted::bytes(text.as_bytes()), quoted.clone());
            prop_assert_eq!(Quoted::text(quoted.as_str()), quoted);
        }
    }
}

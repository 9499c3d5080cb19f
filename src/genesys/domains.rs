//! The allowed domains of a deployment: which pages the list lets in. [`super::lint`] says what is
//! odd about one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::check::origin::{Expect, Origin};
use crate::outcome::quoted::Quoted;

/// Most entries of a list that are read. Of one with more, nobody can say whom it refuses.
pub const MAX_ENTRIES: usize = 4096;

/// By which rule an entry lets a page in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OriginMatch {
    /// The Messenger's: the host name alone, in any case, that of the entry or one below it.
    /// Scheme and port of the page play no part; an entry that has them lets nobody in.
    #[default]
    Genesys,
    /// Scheme, host and port of the page, exactly.
    Strict,
}

impl OriginMatch {
    /// The word in the config and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Genesys => "genesys",
            Self::Strict => "strict",
        }
    }
}

/// A list as a deployment has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
pub struct Domains {
    /// Whether every page gets in, whatever is listed.
    pub allow_all: bool,
    /// In their order.
    pub entries: Vec<Quoted>,
    /// Whether there are more than [`MAX_ENTRIES`].
    #[serde(default)]
    pub cut: bool,
}

impl Domains {
    /// Whether the list lets a page in; none where that cannot be told from it.
    pub fn predict(&self, origin: &Origin, rule: OriginMatch) -> Option<Expect> {
        match origin {
            _ if self.allow_all => Some(Expect::Allow),
            // Whether a client that sends no Origin gets in is not known of a list with entries.
            Origin::Absent => None,
            _ if self.entry_for(origin, rule).is_some() => Some(Expect::Allow),
            _ if self.cut => None,
            Origin::Null | Origin::Page(_) => Some(Expect::Deny),
        }
    }

    /// The entry that lets a page in.
    pub fn entry_for(&self, origin: &Origin, rule: OriginMatch) -> Option<&Quoted> {
        let Origin::Page(page) = origin else { return None };
        match rule {
            OriginMatch::Genesys => {
                let url = Url::parse(page).ok()?;
                let host = url.host_str()?;
                self.entries.iter().find(|entry| covers(entry.as_str(), host))
            }
            OriginMatch::Strict => {
                let same =
                    |entry: &&Quoted| entry.as_str().parse::<Origin>().as_ref() == Ok(origin);
                self.entries.iter().find(same)
            }
        }
    }

    /// What makes two lists say the same: the order, the case and repetitions do not.
    pub fn differs(&self, other: &Self) -> bool {
        let set = |domains: &Self| {
            let entries = domains.entries.iter().map(|entry| entry.as_str().to_ascii_lowercase());
            entries.collect::<BTreeSet<_>>()
        };
        self.allow_all != other.allow_all || self.cut != other.cut || set(self) != set(other)
    }

    /// What the other list has more and has less, for people.
    pub fn changes_to(&self, other: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if self.allow_all != other.allow_all {
            let word =
                if other.allow_all { "all domains allowed" } else { "only listed domains allowed" };
            changes.push(word.to_owned());
        }
        let missing = |from: &Self, of: &Self, sign: char, changes: &mut Vec<String>| {
            let known: BTreeSet<_> =
                from.entries.iter().map(|e| e.as_str().to_ascii_lowercase()).collect();
            let new =
                of.entries.iter().filter(|e| !known.contains(&e.as_str().to_ascii_lowercase()));
            let new: Vec<_> = new.collect();
            changes.extend(new.iter().take(MAX_NAMED).map(|entry| format!("{sign}{entry}")));
            if new.len() > MAX_NAMED {
                changes.push(format!("{sign}{} more", new.len() - MAX_NAMED));
            }
        };
        missing(self, other, '+', &mut changes);
        missing(other, self, '-', &mut changes);
        changes
    }
}

/// Entries of a difference that are named.
const MAX_NAMED: usize = 10;

/// Whether an entry lets a host in, by the Messenger's rule.
fn covers(entry: &str, host: &str) -> bool {
    let (entry, host) = (entry.to_ascii_lowercase(), host.to_ascii_lowercase());
    host == entry || host.strip_suffix(&entry).is_some_and(|below| below.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Domains {
        let entries = entries.iter().map(|entry| Quoted::text(entry)).collect();
        Domains { entries, ..Domains::default() }
    }

    fn predicted(entry: &str, origin: &str, rule: OriginMatch) -> Option<Expect> {
        list(&[entry]).predict(&origin.parse().unwrap(), rule)
    }

    #[test]
    fn the_messengers_rule_looks_at_the_host_alone() {
        for (entry, origin) in [
            ("shop.example", "https://shop.example"),
            ("shop.example", "http://shop.example:8080"),
            ("shop.example", "https://www.shop.example"),
            ("shop.example", "https://a.b.shop.example"),
            ("Shop.EXAMPLE", "https://shop.example"),
            ("xn--mnchen-3ya.example", "https://münchen.example"),
            ("localhost", "http://localhost:3000"),
            ("127.0.0.1", "http://127.0.0.1"),
            ("example", "https://shop.example"),
        ] {
            let seen = predicted(entry, origin, OriginMatch::Genesys);
            assert_eq!(seen, Some(Expect::Allow), "{entry} {origin}");
        }
        for (entry, origin) in [
            ("www.shop.example", "https://shop.example"),
            ("shop.example", "https://myshop.example"),
            ("shop.example", "https://shop.example.evil.test"),
            ("https://shop.example", "https://shop.example"),
            ("shop.example:443", "https://shop.example"),
            ("shop.example/", "https://shop.example"),
            ("*.shop.example", "https://www.shop.example"),
            (".shop.example", "https://www.shop.example"),
            ("münchen.example", "https://münchen.example"),
            (" shop.example", "https://shop.example"),
            ("", "https://shop.example"),
            ("shop.example", "null"),
        ] {
            let seen = predicted(entry, origin, OriginMatch::Genesys);
            assert_eq!(seen, Some(Expect::Deny), "{entry} {origin}");
        }
    }

    #[test]
    fn the_strict_rule_wants_the_whole_origin() {
        for (entry, origin, expect) in [
            ("https://shop.example", "https://shop.example", Expect::Allow),
            ("https://SHOP.example:443", "https://shop.example", Expect::Allow),
            ("https://shop.example", "http://shop.example", Expect::Deny),
            ("https://shop.example", "https://shop.example:8443", Expect::Deny),
            ("https://shop.example", "https://www.shop.example", Expect::Deny),
            ("https://shop.example/", "https://shop.example", Expect::Deny),
            ("shop.example", "https://shop.example", Expect::Deny),
        ] {
            let seen = predicted(entry, origin, OriginMatch::Strict);
            assert_eq!(seen, Some(expect), "{entry} {origin}");
        }
    }

    #[test]
    fn what_a_list_does_not_say_is_not_predicted() {
        let everybody = Domains { allow_all: true, ..Domains::default() };
        for origin in [Origin::Absent, Origin::Null, Origin::Page("https://a.example".into())] {
            assert_eq!(everybody.predict(&origin, OriginMatch::Genesys), Some(Expect::Allow));
        }
        let nobody = Domains::default();
        assert_eq!(nobody.predict(&Origin::Absent, OriginMatch::Genesys), None);
        assert_eq!(nobody.predict(&Origin::Null, OriginMatch::Genesys), Some(Expect::Deny));
        let cut = Domains { cut: true, ..list(&["a.example"]) };
        let page = |text: &str| Origin::Page(text.to_owned());
        let predict = |origin| cut.predict(&origin, OriginMatch::Genesys);
        assert_eq!(predict(page("https://b.example")), None);
        assert_eq!(predict(page("https://a.example")), Some(Expect::Allow));
    }

    #[test]
    fn a_difference_is_told_and_an_order_is_none() {
        let before = list(&["a.example", "B.example"]);
        assert!(!before.differs(&list(&["b.example", "a.example", "a.example"])));
        let after = Domains { allow_all: true, ..list(&["b.example", "c.example"]) };
        assert!(before.differs(&after));
        assert_eq!(before.changes_to(&after), ["all domains allowed", "+c.example", "-a.example"]);
        let many: Vec<_> = (0..30).map(|n| format!("h{n}.example")).collect();
        let many = list(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(list(&[]).changes_to(&many).last().unwrap(), "+20 more");
    }
}

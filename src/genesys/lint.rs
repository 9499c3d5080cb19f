//! What is odd about a list of allowed domains.

use std::collections::BTreeSet;

use serde::Serialize;

use super::domains::{Domains, OriginMatch};
use crate::check::origin::Origin;
use crate::outcome::code::codes;
use crate::outcome::quoted::Quoted;

codes! {
    /// What is odd about a list, or about one of its entries.
    Oddity
    BlocksAll "blocks_all"
        "The list is empty, and not all domains are allowed: no page gets in."
        "Add the host names of the pages."
    AllowsAll "allows_all"
        "All domains are allowed: any page on the web may open conversations."
        "List the host names of the pages, unless this is meant."
    Ignored "ignored"
        "All domains are allowed, and yet there are entries, which do nothing."
        "Remove them, or stop allowing all domains."
    Cut "cut"
        "The list is longer than what is read: nobody can say whom it refuses."
        "List parent domains: they cover what is below them."
    Scheme "scheme"
        "The entry has a scheme: it never matches, and its page is kept out."
        "Write the host name alone."
    Port "port"
        "The entry has a port: it never matches, and its page is kept out."
        "Write the host name alone: pages on all of its ports get in."
    Path "path"
        "The entry has a path: it never matches, and its page is kept out."
        "Write the host name alone."
    Wildcard "wildcard"
        "The entry has a *, which stands for nothing here: it never matches."
        "Write the parent domain: it covers what is below it."
    LeadingDot "leading_dot"
        "The entry begins with a dot: it never matches."
        "Write it without: it covers what is below it all the same."
    NotAscii "not_ascii"
        "The entry is not in ASCII, as browsers spell host names: it never matches."
        "Write it as the address bar's host is sent: xn--…"
    NotAHost "not_a_host"
        "The entry is no host name: it never matches."
        "Look for blanks and slips of the hand."
    NoScheme "no_scheme"
        "The entry is no whole origin: by the strict rule it never matches."
        "Write scheme, host and port as the page sends them, or set origin-match = \"genesys\"."
    UpperCase "upper_case"
        "The entry has capitals: the Messenger does not mind, other readers of the list may."
        "Write it in lower case."
    Duplicate "duplicate"
        "The entry stands in the list already."
        "Remove one."
    Covered "covered"
        "The entry is covered by another one, which lets in all that is below it."
        "Remove it, or the other one where that is too wide."
    TooWide "too_wide"
        "The entry is a single label: every host below it gets in, strangers' too."
        "List the domains that are yours."
    Local "local"
        "The entry is a developer's own machine: any program there may open conversations."
        "Keep it to a deployment for tests."
    WwwAlone "www_alone"
        "The entry begins with www., and its parent is not listed: the page without www. is kept out."
        "List the parent alone: it covers www. too."
}

impl Oddity {
    /// Whether pages are kept out, or let in, that are not meant to be.
    pub fn is_grave(self) -> bool {
        !matches!(self, Self::UpperCase | Self::Duplicate | Self::Covered | Self::WwwAlone)
    }
}

/// One oddity, where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// What it is.
    pub oddity: Oddity,
    /// The entry, where it is one's.
    pub entry: Option<Quoted>,
    /// What to write instead, or which other entry it is about.
    pub instead: Option<Quoted>,
}

/// Everything that is odd about a list.
pub fn lint(domains: &Domains, rule: OriginMatch) -> Vec<Remark> {
    let whole = |oddity| Remark { oddity, entry: None, instead: None };
    let mut remarks = Vec::new();
    match (domains.allow_all, domains.entries.is_empty()) {
        (true, true) => remarks.push(whole(Oddity::AllowsAll)),
        (true, false) => remarks.extend([whole(Oddity::AllowsAll), whole(Oddity::Ignored)]),
        (false, true) => remarks.push(whole(Oddity::BlocksAll)),
        (false, false) => {}
    }
    if domains.cut {
        remarks.push(whole(Oddity::Cut));
    }
    let effective: BTreeSet<String> =
        domains.entries.iter().filter_map(|entry| working(entry.as_str(), rule)).collect();
    let mut seen = BTreeSet::new();
    for entry in &domains.entries {
        let mut add = |oddity, instead: Option<&str>| {
            let (entry, instead) = (Some(entry.clone()), instead.map(Quoted::text));
            remarks.push(Remark { oddity, entry, instead });
        };
        let text = entry.as_str();
        match rule {
            OriginMatch::Genesys => {
                let (host, wrong) = taken_apart(text);
                if !wrong.is_empty() {
                    let instead = Some(host.as_str()).filter(|host| working(host, rule).is_some());
                    wrong.into_iter().for_each(|oddity| add(oddity, instead));
                    continue;
                }
                if text != host {
                    add(Oddity::UpperCase, Some(&host));
                }
                if is_local(&host) {
                    add(Oddity::Local, None);
                } else if !host.contains('.') {
                    add(Oddity::TooWide, None);
                }
                let parent = parents(&host).find(|parent| effective.contains(*parent));
                match (parent, host.strip_prefix("www.")) {
                    _ if !seen.insert(host.clone()) => add(Oddity::Duplicate, None),
                    (Some(parent), _) => add(Oddity::Covered, Some(parent)),
                    (None, Some(parent)) => add(Oddity::WwwAlone, Some(parent)),
                    (None, None) => {}
                }
            }
            OriginMatch::Strict => match text.parse() {
                Ok(Origin::Page(page)) => {
                    if !seen.insert(page) {
                        add(Oddity::Duplicate, None);
                    }
                }
                _ => add(Oddity::NoScheme, None),
            },
        }
    }
    remarks
}

/// What keeps everybody out, where a list does that; none where somebody gets in, or may.
pub fn shuts_out(domains: &Domains, rule: OriginMatch) -> Option<Oddity> {
    let works = |entry: &Quoted| working(entry.as_str(), rule).is_some();
    if domains.allow_all || domains.cut || domains.entries.iter().any(works) {
        return None;
    }
    lint(domains, rule).first().map(|remark| remark.oddity)
}

/// An entry as it lets pages in; none where it lets in nobody.
pub fn working(entry: &str, rule: OriginMatch) -> Option<String> {
    match rule {
        OriginMatch::Genesys => {
            let (host, wrong) = taken_apart(entry);
            wrong.is_empty().then_some(host)
        }
        OriginMatch::Strict => match entry.parse() {
            Ok(Origin::Page(page)) => Some(page),
            _ => None,
        },
    }
}

/// The host inside an entry, in lower case, and what keeps the entry from matching.
fn taken_apart(entry: &str) -> (String, Vec<Oddity>) {
    let mut wrong = Vec::new();
    let rest = match entry.split_once("://") {
        Some((_, rest)) => {
            wrong.push(Oddity::Scheme);
            rest
        }
        None => entry,
    };
    let authority = match rest.split_once(['/', '?', '#']) {
        Some((authority, _)) => {
            wrong.push(Oddity::Path);
            authority
        }
        None => rest,
    };
    let host = match authority.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.ends_with(']') => {
            wrong.push(Oddity::Port);
            host
        }
        _ => authority,
    };
    let host = host.to_ascii_lowercase();
    let legal =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '[' | ']' | ':');
    if host.contains('*') {
        wrong.push(Oddity::Wildcard);
    } else if host.starts_with('.') {
        wrong.push(Oddity::LeadingDot);
    } else if !host.is_ascii() {
        wrong.push(Oddity::NotAscii);
    } else if host.is_empty() || host.ends_with('.') || !host.chars().all(legal) {
        wrong.push(Oddity::NotAHost);
    }
    let host = host.trim_start_matches("*.").trim_start_matches('.').trim().to_owned();
    let host = match host.is_ascii() {
        true => host,
        // What the browser makes of it.
        false => url::Host::parse(&host).map_or(host, |host| host.to_string()),
    };
    (host, wrong)
}

fn is_local(host: &str) -> bool {
    let local = |name: &str| name == "localhost" || name.ends_with(".localhost");
    local(host) || host.starts_with("127.") || host == "[::1]"
}

/// The domains above a host.
fn parents(host: &str) -> impl Iterator<Item = &str> {
    host.match_indices('.').filter_map(|(at, _)| host.get(at + 1..))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linted(entries: &[&str], rule: OriginMatch) -> Vec<(Oddity, Option<String>)> {
        let entries = entries.iter().map(|entry| Quoted::text(entry)).collect();
        let domains = Domains { entries, ..Domains::default() };
        let remarks = lint(&domains, rule).into_iter();
        remarks.map(|remark| (remark.oddity, remark.instead.map(|text| text.to_string()))).collect()
    }

    #[test]
    fn every_oddity_of_an_entry_is_found() {
        let some = |text: &str| Some(text.to_owned());
        for (entry, found) in [
            ("shop.example", vec![]),
            ("https://shop.example", vec![(Oddity::Scheme, some("shop.example"))]),
            ("shop.example:443", vec![(Oddity::Port, some("shop.example"))]),
            ("shop.example/cart", vec![(Oddity::Path, some("shop.example"))]),
            (
                "https://shop.example:8443/",
                vec![
                    (Oddity::Scheme, some("shop.example")),
                    (Oddity::Path, some("shop.example")),
                    (Oddity::Port, some("shop.example")),
                ],
            ),
            ("*.shop.example", vec![(Oddity::Wildcard, some("shop.example"))]),
            ("*", vec![(Oddity::Wildcard, None)]),
            (".shop.example", vec![(Oddity::LeadingDot, some("shop.example"))]),
            ("münchen.example", vec![(Oddity::NotAscii, some("xn--mnchen-3ya.example"))]),
            (" shop.example", vec![(Oddity::NotAHost, some("shop.example"))]),
            ("", vec![(Oddity::NotAHost, None)]),
            ("shop example", vec![(Oddity::NotAHost, None)]),
            ("Shop.example", vec![(Oddity::UpperCase, some("shop.example"))]),
            ("localhost", vec![(Oddity::Local, None)]),
            ("127.0.0.1", vec![(Oddity::Local, None)]),
            ("[::1]", vec![(Oddity::Local, None)]),
            ("example", vec![(Oddity::TooWide, None)]),
            ("www.shop.example", vec![(Oddity::WwwAlone, some("shop.example"))]),
        ] {
            assert_eq!(linted(&[entry], OriginMatch::Genesys), found, "{entry}");
        }
    }

    #[test]
    fn entries_are_held_against_each_other() {
        let found = linted(
            &[
                "shop.example",
                "a.b.shop.example",
                "SHOP.example",
                "www.shop.example",
                "https://shop.example",
            ],
            OriginMatch::Genesys,
        );
        let some = |text: &str| Some(text.to_owned());
        let expected = [
            (Oddity::Covered, some("shop.example")),
            (Oddity::UpperCase, some("shop.example")),
            (Oddity::Duplicate, None),
            (Oddity::Covered, some("shop.example")),
            (Oddity::Scheme, some("shop.example")),
        ];
        assert_eq!(found, expected);
        assert_eq!(linted(&["b.example", "a.example"], OriginMatch::Genesys), []);
        let dead = linted(&["*.shop.example", "a.shop.example"], OriginMatch::Genesys);
        assert_eq!(dead.len(), 1, "what never matches covers nothing: {dead:?}");
    }

    #[test]
    fn a_list_as_a_whole_may_be_odd() {
        let oddities = |domains: &Domains| -> Vec<_> {
            lint(domains, OriginMatch::Genesys).into_iter().map(|remark| remark.oddity).collect()
        };
        let entries = vec![Quoted::text("shop.example")];
        assert_eq!(oddities(&Domains::default()), [Oddity::BlocksAll]);
        let all = Domains { allow_all: true, ..Domains::default() };
        assert_eq!(oddities(&all), [Oddity::AllowsAll]);
        assert_eq!(
            oddities(&Domains { entries: entries.clone(), ..all }),
            [Oddity::AllowsAll, Oddity::Ignored]
        );
        assert_eq!(oddities(&Domains { entries, cut: true, allow_all: false }), [Oddity::Cut]);
    }

    #[test]
    fn a_list_that_lets_nobody_in_is_known_by_what_is_wrong_with_it() {
        let shut = |entries: &[&str], rule| {
            let entries = entries.iter().map(|entry| Quoted::text(entry)).collect();
            shuts_out(&Domains { entries, ..Domains::default() }, rule)
        };
        let genesys = |entries: &[&str]| shut(entries, OriginMatch::Genesys);
        assert_eq!(genesys(&[]), Some(Oddity::BlocksAll));
        assert_eq!(genesys(&["https://shop.example"]), Some(Oddity::Scheme));
        assert_eq!(genesys(&["*.a.example", "b.example:443"]), Some(Oddity::Wildcard));
        assert_eq!(genesys(&["https://shop.example", "shop.example"]), None);
        assert_eq!(shut(&["shop.example"], OriginMatch::Strict), Some(Oddity::NoScheme));
        assert_eq!(shut(&["https://shop.example"], OriginMatch::Strict), None);
        let all = Domains { allow_all: true, ..Domains::default() };
        assert_eq!(shuts_out(&all, OriginMatch::Genesys), None);
        let cut = Domains { cut: true, ..Domains::default() };
        assert_eq!(shuts_out(&cut, OriginMatch::Genesys), None, "the rest was not read");
    }

    #[test]
    fn the_strict_rule_has_its_own_slips() {
        let strict = |entries: &[&str]| linted(entries, OriginMatch::Strict);
        assert_eq!(strict(&["https://shop.example", "http://localhost:3000"]), []);
        assert_eq!(strict(&["shop.example"]), [(Oddity::NoScheme, None)]);
        assert_eq!(
            strict(&["https://a.example", "https://A.example:443"]),
            [(Oddity::Duplicate, None)]
        );
    }

    #[test]
    fn whatever_matches_has_no_grave_oddity_and_the_other_way_round() {
        let rule = OriginMatch::Genesys;
        for entry in [
            "shop.example",
            "A.b",
            "x_y.example",
            "[::1]",
            "https://a",
            "a:1",
            "a/b",
            "*.a",
            ".a",
            "ä.b",
            "",
        ] {
            let domains = Domains { entries: vec![Quoted::text(entry)], ..Domains::default() };
            let host = taken_apart(entry).0;
            let page = format!("https://{host}").parse();
            let lets_in = page.is_ok_and(|page| domains.entry_for(&page, rule).is_some());
            assert_eq!(working(entry, rule).is_some(), lets_in, "{entry:?}");
        }
    }
}

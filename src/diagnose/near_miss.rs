//! Spellings that are nearly the origin of a page: what an allow list may hold in its place.

use url::{Host, Url};

use crate::check::origin::Origin;

/// Most other pages that are tried: one that gets in says enough.
const MAX_OTHERS: usize = 2;

/// How a spelling differs from what the page sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// Not at all.
    AsSent,
    /// It is another page that must get in there.
    OtherPage,
    /// `http` for `https`, or the other way.
    OtherScheme,
    /// With `www.` where the page has none, or without.
    Www,
    /// With the port that goes without saying.
    ImpliedPort,
    /// Without the port of the page.
    WithoutPort,
    /// With a slash at the end.
    TrailingSlash,
    /// The domain above.
    Parent,
    /// A name below.
    Subdomain,
    /// In capitals.
    Capitals,
    /// The host alone, without a scheme.
    HostAlone,
    /// The literal `null`.
    Null,
    /// No `Origin` at all.
    Absent,
    /// A page that nobody can have on a list.
    Foreign,
}

impl Spelling {
    /// The word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsSent => "as_sent",
            Self::OtherPage => "other_page",
            Self::OtherScheme => "other_scheme",
            Self::Www => "www",
            Self::ImpliedPort => "implied_port",
            Self::WithoutPort => "without_port",
            Self::TrailingSlash => "trailing_slash",
            Self::Parent => "parent",
            Self::Subdomain => "subdomain",
            Self::Capitals => "capitals",
            Self::HostAlone => "host_alone",
            Self::Null => "null",
            Self::Absent => "none",
            Self::Foreign => "foreign",
        }
    }

    /// What it shows when a server lets it in, and not what the page sends.
    pub fn lesson(self) -> &'static str {
        match self {
            Self::AsSent => "The same origin was let in another time: nodes, or minutes, differ.",
            Self::OtherPage => {
                "Another page that must get in does: the door works, and this page is not on its list."
            }
            Self::OtherScheme => {
                "The allow list has the other scheme: to a browser, http and https are two origins."
            }
            Self::Www => {
                "The allow list has the name with or without www.: to a browser these are two origins."
            }
            Self::ImpliedPort => {
                "The allow list has the port, which no browser sends where it is the scheme's own."
            }
            Self::WithoutPort => {
                "The allow list lacks the port, which a browser sends where it is not the scheme's own."
            }
            Self::TrailingSlash => "The allow list has a slash at the end, which no browser sends.",
            Self::Parent => {
                "The allow list has the domain above, which does not stand for the names below it."
            }
            Self::Subdomain => {
                "The allow list takes any name below this one, and not this one itself: a wildcard does not cover its own domain."
            }
            Self::Capitals => {
                "The allow list has capitals, and is compared letter by letter; browsers send lower case."
            }
            Self::HostAlone => {
                "The allow list has the host alone, and is compared with the whole origin."
            }
            Self::Null => {
                "The server lets sandboxed frames and local files in: any page can make such a frame."
            }
            Self::Absent => {
                "The server lets in who sends no Origin, as a script or a native app does: a test without a browser proves nothing."
            }
            Self::Foreign => {
                "The server lets in pages that nobody can have put on a list: its list may be one of those that are refused."
            }
        }
    }
}

/// A spelling, and what it puts into the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// How it differs.
    pub spelling: Spelling,
    /// What is sent. Not always what a browser would ever send.
    pub origin: Origin,
}

impl NearMiss {
    fn new(spelling: Spelling, text: String) -> Self {
        Self { spelling, origin: Origin::Page(text) }
    }
}

/// Who is worth a try: other pages that must get in, then the spellings, the likeliest first; none
/// twice.
pub fn near_misses(origin: &Origin, others: &[Origin]) -> Vec<NearMiss> {
    let other =
        |origin: &Origin| NearMiss { spelling: Spelling::OtherPage, origin: origin.clone() };
    let mut all: Vec<_> = others.iter().take(MAX_OTHERS).map(other).collect();
    if let Origin::Page(ascii) = origin
        && let Ok(url) = Url::parse(ascii)
    {
        all.extend(of_page(&url, ascii));
    }
    all.push(NearMiss { spelling: Spelling::Absent, origin: Origin::Absent });
    all.push(NearMiss { spelling: Spelling::Null, origin: Origin::Null });
    // RFC 6761: nobody can own a name below .invalid.
    all.push(NearMiss::new(Spelling::Foreign, "https://watchpost.invalid".to_owned()));
    let mut kept: Vec<NearMiss> = Vec::with_capacity(all.len());
    for one in all {
        if one.origin != *origin && !kept.iter().any(|known| known.origin == one.origin) {
            kept.push(one);
        }
    }
    kept
}

fn of_page(url: &Url, ascii: &str) -> Vec<NearMiss> {
    let (Some(host), scheme) = (url.host_str(), url.scheme()) else { return Vec::new() };
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    let at = |host: &str| format!("{scheme}://{host}{port}");
    let mut all = Vec::new();
    let mut add = |spelling, text| all.push(NearMiss::new(spelling, text));
    match scheme {
        "https" => add(Spelling::OtherScheme, format!("http://{host}{port}")),
        "http" => add(Spelling::OtherScheme, format!("https://{host}{port}")),
        _ => {}
    }
    let name = matches!(url.host(), Some(Host::Domain(_))) && host.contains('.');
    let bare = host.strip_prefix("www.");
    if name {
        add(Spelling::Www, bare.map_or_else(|| at(&format!("www.{host}")), at));
    }
    match (url.port(), url.port_or_known_default()) {
        (None, Some(implied)) => {
            add(Spelling::ImpliedPort, format!("{scheme}://{host}:{implied}"));
        }
        (Some(_), _) => add(Spelling::WithoutPort, format!("{scheme}://{host}")),
        (None, None) => {}
    }
    add(Spelling::TrailingSlash, format!("{ascii}/"));
    if name {
        if let Some((_, parent)) = host.split_once('.').filter(|(_, up)| up.contains('.'))
            && bare.is_none()
        {
            add(Spelling::Parent, at(parent));
        }
        add(Spelling::Subdomain, at(&format!("watchpost.{}", bare.unwrap_or(host))));
    }
    add(Spelling::Capitals, at(&host.to_ascii_uppercase()));
    add(Spelling::HostAlone, format!("{host}{port}"));
    all
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::{prop_assert, proptest};

    use super::*;

    fn sent(origin: &str) -> Vec<(Spelling, String)> {
        let misses = near_misses(&origin.parse().unwrap(), &[]).into_iter();
        misses.map(|miss| (miss.spelling, miss.origin.to_string())).collect()
    }

    #[test]
    fn a_page_with_www_has_all_its_neighbours() {
        use Spelling::*;
        let expected = [
            (OtherScheme, "http://www.shop.example"),
            (Www, "https://shop.example"),
            (ImpliedPort, "https://www.shop.example:443"),
            (TrailingSlash, "https://www.shop.example/"),
            (Subdomain, "https://watchpost.shop.example"),
            (Capitals, "https://WWW.SHOP.EXAMPLE"),
            (HostAlone, "www.shop.example"),
            (Absent, "none"),
            (Null, "null"),
            (Foreign, "https://watchpost.invalid"),
        ];
        assert_eq!(
            sent("https://www.shop.example"),
            expected.map(|(spelling, text)| (spelling, text.to_owned()))
        );
    }

    #[test]
    fn a_page_below_a_domain_with_a_port_of_its_own() {
        let all = sent("http://m.shop.example:8080");
        for (spelling, text) in [
            (Spelling::OtherScheme, "https://m.shop.example:8080"),
            (Spelling::Www, "http://www.m.shop.example:8080"),
            (Spelling::WithoutPort, "http://m.shop.example"),
            (Spelling::Parent, "http://shop.example:8080"),
        ] {
            assert!(all.contains(&(spelling, text.to_owned())), "{text}");
        }
        assert!(!all.iter().any(|(spelling, _)| *spelling == Spelling::ImpliedPort));
    }

    #[test]
    fn an_address_has_no_neighbours_among_names() {
        for origin in ["http://127.0.0.1:3000", "http://[::1]", "http://localhost:3000"] {
            assert!(!sent(origin).iter().any(|(spelling, _)| matches!(
                spelling,
                Spelling::Www | Spelling::Parent | Spelling::Subdomain
            )));
        }
        assert_eq!(sent("null").len(), 2);
        assert_eq!(sent("none").len(), 2);
    }

    proptest! {
        #[test]
        fn no_spelling_is_the_page_itself_or_breaks_the_header(
            host in "[a-z]{1,8}(\\.[a-z]{1,8}){0,3}",
            port in proptest::option::of(1_u16..),
            secure: bool,
        ) {
            let scheme = if secure { "https" } else { "http" };
            let port = port.map_or(String::new(), |port| format!(":{port}"));
            let origin: Origin = format!("{scheme}://{host}{port}").parse().unwrap();
            let misses = near_misses(&origin, &[]);
            let distinct: HashSet<_> = misses.iter().map(|miss| miss.origin.to_string()).collect();
            prop_assert!(distinct.len() == misses.len() && misses.len() <= 13);
            for miss in misses {
                prop_assert!(miss.origin != origin);
                let text = miss.origin.to_string();
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
            }
        }
    }
}

//! Origins that look like an allowed one, or like none: a server that lets them in compares badly.

use url::{Host, Url};

use super::{Request, field};
use crate::check::origin::Origin;
use crate::outcome::header::Header;
use crate::outcome::quoted::Quoted;
use crate::outcome::warning::{Remark, Warning};

/// A name that nobody has: `.invalid` is kept free for that (RFC 6761).
const FOREIGN: &str = "watchpost.invalid";

/// A way to forge an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Forgery {
    /// An origin that has nothing to do with the allowed one.
    Foreign,
    /// The allowed host, and more behind it: `https://good.example.evil.example`.
    Suffix,
    /// The allowed host, and more before it: `https://evilgood.example`.
    Prefix,
    /// The literal `null`.
    Null,
}

impl Forgery {
    /// Every way, in the order of their turns.
    pub const ALL: [Self; 4] = [Self::Foreign, Self::Suffix, Self::Prefix, Self::Null];

    /// An origin that must not be taken for this one; `None` where there is no such.
    pub fn of(self, allowed: &Origin) -> Option<Origin> {
        let Origin::Page(text) = allowed else { return None };
        let url = Url::parse(text).ok()?;
        let host = match (url.host()?, self) {
            (_, Self::Null) => return Some(Origin::Null),
            (Host::Domain(name), _) => name.to_owned(),
            (Host::Ipv4(address), Self::Foreign | Self::Suffix) => address.to_string(),
            (Host::Ipv4(_) | Host::Ipv6(_), _) => return None,
        };
        let forged = match self {
            Self::Foreign | Self::Null => FOREIGN.to_owned(),
            Self::Suffix => format!("{host}.{FOREIGN}"),
            Self::Prefix => format!("watchpost{host}"),
        };
        let port = url.port().map_or(String::new(), |port| format!(":{port}"));
        Some(Origin::Page(format!("{}://{forged}{port}", url.scheme())))
    }

    fn warning(self) -> Warning {
        match self {
            Self::Foreign => Warning::CorsReflectsAnyOrigin,
            Self::Suffix => Warning::CorsOriginSuffixConfusion,
            Self::Prefix => Warning::CorsOriginPrefixConfusion,
            Self::Null => Warning::CorsNullOriginAllowed,
        }
    }
}

/// What came of one forged request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caught {
    /// The forged origin was named in the answer: `true` with cookies too.
    Named(bool),
    /// The answer is the one that the allowed page gets: the server asks nobody who they are.
    Alike,
    /// Neither.
    Refused,
}

/// Judges the answer to a request with a forged origin; `allowed` is the true one's.
pub fn judge(forged: &Request<'_>, allowed: &Origin, headers: &[Header<'_>]) -> Caught {
    let value = field::value(headers, "Access-Control-Allow-Origin");
    let is = |origin: &Origin| {
        value.as_deref().is_some_and(|value| Some(value) == origin.header().map(str::as_bytes))
    };
    if is(forged.origin) {
        let credentials = field::value(headers, "Access-Control-Allow-Credentials");
        Caught::Named(credentials.as_deref() == Some(b"true"))
    } else if is(allowed) {
        Caught::Alike
    } else {
        Caught::Refused
    }
}

/// What the last try of each forgery came to, of one check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried([Option<Caught>; Forgery::ALL.len()]);

impl Tried {
    /// Takes the outcome of a try in place of the one before.
    pub fn note(&mut self, forgery: Forgery, caught: Caught) {
        if let Some(slot) = self.0.get_mut(forgery as usize) {
            *slot = Some(caught);
        }
    }

    /// Whether the server is known to answer everybody alike: then nothing varies.
    pub fn answers_alike(&self) -> bool {
        self.0.contains(&Some(Caught::Alike))
    }

    /// The findings: who lets everybody in confuses nobody in particular.
    pub fn remarks(&self, allowed: &Origin) -> Vec<Remark> {
        let found = Forgery::ALL.into_iter().zip(&self.0).filter_map(|(forgery, caught)| {
            let Some(Caught::Named(credentials)) = caught else { return None };
            let origin = Quoted::text(&forgery.of(allowed)?.to_string());
            let cookies = if *credentials { ", with cookies" } else { "" };
            let evidence = format!("{origin} may read{cookies}");
            Some(Remark { warning: forgery.warning(), evidence })
        });
        let mut remarks: Vec<_> = found.collect();
        let any = |remark: &Remark| remark.warning == Warning::CorsReflectsAnyOrigin;
        if remarks.iter().any(any) {
            remarks.retain(any);
        }
        remarks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::fetch::Fetch;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn forgeries_keep_scheme_and_port() {
        let forged = |allowed: &str| {
            Forgery::ALL.map(|forgery| {
                forgery.of(&origin(allowed)).map_or("-".to_owned(), |forged| forged.to_string())
            })
        };
        assert_eq!(
            forged("https://good.example"),
            [
                "https://watchpost.invalid",
                "https://good.example.watchpost.invalid",
                "https://watchpostgood.example",
                "null"
            ]
        );
        assert_eq!(forged("http://good.example:8080")[2], "http://watchpostgood.example:8080");
        assert_eq!(forged("http://[::1]:8080"), ["-", "-", "-", "null"]);
        assert_eq!(
            forged("http://127.0.0.1")[1..],
            ["http://127.0.0.1.watchpost.invalid", "-", "null"]
        );
        assert_eq!(forged("null"), ["-"; 4]);
    }

    fn caught(forgery: Forgery, lines: &[(&str, &str)]) -> Caught {
        let allowed = origin("https://good.example");
        let forged = forgery.of(&allowed).unwrap();
        let fetch = Fetch::default();
        let headers: Vec<_> =
            lines.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        judge(&Request { origin: &forged, fetch: &fetch }, &allowed, &headers)
    }

    #[test]
    fn only_who_is_named_is_caught() {
        let name = "access-control-allow-origin";
        let cookies = ("Access-Control-Allow-Credentials", "true");
        let foreign = "https://watchpost.invalid";
        assert_eq!(caught(Forgery::Foreign, &[]), Caught::Refused);
        assert_eq!(caught(Forgery::Foreign, &[(name, "*")]), Caught::Refused, "meant for all");
        assert_eq!(caught(Forgery::Foreign, &[(name, foreign)]), Caught::Named(false));
        assert_eq!(caught(Forgery::Foreign, &[(name, foreign), cookies]), Caught::Named(true));
        assert_eq!(caught(Forgery::Null, &[(name, "null")]), Caught::Named(false));
        assert_eq!(caught(Forgery::Suffix, &[(name, "https://good.example")]), Caught::Alike);
    }

    #[test]
    fn who_reflects_everything_is_told_of_that_alone() {
        let allowed = origin("https://good.example");
        let mut tried = Tried::default();
        tried.note(Forgery::Suffix, Caught::Named(true));
        tried.note(Forgery::Null, Caught::Named(false));
        let codes = |tried: &Tried| -> Vec<_> {
            tried.remarks(&allowed).iter().map(|remark| remark.warning.code()).collect()
        };
        assert_eq!(codes(&tried), ["cors_origin_suffix_confusion", "cors_null_origin_allowed"]);
        let told = &tried.remarks(&allowed)[0].evidence;
        assert_eq!(told, "https://good.example.watchpost.invalid may read, with cookies");
        tried.note(Forgery::Foreign, Caught::Named(false));
        assert_eq!(codes(&tried), ["cors_reflects_any_origin"]);
        tried.note(Forgery::Foreign, Caught::Refused);
        tried.note(Forgery::Suffix, Caught::Refused);
        assert_eq!(codes(&tried), ["cors_null_origin_allowed"]);
        assert!(!tried.answers_alike());
        tried.note(Forgery::Prefix, Caught::Alike);
        assert!(tried.answers_alike());
    }

    proptest! {
        #[test]
        fn a_forgery_is_an_origin_and_another_one(text in "https?://[a-z0-9]{1,9}(\\.[a-z]{2,5}){0,2}(:[1-9][0-9]{3})?") {
            let parsed: Result<Origin, _> = text.parse();
            prop_assume!(parsed.is_ok());
            let allowed = parsed.unwrap();
            for forged in Forgery::ALL.into_iter().filter_map(|forgery| forgery.of(&allowed)) {
                prop_assert_ne!(&forged, &allowed);
                prop_assert_eq!(forged.to_string().parse::<Origin>(), Ok(forged));
            }
        }
    }
}

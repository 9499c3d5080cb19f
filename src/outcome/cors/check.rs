//! The CORS check: whether an answer names the page that asks.

use crate::outcome::header::Header;
use url::Url;

use super::error::{Blocked, CorsError};
use super::{Readable, Request, field};
use crate::outcome::quoted::Quoted;

/// Judges the answer to the request itself.
pub(super) fn judge_response(
    request: &Request<'_>,
    status: u16,
    headers: &[Header<'_>],
) -> Result<Readable, Blocked> {
    check(request, headers)?;
    match redirect(status, headers) {
        None => Ok(Readable::Answer),
        Some(location) if has_credentials(&location) => {
            // Who may log in there is nobody's business.
            Err(Blocked::new(CorsError::RedirectContainsCredentials, None))
        }
        Some(_) => Ok(Readable::Redirect),
    }
}

/// The check that answers to requests and to preflights must pass alike.
pub(super) fn check(request: &Request<'_>, headers: &[Header<'_>]) -> Result<(), Blocked> {
    let with_credentials = request.fetch.credentials();
    let allowed = field::value(headers, "Access-Control-Allow-Origin");
    let origin = request.origin.header().unwrap_or("null");
    match &allowed {
        None => return Err(Blocked::new(CorsError::MissingAllowOriginHeader, None)),
        // Whoever sends cookies must be named.
        Some(value) if value == b"*" && with_credentials => {
            let found = Some(Quoted::bytes(value));
            return Err(Blocked::new(CorsError::WildcardOriginNotAllowed, found));
        }
        Some(value) if value == b"*" => return Ok(()),
        Some(value) if value != origin.as_bytes() => {
            return Err(Blocked::new(mismatch(value), Some(Quoted::bytes(value))));
        }
        Some(_) => {}
    }
    let credentials = field::value(headers, "Access-Control-Allow-Credentials");
    if with_credentials && credentials.as_deref() != Some(b"true") {
        let found = credentials.as_deref().map(Quoted::bytes);
        return Err(Blocked::new(CorsError::InvalidAllowCredentials, found));
    }
    Ok(())
}

/// What is wrong with a value that is not the page's origin, in Chromium's words.
fn mismatch(value: &[u8]) -> CorsError {
    if value.iter().any(|byte| matches!(byte, b' ' | b',')) {
        return CorsError::MultipleAllowOriginValues;
    }
    if value == b"null" || is_url(&String::from_utf8_lossy(value)) {
        CorsError::AllowOriginMismatch
    } else {
        CorsError::InvalidAllowOriginValue
    }
}

/// Whether Chromium reads a URL here. Unlike the standard, it does not look into names that are
/// Punycode already, and takes `%20` in a name.
fn is_url(text: &str) -> bool {
    match Url::parse(text) {
        Ok(_) => true,
        Err(url::ParseError::IdnaError | url::ParseError::InvalidDomainCharacter)
            if text.is_ascii() =>
        {
            let plain = text.to_ascii_lowercase().replace("xn--", "xn-x").replace("%20", "x");
            Url::parse(&plain).is_ok()
        }
        Err(_) => false,
    }
}

/// Where an answer sends the browser, if it is a redirect at all: one that names no place is none.
pub fn redirect(status: u16, headers: &[Header<'_>]) -> Option<Vec<u8>> {
    match status {
        301 | 302 | 303 | 307 | 308 => field::first(headers, "Location"),
        _ => None,
    }
}

/// `user:password@` in a place, which may be a part of a URL.
pub fn has_credentials(location: &[u8]) -> bool {
    let here = Url::parse("https://here.invalid/").ok();
    let location = String::from_utf8_lossy(location);
    let location = Url::options().base_url(here.as_ref()).parse(&location);
    location.is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::fetch::{Fetch, Method};
    use crate::check::origin::Origin;

    const PAGE: &str = "https://app.test:9101";

    fn judged(origin: &str, credentials: bool, lines: &[(&str, &str)]) -> Result<(), CorsError> {
        let origin: Origin = origin.parse().unwrap();
        let fetch = Fetch::new(Method::default(), Vec::new(), credentials).unwrap();
        let request = Request { origin: &origin, fetch: &fetch };
        let headers: Vec<_> =
            lines.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        check(&request, &headers).map_err(|blocked| blocked.error)
    }

    fn with_origin(value: &str) -> Result<(), CorsError> {
        judged(PAGE, false, &[("Access-Control-Allow-Origin", value)])
    }

    #[test]
    fn the_page_itself_or_everybody() {
        for value in [PAGE, " https://app.test:9101\t", "*", " * "] {
            assert_eq!(with_origin(value), Ok(()), "{value:?}");
        }
        let null = [("access-control-allow-origin", "null")];
        assert_eq!(judged("null", false, &null), Ok(()));
        assert_eq!(judged("null", true, &null), Err(CorsError::InvalidAllowCredentials));
        assert_eq!(judged(PAGE, false, &null), Err(CorsError::AllowOriginMismatch));
    }

    #[test]
    fn nobody_or_somebody_else() {
        use CorsError as E;
        assert_eq!(judged(PAGE, false, &[]), Err(E::MissingAllowOriginHeader));
        for (value, error) in [
            ("", E::InvalidAllowOriginValue),
            ("app.test", E::InvalidAllowOriginValue),
            ("//app.test:9101", E::InvalidAllowOriginValue),
            ("true", E::InvalidAllowOriginValue),
            ("*.test", E::InvalidAllowOriginValue),
            ("https://", E::InvalidAllowOriginValue),
            ("Null", E::InvalidAllowOriginValue),
            ("https://app.test:9101/", E::AllowOriginMismatch),
            ("https://app.test", E::AllowOriginMismatch),
            ("HTTPS://APP.TEST:9101", E::AllowOriginMismatch),
            ("http://app.test:9101", E::AllowOriginMismatch),
            ("https://*.test", E::AllowOriginMismatch),
            ("localhost:3000", E::AllowOriginMismatch),
            ("*,*", E::MultipleAllowOriginValues),
            ("https://app.test:9101,", E::MultipleAllowOriginValues),
            ("https://app.test:9101 https://b.test", E::MultipleAllowOriginValues),
        ] {
            assert_eq!(with_origin(value), Err(error), "{value:?}");
        }
        let name = "Access-Control-Allow-Origin";
        for (first, second) in [("*", "*"), (PAGE, PAGE), (PAGE, ""), ("", "*")] {
            let several = judged(PAGE, false, &[(name, first), (name, second)]);
            assert_eq!(several, Err(E::MultipleAllowOriginValues), "{first:?}, {second:?}");
        }
    }

    /// As Chromium 156 told them apart.
    #[test]
    fn what_is_a_url_and_what_is_none() {
        for value in [
            "app.test:80",
            "http://*.test",
            "http://a\tb",
            "javascript:x",
            "x:",
            "file:",
            "http://a`b{}",
            "http://a'b\"!$&;=~_",
            "http:app.test",
            "http:\\\\app.test",
            "http://a..b",
            "http://.",
            "http://xn--a",
            "http://xn---.b",
            "http://a%20b",
            "foo://a%20b",
            "about:blank",
            "foo://",
            "chrome-extension://abc/",
        ] {
            assert_eq!(with_origin(value), Err(CorsError::AllowOriginMismatch), "{value:?}");
        }
        for value in [
            "//app.test",
            "http:",
            "http://a%zz",
            "http://a.test:99999",
            ":",
            "127.0.0.1:80",
            "http://a|b",
            "http://a^b",
            "\"http://app.test\"",
            "[http://app.test]",
            "http:///",
            "http://1.2.3.256",
            "foo://a<b>",
            "foo://:80",
            "foo://a:b",
            "https://u@/",
        ] {
            assert_eq!(with_origin(value), Err(CorsError::InvalidAllowOriginValue), "{value:?}");
        }
        let latin = [Header { name: "Access-Control-Allow-Origin", value: b"http://m\xfcnchen" }];
        let origin: Origin = PAGE.parse().unwrap();
        let request = Request { origin: &origin, fetch: &Fetch::default() };
        let error = check(&request, &latin).unwrap_err().error;
        assert_eq!(error, CorsError::InvalidAllowOriginValue);
    }

    #[test]
    fn whoever_sends_cookies_must_be_named_and_told_true() {
        use CorsError as E;
        let acao = "Access-Control-Allow-Origin";
        let acac = "Access-Control-Allow-Credentials";
        let star = judged(PAGE, true, &[(acao, "*"), (acac, "true")]);
        assert_eq!(star, Err(E::WildcardOriginNotAllowed));
        assert_eq!(judged(PAGE, true, &[(acao, PAGE), (acac, " true ")]), Ok(()));
        assert_eq!(judged(PAGE, true, &[(acao, PAGE)]), Err(E::InvalidAllowCredentials));
        for value in ["True", "TRUE", "1", "", "true, true"] {
            let judged = judged(PAGE, true, &[(acao, PAGE), (acac, value)]);
            assert_eq!(judged, Err(E::InvalidAllowCredentials), "{value:?}");
        }
        let twice = judged(PAGE, true, &[(acao, PAGE), (acac, "true"), (acac, "true")]);
        assert_eq!(twice, Err(E::InvalidAllowCredentials));
        assert_eq!(judged(PAGE, false, &[(acao, PAGE), (acac, "nonsense")]), Ok(()));
    }

    #[test]
    fn a_redirect_names_a_place_and_no_password() {
        let origin: Origin = PAGE.parse().unwrap();
        let fetch = Fetch::default();
        let request = Request { origin: &origin, fetch: &fetch };
        let judged = |status, location: &str| {
            let headers = [
                Header { name: "Access-Control-Allow-Origin", value: b"*" },
                Header { name: "Location", value: location.as_bytes() },
            ];
            judge_response(&request, status, &headers).map_err(|blocked| blocked.error)
        };
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(judged(status, "/b"), Ok(Readable::Redirect), "{status}");
        }
        for status in [200, 204, 300, 304, 305, 403, 500] {
            assert_eq!(judged(status, "/b"), Ok(Readable::Answer), "{status}");
        }
        assert_eq!(judged(302, ""), Ok(Readable::Answer));
        for location in ["https://me:pw@b.test/", "//me@b.test", "https://:pw@b.test"] {
            let error = Err(CorsError::RedirectContainsCredentials);
            assert_eq!(judged(302, location), error, "{location}");
        }
    }

    /// Hosts and ports as browsers write them.
    fn origins() -> impl Strategy<Value = String> {
        "https?://[a-z0-9]{1,9}(\\.[a-z]{2,5}){0,2}(:[1-9][0-9]{3})?"
    }

    proptest! {
        #[test]
        fn what_names_the_page_always_passes(origin in origins(), credentials: bool) {
            let parsed: Result<Origin, _> = origin.parse();
            prop_assume!(parsed.is_ok());
            let written = parsed.unwrap().to_string();
            let lines = [
                ("Access-Control-Allow-Origin", written.as_str()),
                ("Access-Control-Allow-Credentials", "true"),
            ];
            prop_assert_eq!(judged(&origin, credentials, &lines), Ok(()));
        }

        #[test]
        fn nothing_else_does(origin in origins(), value in "\\PC{0,40}", credentials: bool) {
            let parsed: Result<Origin, _> = origin.parse();
            prop_assume!(parsed.is_ok());
            let plain = value.trim_matches([' ', '\t']);
            prop_assume!(plain != parsed.unwrap().to_string() && plain != "*");
            let lines = [
                ("Access-Control-Allow-Origin", value.as_str()),
                ("Access-Control-Allow-Credentials", "true"),
            ];
            prop_assert!(judged(&origin, credentials, &lines).is_err());
        }

        #[test]
        fn what_passes_with_cookies_passes_without(
            lines in prop::collection::vec(("Access-Control-Allow-(Origin|Credentials)", "(\\*|true|null|https://a\\.test)?"), 0..4)
        ) {
            let lines: Vec<_> =
                lines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            if judged("https://a.test", true, &lines).is_ok() {
                prop_assert_eq!(judged("https://a.test", false, &lines), Ok(()));
            }
        }
    }
}

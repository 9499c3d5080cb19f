//! The answer to a preflight: whether the server lets the page ask at all.

use crate::outcome::header::Header;

use super::error::{Blocked, CorsError};
use super::{Request, check, field, request};
use crate::outcome::quoted::Quoted;

const METHODS: &str = "Access-Control-Allow-Methods";
const HEADERS: &str = "Access-Control-Allow-Headers";

/// Judges it, in the order in which Chromium does: the first thing that is wrong is told.
pub(super) fn judge(
    request: &Request<'_>,
    status: u16,
    headers: &[Header<'_>],
) -> Result<(), Blocked> {
    if let Some(location) = check::redirect(status, headers) {
        let found = (!check::has_credentials(&location)).then(|| Quoted::bytes(&location));
        return Err(Blocked::new(CorsError::PreflightDisallowedRedirect, found));
    }
    check::check(request, headers)
        .map_err(|blocked| Blocked { error: blocked.error.of_preflight(), ..blocked })?;
    if !(200..300).contains(&status) {
        return Err(Blocked::new(CorsError::PreflightInvalidStatus, None));
    }
    let methods = field::value(headers, METHODS);
    let names = field::value(headers, HEADERS);
    let allowed_methods = list(&methods, CorsError::InvalidAllowMethodsPreflightResponse)?;
    let allowed_names = list(&names, CorsError::InvalidAllowHeadersPreflightResponse)?;
    if !lets_method(request, &allowed_methods) {
        let found = methods.as_deref().map(Quoted::bytes);
        let blocked = Blocked::new(CorsError::MethodDisallowedByPreflightResponse, found);
        return Err(blocked.lacking(request.fetch.method().as_str()));
    }
    if let Some(missing) = first_missing(request, &allowed_names) {
        let found = names.as_deref().map(Quoted::bytes);
        let blocked = Blocked::new(CorsError::HeaderDisallowedByPreflightResponse, found);
        return Err(blocked.lacking(missing));
    }
    Ok(())
}

fn list(value: &Option<Vec<u8>>, error: CorsError) -> Result<Vec<&[u8]>, Blocked> {
    let value = value.as_deref().unwrap_or_default();
    field::tokens(value).ok_or_else(|| Blocked::new(error, Some(Quoted::bytes(value))))
}

/// Methods are compared byte by byte: `patch` is not `PATCH`.
fn lets_method(request: &Request<'_>, allowed: &[&[u8]]) -> bool {
    let method = request.fetch.method().as_str();
    request::is_safelisted_method(method)
        || allowed.contains(&method.as_bytes())
        || has_wildcard(request, allowed)
}

/// The first header that the page sends and the server does not allow.
///
/// The standard exempts `Authorization` from the wildcard; browsers do not.
fn first_missing<'a>(request: &Request<'a>, allowed: &[&[u8]]) -> Option<&'a str> {
    if has_wildcard(request, allowed) {
        return None;
    }
    let names = request::unsafe_names(request.fetch);
    names
        .into_iter()
        .find(|name| !allowed.iter().any(|known| known.eq_ignore_ascii_case(name.as_bytes())))
}

/// `*` is a wildcard for a request without cookies, and a name like any other for one with them.
fn has_wildcard(request: &Request<'_>, allowed: &[&[u8]]) -> bool {
    !request.fetch.credentials() && allowed.contains(&&b"*"[..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::fetch::Fetch;
    use crate::check::header;
    use crate::check::origin::Origin;

    const PAGE: &str = "https://app.test";
    const ORIGIN: (&str, &str) = ("Access-Control-Allow-Origin", PAGE);
    const COOKIES: (&str, &str) = ("Access-Control-Allow-Credentials", "true");

    struct Asked<'a> {
        method: &'a str,
        headers: &'a [&'a str],
        credentials: bool,
    }

    impl Asked<'_> {
        fn judged(&self, status: u16, lines: &[(&str, &str)]) -> Result<(), CorsError> {
            let origin: Origin = PAGE.parse().unwrap();
            let header = |name: &&str| header::Header::from_page(name, "1").unwrap();
            let headers = self.headers.iter().map(header).collect();
            let method = self.method.parse().unwrap();
            let fetch = Fetch::new(method, headers, self.credentials).unwrap();
            let request = Request { origin: &origin, fetch: &fetch };
            let lines: Vec<_> = lines
                .iter()
                .map(|(name, value)| Header { name, value: value.as_bytes() })
                .collect();
            judge(&request, status, &lines).map_err(|blocked| blocked.error)
        }
    }

    fn asked<'a>(method: &'a str, headers: &'a [&'a str]) -> Asked<'a> {
        Asked { method, headers, credentials: false }
    }

    #[test]
    fn only_a_good_status_is_good() {
        let status = |status| asked("POST", &[]).judged(status, &[ORIGIN]);
        for good in [200, 201, 204, 206, 226, 299] {
            assert_eq!(status(good), Ok(()), "{good}");
        }
        for bad in [101, 199, 300, 304, 400, 401, 403, 404, 405, 500, 502, 599] {
            assert_eq!(status(bad), Err(CorsError::PreflightInvalidStatus), "{bad}");
        }
        let missing = asked("POST", &[]).judged(403, &[]);
        assert_eq!(missing, Err(CorsError::PreflightMissingAllowOriginHeader));
    }

    #[test]
    fn no_redirect_is_followed() {
        let moved =
            |status, place| asked("PUT", &[]).judged(status, &[ORIGIN, ("Location", place)]);
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(moved(status, "/b"), Err(CorsError::PreflightDisallowedRedirect));
            assert_eq!(moved(status, ""), Err(CorsError::PreflightInvalidStatus));
        }
        assert_eq!(moved(304, "/b"), Err(CorsError::PreflightInvalidStatus));
    }

    #[test]
    fn methods_are_compared_byte_by_byte() {
        let method =
            |method, allowed| asked(method, &[]).judged(204, &[ORIGIN, (METHODS, allowed)]);
        for (sent, allowed) in [
            ("PUT", "PUT"),
            ("put", "GET, PUT"),
            ("PATCH", "*"),
            ("patch", "patch"),
            ("POST", ""),
            ("GET", "PUT"),
        ] {
            assert_eq!(method(sent, allowed), Ok(()), "{sent} by {allowed:?}");
        }
        for (sent, allowed) in [
            ("PUT", "put"),
            ("patch", "PATCH"),
            ("PATCH", "patch"),
            ("DELETE", ""),
            ("PUT", "PUTT"),
        ] {
            let error = Err(CorsError::MethodDisallowedByPreflightResponse);
            assert_eq!(method(sent, allowed), error, "{sent} by {allowed:?}");
        }
        for allowed in ["PUT POST", "PUT;", "\"PUT\"", "P\u{fc}T", "PUT, (x)"] {
            let error = Err(CorsError::InvalidAllowMethodsPreflightResponse);
            assert_eq!(method("PUT", allowed), error, "{allowed:?}");
        }
    }

    #[test]
    fn headers_are_compared_without_case() {
        let ask = ["X-A", "Authorization"];
        let names = |allowed| asked("GET", &ask).judged(200, &[ORIGIN, (HEADERS, allowed)]);
        for allowed in ["x-a, authorization", "AUTHORIZATION,,X-A", "*", "x-b, *"] {
            assert_eq!(names(allowed), Ok(()), "{allowed:?}");
        }
        for allowed in ["", "x-a", "x-a, authorizatio", "x-*"] {
            let error = Err(CorsError::HeaderDisallowedByPreflightResponse);
            assert_eq!(names(allowed), error, "{allowed:?}");
        }
        for allowed in ["x-a authorization", "x-a: authorization", "x-a, @"] {
            let error = Err(CorsError::InvalidAllowHeadersPreflightResponse);
            assert_eq!(names(allowed), error, "{allowed:?}");
        }
    }

    #[test]
    fn with_cookies_a_star_is_a_name() {
        let lines = [ORIGIN, COOKIES, (METHODS, "*"), (HEADERS, "*")];
        let cookies =
            |method, headers| Asked { method, headers, credentials: true }.judged(204, &lines);
        assert_eq!(cookies("POST", &[]), Ok(()));
        assert_eq!(cookies("*", &["*"]), Ok(()), "a page may use that name");
        let method = Err(CorsError::MethodDisallowedByPreflightResponse);
        assert_eq!(cookies("PUT", &[]), method);
        let header = Err(CorsError::HeaderDisallowedByPreflightResponse);
        assert_eq!(cookies("POST", &["x-a"]), header);
    }

    /// Lines of an answer, right, wrong and absurd.
    fn lines() -> impl Strategy<Value = Vec<(String, String)>> {
        let name = "Access-Control-Allow-(Origin|Credentials|Methods|Headers)";
        let value = "\\PC{0,6}|\\*|true|https://app\\.test|(GET|PUT|patch|x-a|X-B|authorization|\\*)(,? ?(PUT|PATCH|x-a|\\*)){0,2}";
        prop::collection::vec((name, value), 0..5)
    }

    proptest! {
        #[test]
        fn another_allowed_header_turns_no_yes_into_a_no(
            mut lines in lines(),
            more in "[a-zA-Z-]{1,9}",
            methods: bool,
            credentials: bool,
            method in "PUT|patch|POST",
        ) {
            let asked = Asked { method: &method, headers: &["x-a"], credentials };
            fn plain(lines: &[(String, String)]) -> Vec<(&str, &str)> {
                lines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
            }
            let before = asked.judged(204, &plain(&lines));
            lines.push((if methods { METHODS } else { HEADERS }.to_owned(), more));
            if before.is_ok() {
                prop_assert_eq!(asked.judged(204, &plain(&lines)), Ok(()));
            }
        }

        #[test]
        fn the_order_of_lines_of_other_names_does_not_matter(lines in lines(), credentials: bool) {
            let asked = Asked { method: "PUT", headers: &["x-a"], credentials };
            let plain: Vec<_> =
                lines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let mut sorted = plain.clone();
            sorted.sort_by_key(|(name, _)| *name);
            prop_assert_eq!(asked.judged(204, &plain), asked.judged(204, &sorted));
        }

        #[test]
        fn a_page_that_is_asked_for_less_is_let_do_it(lines in lines(), credentials: bool) {
            let more = Asked { method: "PUT", headers: &["x-a", "x-b"], credentials };
            let less = Asked { method: "POST", headers: &["x-a"], credentials };
            let plain: Vec<_> =
                lines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            if more.judged(200, &plain).is_ok() {
                prop_assert_eq!(less.judged(200, &plain), Ok(()));
            }
        }
    }
}

//! The header lines that would let a page read an answer.

use serde::Serialize;

use crate::outcome::cors::Request;
use crate::outcome::cors::error::{Blocked, CorsError};
use crate::outcome::cors::request::unsafe_names;
use crate::outcome::header::is_token;

/// What has to be sent, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Mend {
    /// Whether the answer to the preflight lacks it, and not that to the request itself.
    pub of_preflight: bool,
    /// The header that is missing or wrong.
    pub header: Option<&'static str>,
    /// Lines, exactly as they must be sent.
    pub lines: Vec<String>,
    /// What else must change.
    pub notes: Vec<&'static str>,
}

const ORIGIN: &str = "Access-Control-Allow-Origin";
const CREDENTIALS: &str = "Access-Control-Allow-Credentials";
const METHODS: &str = "Access-Control-Allow-Methods";
const HEADERS: &str = "Access-Control-Allow-Headers";

/// What would let this page's request through.
pub fn mend(request: &Request<'_>, blocked: &Blocked) -> Mend {
    use CorsError as E;
    let mut mend = Mend { of_preflight: blocked.error.is_of_preflight(), ..Mend::default() };
    match blocked.error {
        E::WildcardOriginNotAllowed | E::PreflightWildcardOriginNotAllowed => {
            mend.origin(request);
            mend.notes.push("* is no answer to a request with cookies.");
        }
        E::MissingAllowOriginHeader | E::PreflightMissingAllowOriginHeader => {
            mend.origin(request);
            if blocked.status >= 400 {
                mend.notes.push("Send it with errors too (nginx: add_header … always): without it a page cannot read why it was refused.");
            }
        }
        E::MultipleAllowOriginValues | E::PreflightMultipleAllowOriginValues => {
            mend.origin(request);
            mend.notes.push("One header with one value: often both the application and the proxy in front of it add theirs.");
        }
        E::InvalidAllowOriginValue
        | E::PreflightInvalidAllowOriginValue
        | E::AllowOriginMismatch
        | E::PreflightAllowOriginMismatch => mend.origin(request),
        E::InvalidAllowCredentials | E::PreflightInvalidAllowCredentials => {
            mend.header = Some(CREDENTIALS);
            mend.lines.push(format!("{CREDENTIALS}: true"));
            mend.notes.push("Exactly so, in lower case; or let the page ask without credentials.");
        }
        E::InvalidAllowMethodsPreflightResponse | E::MethodDisallowedByPreflightResponse => {
            mend.header = Some(METHODS);
            let method = request.fetch.method().as_str();
            mend.lines.push(with(METHODS, blocked, &[method], request.fetch.credentials()));
            if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
                mend.notes.push(
                    "Methods are compared letter by letter: let the page write it in capitals.",
                );
            }
        }
        E::InvalidAllowHeadersPreflightResponse | E::HeaderDisallowedByPreflightResponse => {
            mend.header = Some(HEADERS);
            let names = unsafe_names(request.fetch);
            mend.lines.push(with(HEADERS, blocked, &names, request.fetch.credentials()));
        }
        E::PreflightInvalidStatus => {
            mend.lines.push("HTTP/1.1 204 No Content".to_owned());
            mend.notes.push(match blocked.status {
                401 | 403 => "A preflight bears no credentials: let OPTIONS through before anybody is asked for some.",
                404 | 405 => "The route does not know OPTIONS: have it, or the proxy in front of it, answer with 204 and the headers.",
                _ => "A preflight must be answered with a status of 200 to 299.",
            });
        }
        E::PreflightDisallowedRedirect => {
            mend.notes.push("Put the final address into the page: often a slash at the end or the https is missing.");
        }
        E::RedirectContainsCredentials => {
            mend.notes.push("Leave user name and password out of the Location.");
        }
    }
    mend
}

impl Mend {
    fn origin(&mut self, request: &Request<'_>) {
        self.header = Some(ORIGIN);
        self.lines.push(format!("{ORIGIN}: {}", request.origin));
        if request.fetch.credentials() {
            self.lines.push(format!("{CREDENTIALS}: true"));
        }
        self.lines.push("Vary: Origin".to_owned());
    }
}

/// The list that was sent, if it is one, and what it lacks.
fn with(header: &str, blocked: &Blocked, wanted: &[&str], credentials: bool) -> String {
    let found = blocked.found.as_ref().map(ToString::to_string).unwrap_or_default();
    // Of a long list, only the beginning is kept: the server adds to what it has.
    let found = if found.ends_with('…') { String::new() } else { found };
    let legible = found.split(',').map(str::trim).filter(|item| {
        // With cookies, * is a name like any other, and means nothing.
        !item.is_empty() && item.bytes().all(is_token) && !(credentials && *item == "*")
    });
    let mut all: Vec<&str> = legible.collect();
    for item in wanted {
        let same = |known: &&str| match header {
            HEADERS => known.eq_ignore_ascii_case(item),
            _ => known == item,
        };
        if !all.iter().any(same) {
            all.push(item);
        }
    }
    format!("{header}: {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::fetch::Fetch;
    use crate::check::header::Header;
    use crate::check::origin::Origin;
    use crate::outcome::cors::{judge_preflight, judge_response};
    use crate::outcome::header;

    type Lines = Vec<(String, String)>;

    fn judged(request: &Request<'_>, preflight: bool, status: u16, lines: &Lines) -> Option<Mend> {
        let headers: Vec<_> = lines
            .iter()
            .map(|(name, value)| header::Header { name, value: value.as_bytes() })
            .collect();
        let blocked = match preflight {
            true => judge_preflight(request, status, &headers).err(),
            false => judge_response(request, status, &headers).err(),
        };
        blocked.map(|blocked| mend(request, &blocked))
    }

    /// Sends what the mend says, in place of what was sent.
    fn apply(mend: &Mend, status: &mut u16, lines: &mut Lines) {
        for line in &mend.lines {
            match line.split_once(": ") {
                Some((name, value)) => {
                    lines.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                    lines.push((name.to_owned(), value.to_owned()));
                }
                None => *status = 204,
            }
        }
    }

    fn lines() -> impl Strategy<Value = Lines> {
        let name = prop::sample::select(vec![ORIGIN, CREDENTIALS, METHODS, HEADERS]);
        let values = [
            "*",
            "null",
            "",
            "true",
            "True",
            "https://app.test",
            "https://a.test, b",
            "GET",
            "put",
            "x-a, x-b",
            "x-b,,",
            "a b",
            "\"",
            "https://app.test/",
        ];
        let value = prop::sample::select(values.map(str::to_owned).to_vec());
        prop::collection::vec((name.prop_map(str::to_owned), value), 0..6)
    }

    proptest! {
        /// Whoever does what is said, one thing after the other, is soon let through.
        #[test]
        fn what_is_said_mends_it(
            mut lines in lines(),
            method in prop::sample::select(vec!["GET", "POST", "PUT", "patch"]),
            names in prop::sample::subsequence(vec!["X-A", "X-B", "Authorization"], 0..=3),
            credentials: bool,
            mut status in prop::sample::select(vec![200_u16, 204, 401, 404, 500]),
            preflight: bool,
        ) {
            let origin: Origin = "https://app.test".parse().unwrap();
            let headers = names.iter().map(|name| Header::from_page(name, "1").unwrap()).collect();
            let fetch = Fetch::new(method.parse().unwrap(), headers, credentials).unwrap();
            let request = Request { origin: &origin, fetch: &fetch };
            for _ in 0..6 {
                match judged(&request, preflight, status, &lines) {
                    Some(mend) => apply(&mend, &mut status, &mut lines),
                    None => return Ok(()),
                }
            }
            prop_assert!(false, "{:?}", judged(&request, preflight, status, &lines));
        }
    }

    #[test]
    fn the_lines_are_exact() {
        let origin: Origin = "https://app.test".parse().unwrap();
        let fetch = Fetch::new("PUT".parse().unwrap(), Vec::new(), true).unwrap();
        let request = Request { origin: &origin, fetch: &fetch };
        let none = judged(&request, true, 403, &Vec::new()).unwrap();
        assert!(none.of_preflight);
        assert_eq!(none.header, Some(ORIGIN));
        assert_eq!(
            none.lines,
            [
                "Access-Control-Allow-Origin: https://app.test",
                "Access-Control-Allow-Credentials: true",
                "Vary: Origin"
            ]
        );
        let allowed = [(ORIGIN, "https://app.test"), (CREDENTIALS, "true"), (METHODS, "GET, *")];
        let allowed = allowed.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let method = judged(&request, true, 204, &allowed).unwrap();
        assert_eq!(method.lines, ["Access-Control-Allow-Methods: GET, PUT"]);
    }
}

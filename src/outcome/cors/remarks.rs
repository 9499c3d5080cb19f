//! What is not well with an answer that a page may read.

use crate::outcome::header::Header;

use super::{Request, field};
use crate::outcome::quoted::Quoted;
use crate::outcome::warning::{Remark, Warning};

/// Of a preflight that lets the page ask.
pub fn of_preflight(request: &Request<'_>, headers: &[Header<'_>]) -> Option<Remark> {
    let value = field::value(headers, "Access-Control-Allow-Headers")?;
    let names = field::tokens(&value)?;
    let named =
        |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted.as_bytes()));
    let sent = request.fetch.headers().iter().any(|header| header.name() == "authorization");
    let by_wildcard = sent && !request.fetch.credentials() && named("*") && !named("authorization");
    by_wildcard.then(|| Remark {
        warning: Warning::CorsWildcardCoversAuthorization,
        evidence: format!("Access-Control-Allow-Headers: {}", Quoted::bytes(&value)),
    })
}

/// Of how long a preflight holds.
pub fn of_max_age(headers: &[Header<'_>]) -> Option<Remark> {
    let value = field::value(headers, "Access-Control-Max-Age")?;
    let text = value.trim_ascii();
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let counts = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    (!counts).then(|| Remark {
        warning: Warning::CorsMaxAgeIgnored,
        evidence: format!("Access-Control-Max-Age: {}", Quoted::bytes(&value)),
    })
}

/// Of an answer that the page may read: one that names it must not reach another page's cache.
pub fn of_answer(request: &Request<'_>, headers: &[Header<'_>]) -> Option<Remark> {
    let method = request.fetch.method().as_str();
    let allowed = field::value(headers, "Access-Control-Allow-Origin")?;
    let lists = |name: &str, words: &[&str]| {
        let value = field::value(headers, name).unwrap_or_default();
        let mut elements = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        elements
            .any(|element| words.iter().any(|word| element.eq_ignore_ascii_case(word.as_bytes())))
    };
    let poisons = matches!(method, "GET" | "HEAD")
        && allowed != b"*"
        && !lists("Vary", &["Origin", "*"])
        && !lists("Cache-Control", &["no-store"]);
    poisons.then(|| {
        let vary = field::value(headers, "Vary");
        let vary =
            vary.map_or("no Vary".to_owned(), |vary| format!("Vary: {}", Quoted::bytes(&vary)));
        let allowed = Quoted::bytes(&allowed);
        let evidence = format!("Access-Control-Allow-Origin: {allowed}, {vary}");
        Remark { warning: Warning::CorsVaryOriginMissing, evidence }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fetch::Fetch;
    use crate::check::header;
    use crate::check::origin::Origin;

    const ORIGIN: (&str, &str) = ("Access-Control-Allow-Origin", "https://a.test");

    fn told(
        of: fn(&Request<'_>, &[Header<'_>]) -> Option<Remark>,
        method: &str,
        credentials: bool,
        lines: &[(&str, &str)],
    ) -> Option<&'static str> {
        let origin: Origin = "https://a.test".parse().unwrap();
        let token = header::Header::from_page("Authorization", "x").unwrap();
        let fetch = Fetch::new(method.parse().unwrap(), vec![token], credentials).unwrap();
        let headers: Vec<_> =
            lines.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        of(&Request { origin: &origin, fetch: &fetch }, &headers)
            .map(|remark| remark.warning.code())
    }

    #[test]
    fn only_a_number_of_seconds_is_heeded() {
        for (value, heeded) in
            [("600", true), (" 0 ", true), ("-1", true), ("1h", false), ("", false), ("6.5", false)]
        {
            let header = Header { name: "Access-Control-Max-Age", value: value.as_bytes() };
            assert_eq!(of_max_age(&[header]).is_none(), heeded, "{value:?}");
        }
        assert_eq!(of_max_age(&[]), None);
    }

    #[test]
    fn an_answer_for_one_page_says_so_to_caches() {
        let answer = |method, lines: &[_]| told(of_answer, method, false, lines);
        let missing = Some("cors_vary_origin_missing");
        assert_eq!(answer("GET", &[ORIGIN]), missing);
        assert_eq!(answer("HEAD", &[ORIGIN, ("Vary", "Accept-Encoding")]), missing);
        assert_eq!(answer("POST", &[ORIGIN]), None, "not cached");
        assert_eq!(answer("GET", &[("Access-Control-Allow-Origin", "*")]), None);
        for vary in ["Origin", "accept-encoding, ORIGIN", "*"] {
            assert_eq!(answer("GET", &[ORIGIN, ("vary", vary)]), None, "{vary}");
        }
        let twice = [ORIGIN, ("Vary", "Accept-Encoding"), ("Vary", "Origin")];
        assert_eq!(answer("GET", &twice), None);
        assert_eq!(answer("GET", &[ORIGIN, ("Cache-Control", "private, No-Store")]), None);
        assert_eq!(answer("GET", &[ORIGIN, ("Cache-Control", "private")]), missing);
    }

    #[test]
    fn authorization_wants_its_name() {
        let preflight = |credentials, value| {
            told(of_preflight, "GET", credentials, &[("Access-Control-Allow-Headers", value)])
        };
        assert_eq!(preflight(false, "*"), Some("cors_wildcard_covers_authorization"));
        assert_eq!(preflight(false, "*, AUTHORIZATION"), None);
        assert_eq!(preflight(false, "authorization"), None);
        assert_eq!(preflight(true, "*"), None, "it was refused");
    }
}

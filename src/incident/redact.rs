//! What is left of a server's answer where others may read it.

use serde_json::Value;

/// Headers whose value is a session, a credential or a challenge with one in it.
const SECRET: [&str; 7] = [
    "authorization",
    "cookie",
    "proxy-authenticate",
    "proxy-authorization",
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
];

/// Headers that hold URLs.
const URLS: [&str; 4] = ["content-location", "link", "location", "refresh"];

/// What stands in the place of something that is left out.
const LEFT_OUT: &str = "(left out)";

/// The value of a header, as others may read it.
pub fn header(name: &str, value: &str) -> String {
    if SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
        LEFT_OUT.to_owned()
    } else if URLS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        url(value)
    } else {
        value.to_owned()
    }
}

/// A URL without its query and its fragment, where codes and tokens travel, and without what
/// stands before its host.
pub fn url(text: &str) -> String {
    let end = text.find(['?', '#']);
    let (kept, query) = end.and_then(|end| text.split_at_checked(end)).unwrap_or((text, ""));
    let bare = match kept.split_once("//") {
        Some((scheme, rest)) => {
            let authority = rest.split('/').next().unwrap_or_default();
            let host = authority.rsplit('@').next().unwrap_or_default();
            let path = rest.strip_prefix(authority).unwrap_or_default();
            format!("{scheme}//{host}{path}")
        }
        None => kept.to_owned(),
    };
    match query.chars().next() {
        Some(mark) => format!("{bare}{mark}{LEFT_OUT}"),
        None => bare,
    }
}

/// Puts one text in the place of another, in every string of a value.
pub fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text.contains(from) => *text = text.replace(from, to),
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, from, to)),
        Value::Object(map) => map.values_mut().for_each(|value| replace(value, from, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credential_is_left() {
        for (name, value, left) in [
            ("Set-Cookie", "sid=hunter2; Secure", "(left out)"),
            ("authorization", "Bearer hunter2", "(left out)"),
            ("WWW-Authenticate", "Digest nonce=\"hunter2\"", "(left out)"),
            ("location", "/login?code=hunter2", "/login?(left out)"),
            ("location", "https://me:hunter2@a.test/x#hunter2", "https://a.test/x#(left out)"),
            ("location", "https://a.test/x", "https://a.test/x"),
            ("server", "nginx?", "nginx?"),
        ] {
            assert_eq!(header(name, value), left, "{name}: {value}");
        }
    }
}

//! Lists that come page by page: where the next one begins. Of its address the cursor alone is
//! taken: a stranger wrote it, and it is not opened.

use url::{Url, form_urlencoded};

/// Longest cursor.
const MAX_CHARS: usize = 1024;

/// The cursor in a `nextUri`; none where there is none that can be used.
pub fn of(next_uri: &str) -> Option<String> {
    let base = Url::parse("https://api.invalid").ok()?;
    let url = base.join(next_uri).ok()?;
    let after = url.query_pairs().find(|(name, _)| name == "after")?.1.into_owned();
    (!after.is_empty() && after.len() <= MAX_CHARS).then_some(after)
}

/// The path of a page of so many, from a cursor on.
pub fn page(path: &str, size: usize, after: Option<&str>) -> String {
    let mut path = format!("{path}?pageSize={size}");
    if let Some(after) = after {
        path.push_str("&after=");
        path.extend(form_urlencoded::byte_serialize(after.as_bytes()));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_taken_out_of_an_address_that_is_not_opened() {
        for (uri, cursor) in [
            ("/api/v2/webdeployments/deployments?pageSize=100&after=a%26b", "a&b"),
            ("/api/v2/x?after=abc%3D&pageSize=1", "abc="),
            ("https://evil.test/?after=x", "x"),
            ("/x?after=a b", "a b"),
            ("/x?after=a#b", "a"),
        ] {
            assert_eq!(of(uri).as_deref(), Some(cursor), "{uri}");
        }
        let long = format!("/x?after={}", "y".repeat(1025));
        for none in ["", "/x", "/x?before=1", "/x?after=", "::", &long] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_and_breaks_out_of_nothing() {
        for cursor in ["abc=", "a&b=c", "../x", "a b#?%", "ä\r\nX: y"] {
            let path = page("/api/v2/x", 100, Some(cursor));
            assert!(path.starts_with("/api/v2/x?pageSize=100&after="), "{path}");
            assert_eq!(of(&path).as_deref(), Some(cursor), "{path}");
            assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
        }
        assert_eq!(page("/api/v2/x", 25, None), "/api/v2/x?pageSize=25");
    }
}

//! What is around each page: its head, its age, the way to the others.

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, StatusCode};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use crate::http::assets;

/// Nothing from elsewhere, and nothing that stands in the page itself acts.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// In which form somebody wants a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// For a browser.
    Html,
    /// For a terminal.
    Text,
    /// For a machine.
    Json,
}

impl Wanted {
    /// By `Accept`. Whoever takes anything, as curl does, reads it in a terminal.
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let range = |part: &str| part.split(';').next().unwrap_or("").trim().to_lowercase();
        let ranges: Vec<_> = values.flat_map(|value| value.split(',').map(range)).collect();
        let has = |kind: &str| ranges.iter().any(|range| range == kind);
        if has("text/html") || has("application/xhtml+xml") {
            Self::Html
        } else if has("application/json") {
            Self::Json
        } else if has("text/plain") || (ranges.len() == 1 && has("*/*")) {
            Self::Text
        } else {
            Self::Html
        }
    }
}

/// A page.
#[derive(Debug)]
pub struct Page {
    /// In the title, behind the program's name.
    pub title: String,
    /// In one line: what there is to say first.
    pub summary: String,
    /// When that was so.
    pub at: Timestamp,
    /// The same for machines.
    pub json: String,
    /// All else.
    pub main: Markup,
}

impl Page {
    /// The whole document.
    pub fn markup(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    noscript { meta http-equiv="refresh" content="15"; }
                    title { "Watchpost: " (self.title) }
                    link rel="stylesheet" href=(assets::STYLE);
                    link rel="alternate" type="application/json" href=(self.json);
                    script src=(assets::SCRIPT) defer {}
                }
                body {
                    a class="skip" href="#main" { "Skip to what there is" }
                    header {
                        h1 { "Watchpost" }
                        nav aria-label="Pages" {
                            a href="/" { "Overview" } a href="/certificates" { "Certificates" }
                        }
                        p class="age" {
                            span id="summary" role="status" { (self.summary) }
                            " " small {
                                "as of " time id="as-of" {
                                    (self.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
                                }
                            }
                        }
                        p class="age" {
                            small { "Made " } span id="age" { (self.at.strftime("%H:%M:%S UTC").to_string()) }
                        }
                    }
                    main id="main" {
                        p class="stale-note" { "This page is older than a minute. What it says may be so no more." }
                        (self.main)
                    }
                    footer {
                        p {
                            "For machines: " a href=(self.json) { "this page as JSON" } " · "
                            @for path in PATHS { a href=(path) { (path) } " " }
                        }
                    }
                }
            }
        }
    }
}

/// What machines may ask for.
const PATHS: [&str; 8] = [
    "/metrics",
    "/api/v1/checks",
    "/api/v1/incidents",
    "/api/v1/changes",
    "/api/v1/deployments",
    "/api/v1/correlations",
    "/api/v1/events",
    "/api/v1/news",
];

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (headers(), self.markup()).into_response()
    }
}

/// A page for a terminal.
pub fn text(text: String) -> Response {
    (headers(), [(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// There is no such page.
pub fn missing(what: &str) -> Response {
    let text = format!("no such {what}; see /\n");
    (StatusCode::NOT_FOUND, headers(), [(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
        .into_response()
}

/// What is needed for a page cannot be read.
pub fn unavailable(why: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

fn headers() -> [(HeaderName, &'static str); 5] {
    [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (VARY, "accept"),
    ]
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn each_reader_gets_its_form() {
        for (accept, expected) in [
            ("", Wanted::Html),
            ("*/*", Wanted::Text),
            ("text/plain", Wanted::Text),
            ("application/json", Wanted::Json),
            ("application/json, text/plain, */*", Wanted::Json),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Wanted::Html),
            ("image/avif,image/webp,*/*;q=0.8", Wanted::Html),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(Wanted::of(&headers), expected, "{accept}");
        }
        assert_eq!(Wanted::of(&HeaderMap::new()), Wanted::Html);
    }
}

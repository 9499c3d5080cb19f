//! The style and the script of the pages: from here and nowhere else.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

/// Where the style is.
pub const STYLE: &str = "/-/page.css";

/// Where the script is. Without it pages are the same, and load anew as a whole.
pub const SCRIPT: &str = "/-/page.js";

/// For a minute: a newer program has another style.
const KEPT: &str = "max-age=60";

/// The style.
pub async fn style() -> Response {
    served("text/css; charset=utf-8", include_str!("assets/page.css"))
}

/// The script.
pub async fn script() -> Response {
    served("text/javascript; charset=utf-8", include_str!("assets/page.js"))
}

fn served(kind: &'static str, text: &'static str) -> Response {
    let headers =
        [(CONTENT_TYPE, kind), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (CACHE_CONTROL, KEPT)];
    (headers, text).into_response()
}

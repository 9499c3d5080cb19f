//! Whether a page may read an answer: the CORS protocol of the Fetch standard, as browsers apply it.
//!
//! A page that asks more than a form could asks first ([`preflight`]); what it is then answered is
//! checked too ([`check`]). Where the standard and Chromium differ, this does what Chromium does,
//! and each [`error::CorsError`] is one of Chromium's.

pub mod check;
pub mod error;
pub mod field;
pub mod forgery;
pub mod preflight;
pub mod remarks;
pub mod request;
pub mod verdict;

use crate::outcome::header::Header;

use crate::check::fetch::Fetch;
use crate::check::origin::Origin;
use crate::outcome::warning::Remark;
use error::Blocked;

/// What a run found out about a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// What keeps the answer from it; `None` where it may read.
    pub blocked: Option<Blocked>,
    /// What is to be said besides.
    pub remarks: Vec<Remark>,
}

/// A request of a page: what it asks, and on which origin it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request<'a> {
    /// What the page sends in `Origin`.
    pub origin: &'a Origin,
    /// What it asks.
    pub fetch: &'a Fetch,
}

impl Request<'_> {
    /// Whether a browser asks before it sends this.
    pub fn needs_preflight(&self) -> bool {
        request::needs_preflight(self.fetch)
    }

    /// The value of `Access-Control-Request-Headers`; `None` where the header stays away.
    pub fn names(&self) -> Option<String> {
        let names = request::unsafe_names(self.fetch);
        (!names.is_empty()).then(|| names.join(","))
    }
}

/// What an answer that a page may read does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readable {
    /// The page gets it, whatever its status.
    Answer,
    /// The browser follows it, and checks what it finds there in the same way.
    Redirect,
}

/// Judges the answer to a preflight, with its headers as they came.
pub fn judge_preflight(
    request: &Request<'_>,
    status: u16,
    headers: &[Header<'_>],
) -> Result<(), Blocked> {
    preflight::judge(request, status, headers).map_err(|error| error.with_status(status))
}

/// Judges the answer to the request itself, with its headers as they came.
pub fn judge_response(
    request: &Request<'_>,
    status: u16,
    headers: &[Header<'_>],
) -> Result<Readable, Blocked> {
    check::judge_response(request, status, headers).map_err(|error| error.with_status(status))
}

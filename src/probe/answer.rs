//! What a server answers to an upgrade, told from the head alone.

use super::head::Head;
use crate::outcome::cors::check::has_credentials;
use crate::outcome::failure::Failure;
use crate::outcome::header::Header;
use crate::outcome::quoted::Quoted;
use crate::outcome::response::Response;
use crate::outcome::upgrade::{self, Agreed};

/// An answer that could be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// What it does; a failure where it says 101 and is no upgrade.
    pub door: Result<Door, Failure>,
}

/// What an answer does with the page.
#[derive(Debug, PartialEq, Eq)]
pub enum Door {
    /// Lets it in, on these terms.
    Open(Agreed),
    /// Sends it away; the body is still to come.
    Shut(Response),
}

/// Reads the answer to a request with this key and this offer.
pub fn read(head: &Head, key: &str, subprotocols: &[String]) -> Result<Answer, Failure> {
    head.parse(|status, phrase, headers| {
        let door = match status {
            101 => upgrade::judge(headers, key, subprotocols).map(Door::Open),
            _ => Ok(Door::Shut(evidence(status, phrase, headers))),
        };
        Ok(Answer { status, door })
    })
}

/// Copies a head as evidence.
pub(super) fn evidence(status: u16, phrase: &[u8], headers: &[Header<'_>]) -> Response {
    let headers = headers
        .iter()
        .map(|header| {
            let is_place = header.name.eq_ignore_ascii_case("location");
            let secret = !Response::is_presentable(header.name)
                || (is_place && has_credentials(header.value));
            let value = if secret { b"(left out)" } else { header.value };
            (Quoted::text(&header.name.to_ascii_lowercase()), Quoted::bytes(value))
        })
        .collect();
    Response { status, phrase: Quoted::bytes(phrase), headers, body: Quoted::default() }
}

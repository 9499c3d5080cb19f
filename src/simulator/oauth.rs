//! Logging in with a client's credentials.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine};
use http::header::CACHE_CONTROL;
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use url::form_urlencoded;

use super::answer::Answer;
use super::org::Org;
use super::request::Request;

/// The tokens that are good.
#[derive(Debug, Default)]
pub struct Tokens {
    /// How many were given.
    pub given: usize,
    until: BTreeMap<String, Timestamp>,
}

impl Tokens {
    /// The token that a request shows.
    #[expect(clippy::result_large_err, reason = "the refusal is the answer itself, and is sent")]
    pub fn bearer(&self, request: &Request, now: Timestamp) -> Result<String, Answer> {
        let token = request
            .header("authorization")
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        match token {
            None => Err(unauthorised(
                "authentication.required",
                "No authentication bearer token specified in authorization header.",
            )),
            Some(token) if self.until.get(token).is_some_and(|until| *until > now) => {
                Ok(token.to_owned())
            }
            Some(_) => Err(unauthorised("bad.credentials", "Invalid login credentials.")),
        }
    }
}

fn unauthorised(code: &str, message: &str) -> Answer {
    Answer::error(StatusCode::UNAUTHORIZED, code, message)
}

/// `POST /oauth/token`.
pub fn token(org: &mut Org, request: &Request, now: Timestamp) -> Answer {
    if request.method != Method::POST {
        return Answer::no_method();
    }
    let form: BTreeMap<_, _> = form_urlencoded::parse(&request.body).into_owned().collect();
    if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
        return refused("unsupported_grant_type", "unsupported grant type");
    }
    let Some((id, secret)) = credentials(request) else {
        return refused("invalid_request", "client credentials are missing");
    };
    match org.clients.iter().find(|client| client.id == id) {
        None => refused("invalid_client", &format!("client not found: {id}")),
        Some(client) if client.secret != secret => {
            refused("invalid_client", "authentication failed")
        }
        Some(_) => {
            let token = org.ids.secret();
            let until = now.saturating_add(SignedDuration::from_secs(org.token_seconds));
            org.tokens.given += 1;
            org.tokens.until.insert(token.clone(), until.unwrap_or(Timestamp::MAX));
            let body = json!({
                "access_token": token, "token_type": "bearer",
                "expires_in": org.token_seconds - 1,
            });
            Answer::ok(&body).with(CACHE_CONTROL, "no-store")
        }
    }
}

fn credentials(request: &Request) -> Option<(String, String)> {
    let (scheme, text) = request.header("authorization")?.split_once(' ')?;
    let text = BASE64_STANDARD.decode(text.trim()).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (id, secret) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (id.to_owned(), secret.to_owned()))
}

/// An error of the login, which is not shaped like those of the API.
fn refused(error: &str, description: &str) -> Answer {
    let body = json!({
        "error": error, "description": description, "error_description": description,
    });
    Answer::json(StatusCode::BAD_REQUEST, &body)
}

/// A client has no user.
pub fn no_user() -> Answer {
    let message = "This request requires a user context. Client credentials cannot be used for \
                   requests that require a user context.";
    Answer::bad(message)
}

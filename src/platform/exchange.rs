//! One request and its answer.

use http::header::{ACCEPT, AGE, AUTHORIZATION, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use tokio::time::Instant;

use super::token::Token;
use super::{Api, Call, Kind, Reply, Trouble};
use crate::check::target::Target;
use crate::genesys::trouble::{classify, refused_token};
use crate::outbound::json::{self, JsonError, MAX_DEPTH};
use crate::outbound::{Answer, Outbound, OutboundError, Request};
use crate::outcome::quoted::Quoted;

/// Most that is read of an answer that is no success.
const MAX_ERROR_BYTES: usize = 64 * 1024;

const CORRELATION_ID: HeaderName = HeaderName::from_static("inin-correlation-id");
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// What is sent, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// The call.
    pub call: &'a Call<'a>,
    /// Where.
    pub url: &'a Target,
    /// As whom.
    pub token: Option<&'a Token>,
    /// Until when the whole answer must be there.
    pub deadline: Instant,
}

/// Sends it, and reads the answer.
pub async fn exchange(outbound: &Outbound, sent: Sent<'_>) -> Result<Reply, Trouble> {
    let Sent { call, url, token, deadline } = sent;
    let mut headers = call.headers.clone();
    headers.push((ACCEPT, HeaderValue::from_static("application/json")));
    if let Some(token) = token {
        headers.push((AUTHORIZATION, token.header()));
    }
    let mut body = Vec::new();
    if let Some(json) = &call.body {
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        body = json.to_string().into_bytes();
    }
    let request = Request { method: call.method.clone(), url, headers, body, deadline };
    post(outbound, call.api, request, call.max_bytes).await
}

/// The same, of a request whose body is what it is.
pub async fn post(
    outbound: &Outbound,
    api: Api,
    request: Request<'_>,
    max_bytes: usize,
) -> Result<Reply, Trouble> {
    let deadline = request.deadline;
    let head = request.method == Method::HEAD;
    let failed = |error| Trouble::new(api, kind(error));
    let answer = outbound.send(request).await.map_err(failed)?;
    let status = answer.status();
    let id = header(answer.headers(), &CORRELATION_ID);
    let trouble = |kind, id| Trouble { api, kind, status: Some(status), correlation_id: id };
    match status {
        200..=299 | 304 => {}
        _ => return Err(refused(answer, api, deadline, id).await),
    }
    let mut reply = reply(&answer, id.clone());
    if head || matches!(status, 204 | 205 | 304) {
        return Ok(reply);
    }
    let body = answer.whole(max_bytes, deadline).await;
    let body = body.map_err(|error| trouble(kind(error), id.clone()))?;
    if !body.is_empty() {
        reply.json = json::read(&body).map_err(|error| trouble(not_json(error, &body), id))?;
    }
    Ok(reply)
}

/// Why an answer is no success: what can be read of it tells.
async fn refused(answer: Answer, api: Api, deadline: Instant, id: Option<Quoted>) -> Trouble {
    let status = answer.status();
    let to = header(answer.headers(), &LOCATION);
    let (body, _) = answer.first(MAX_ERROR_BYTES, deadline).await;
    let (json, text) = (json::read(&body).unwrap_or(Value::Null), Quoted::bytes(&body));
    let kind = match (status, to) {
        (300..=399, Some(to)) => Kind::Redirected { to },
        _ if api == Api::Token => refused_token(status, &json, &text),
        _ => classify(status, &json, &text),
    };
    let id = id.or_else(|| json.get("contextId")?.as_str().map(Quoted::text));
    Trouble { api, kind, status: Some(status), correlation_id: id }
}

fn reply(answer: &Answer, correlation_id: Option<Quoted>) -> Reply {
    let headers = answer.headers();
    let age = headers.get(AGE).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Reply {
        status: answer.status(),
        json: Value::Null,
        correlation_id,
        etag: headers.get(ETAG).cloned(),
        last_modified: headers.get(LAST_MODIFIED).cloned(),
        age,
        x_cache: header(headers, &X_CACHE),
    }
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<Quoted> {
    headers.get(name).map(|value| Quoted::bytes(value.as_bytes()))
}

fn kind(error: OutboundError) -> Kind {
    match error {
        OutboundError::TimedOut => Kind::TimedOut,
        OutboundError::Network { said } => Kind::Network { said },
        OutboundError::Tls { said } => Kind::Tls { said },
        OutboundError::TooLarge { limit } => Kind::TooLarge { limit },
        OutboundError::Unsendable => Kind::Unsendable,
    }
}

fn not_json(error: JsonError, body: &[u8]) -> Kind {
    match error {
        JsonError::TooDeep => Kind::TooDeep { limit: MAX_DEPTH },
        JsonError::Malformed { .. } if body.starts_with(b"\x1f\x8b") => {
            Kind::NotJson { why: Quoted::text("it is compressed, which nobody asked for") }
        }
        JsonError::Malformed { why } => Kind::NotJson { why },
    }
}

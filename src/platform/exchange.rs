//! One request and its answer.

use std::time::Duration;

use http::header::{AGE, ETAG, LAST_MODIFIED, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use tokio::time::Instant;

use super::pace::Limit;
use super::{Api, Kind, Reply, Trouble};
use crate::check::target::Target;
use crate::clock;
use crate::genesys::trouble::{classify, refused_token};
use crate::outbound::json::{self, JsonError, MAX_DEPTH};
use crate::outbound::{Answer, Outbound, OutboundError, Request, retry_after};
use crate::outcome::quoted::Quoted;

/// Most that is read of an answer that is no success.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// What a 429 that says nothing else asks for, as the official clients take it.
const USUAL_WAIT: Duration = Duration::from_secs(3);

const CORRELATION_ID: HeaderName = HeaderName::from_static("inin-correlation-id");
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// A request that may be sent more than once.
#[derive(Debug)]
pub struct Prepared<'a> {
    /// Of what kind it is.
    pub api: Api,
    /// How.
    pub method: Method,
    /// Where.
    pub url: &'a Target,
    /// All of them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Nothing where it is empty.
    pub body: Vec<u8>,
    /// Whether it may be sent again where nobody knows what came of it.
    pub idempotent: bool,
    /// Most of a body that is read.
    pub max_bytes: usize,
}

/// What came of one request.
#[derive(Debug)]
pub struct Exchanged {
    /// The answer.
    pub result: Result<Reply, Trouble>,
    /// For how long the server wants no more.
    pub asked: Option<Duration>,
    /// What it says of its limit.
    pub limit: Option<Limit>,
    /// When its head was there, or it was clear that there is none.
    pub at: Instant,
}

/// Sends it once, and reads the answer.
pub async fn exchange(
    outbound: &Outbound,
    prepared: &Prepared<'_>,
    deadline: Instant,
) -> Exchanged {
    let api = prepared.api;
    let request = Request {
        method: prepared.method.clone(),
        url: prepared.url,
        headers: prepared.headers.clone(),
        body: prepared.body.clone(),
        deadline,
    };
    let answer = outbound.send(request).await;
    let at = Instant::now();
    match answer {
        Err(error) => {
            let result = Err(Trouble::new(api, kind(error)));
            Exchanged { result, asked: None, limit: None, at }
        }
        Ok(answer) => {
            let status = answer.status();
            let busy = status == 429 || (500..=599).contains(&status);
            let asked = retry_after::of(answer.headers(), clock::now()).filter(|_| busy);
            let limit = Limit::of(answer.headers());
            let result = read(answer, prepared, asked, deadline).await;
            Exchanged { result, asked, limit, at }
        }
    }
}

async fn read(
    answer: Answer,
    prepared: &Prepared<'_>,
    asked: Option<Duration>,
    deadline: Instant,
) -> Result<Reply, Trouble> {
    let api = prepared.api;
    let status = answer.status();
    let id = header(answer.headers(), &CORRELATION_ID);
    if !matches!(status, 200..=299 | 304) {
        return Err(refused(answer, api, asked, id, deadline).await);
    }
    let mut reply = reply(&answer, id.clone());
    if prepared.method == Method::HEAD || matches!(status, 204 | 205 | 304) {
        return Ok(reply);
    }
    let trouble = |kind, id| Trouble { api, kind, status: Some(status), correlation_id: id };
    let body = answer.whole(prepared.max_bytes, deadline).await;
    let body = body.map_err(|error| trouble(kind(error), id.clone()))?;
    if !body.is_empty() {
        reply.json = json::read(&body).map_err(|error| trouble(not_json(error, &body), id))?;
    }
    Ok(reply)
}

/// Why an answer is no success: what can be read of it tells.
async fn refused(
    answer: Answer,
    api: Api,
    asked: Option<Duration>,
    id: Option<Quoted>,
    deadline: Instant,
) -> Trouble {
    let status = answer.status();
    let to = header(answer.headers(), &LOCATION);
    let (body, _) = answer.first(MAX_ERROR_BYTES, deadline).await;
    let (json, text) = (json::read(&body).unwrap_or(Value::Null), Quoted::bytes(&body));
    let kind = match (status, to) {
        (429, _) => Kind::RateLimited { wait: asked.unwrap_or(USUAL_WAIT) },
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

//! One POST to a target.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};
use tokio::time::Instant;

use crate::check::endpoint::Trust;
use crate::check::target::Target;
use crate::clock;
use crate::outbound::{Outbound, OutboundError, Request, SetupError, retry_after};
use crate::outcome::quoted::Quoted;

/// Longest that a target may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Longest that the rest of an answer is waited for: its status is what counts.
const REST: Duration = Duration::from_secs(1);

/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What a target said.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// For how long it wants no more.
    pub retry_after: Option<Duration>,
    /// The first of what it said besides.
    pub body: Quoted,
}

/// Posts to one URL.
#[derive(Debug)]
pub struct Client {
    url: Target,
    outbound: Outbound,
}

impl Client {
    /// Reads the machine's roots, where they are to be believed.
    pub fn new(url: Target, trust: &Trust) -> Result<Self, SetupError> {
        Ok(Self { url, outbound: Outbound::new(trust)? })
    }

    /// Posts JSON.
    pub async fn post(
        &self,
        headers: &[(HeaderName, HeaderValue)],
        body: String,
    ) -> Result<Answer, OutboundError> {
        let mut headers = headers.to_vec();
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        let (url, deadline) = (&self.url, Instant::now() + TIMEOUT);
        let body = body.into_bytes();
        let request = Request { method: Method::POST, url, headers, body, deadline };
        let answer = self.outbound.send(request).await?;
        let status = answer.status();
        let retry_after = retry_after::of(answer.headers(), clock::now());
        // What breaks off was an answer all the same.
        let (body, _) = answer.first(MAX_ANSWER_BYTES, Instant::now() + REST).await;
        Ok(Answer { status, retry_after, body: Quoted::bytes(&body) })
    }
}

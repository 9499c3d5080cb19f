//! The platform API, and what is public beside it: asked politely, believed in nothing.
//!
//! A [`Platform`] is one organisation. However many ask at a time, they share a token, one budget
//! and what the servers said about coming back.

pub mod audits;
pub mod channel;
mod exchange;
mod gates;
mod pace;
mod persist;
mod retry;
pub mod socket;
mod token;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use tokio::time::Instant;

use crate::check::target::Target;
pub use crate::genesys::account::Account as Settings;
pub use crate::genesys::api::Api;
use crate::genesys::bases::{Bases, join};
pub use crate::genesys::trouble::{Kind, Trouble};
use crate::outbound::{Outbound, SetupError};
use crate::outcome::quoted::Quoted;
use exchange::Prepared;
pub use gates::Gates;
use persist::Shared;
use token::Tokens;

/// Longest that a call takes with all that it waits for, unless it says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Most of a body that is read, unless a call says otherwise.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// One organisation.
#[derive(Debug, Clone)]
pub struct Platform {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    outbound: Outbound,
    tokens: Tokens,
    gates: Gates,
    shared: Shared,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Of what kind it is.
    pub api: Api,
    /// How.
    pub method: Method,
    /// Behind the root of its surface.
    pub path_and_query: Cow<'a, str>,
    /// Besides those that every call has.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// JSON.
    pub body: Option<Value>,
    /// Whether it may be asked again where nobody knows what came of it.
    pub idempotent: bool,
    /// Longest that it takes with all that it waits for.
    pub deadline: Duration,
    /// Most of a body that is read.
    pub max_bytes: usize,
}

impl<'a> Call<'a> {
    /// Reads something.
    pub fn get(api: Api, path_and_query: impl Into<Cow<'a, str>>) -> Self {
        Self::new(api, Method::GET, path_and_query)
    }

    /// Asks by any method; those that change nothing, or the same each time, may be repeated.
    pub fn new(api: Api, method: Method, path_and_query: impl Into<Cow<'a, str>>) -> Self {
        let idempotent = method.is_idempotent();
        Self {
            api,
            method,
            path_and_query: path_and_query.into(),
            headers: Vec::new(),
            body: None,
            idempotent,
            deadline: DEADLINE,
            max_bytes: MAX_BYTES,
        }
    }

    /// With a body.
    pub fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// With a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// It may be repeated, although its method does not say so: a query that is posted.
    pub fn idempotent(self) -> Self {
        Self { idempotent: true, ..self }
    }

    /// With another deadline.
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// 2xx, or 304 where the call was conditional.
    pub status: u16,
    /// The body; null where there is none.
    pub json: Value,
    /// By what Genesys Cloud's support finds the request.
    pub correlation_id: Option<Quoted>,
    /// `ETag`.
    pub etag: Option<HeaderValue>,
    /// `Last-Modified`.
    pub last_modified: Option<HeaderValue>,
    /// `Age`, in seconds.
    pub age: Option<u64>,
    /// `X-Cache` of a CDN.
    pub x_cache: Option<Quoted>,
}

impl Platform {
    /// Sets it up; nothing is asked yet.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        Self::behind(Gates::default(), settings)
    }

    /// Sets it up in the place of another one, whose servers may want to be left alone.
    pub fn behind(gates: Gates, settings: Settings) -> Result<Self, SetupError> {
        let outbound = Outbound::new(&settings.trust)?;
        Ok(Self { inner: Arc::new(Inner::new(settings, outbound, gates)) })
    }

    /// As whom it asks, and where.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Where each surface is.
    pub fn bases(&self) -> &Bases {
        &self.inner.settings.bases
    }

    /// Asks at the surface that the call is for, with a token where that wants one.
    pub async fn call(&self, call: Call<'_>) -> Result<Reply, Trouble> {
        let url = join(self.bases().at(call.api.surface()), &call.path_and_query);
        self.inner.ask(call, &url).await
    }

    /// Reads what is public, at a URL that stood in an answer perhaps: without a token, and only
    /// where the host is one of the region's.
    pub async fn public(&self, api: Api, url: &Target) -> Result<Reply, Trouble> {
        if !self.bases().owns(url) {
            let host = Quoted::text(&url.authority());
            return Err(Trouble::new(api, Kind::ForeignUrl { host }));
        }
        let prepared = prepare(Call::get(api, ""), url);
        self.inner.persist(&prepared, Instant::now() + DEADLINE).await
    }
}

impl Inner {
    fn new(settings: Settings, outbound: Outbound, gates: Gates) -> Self {
        let shared = Shared::new(settings.requests_per_minute, Instant::now());
        let tokens = Tokens::default();
        Self { settings, outbound, tokens, gates, shared }
    }

    async fn ask(&self, call: Call<'_>, url: &Target) -> Result<Reply, Trouble> {
        let deadline = Instant::now() + call.deadline;
        let mut prepared = prepare(call, url);
        if !prepared.api.needs_token() {
            return self.persist(&prepared, deadline).await;
        }
        let token = self.token(deadline).await?;
        prepared.headers.push((AUTHORIZATION, token.header()));
        let trouble = match self.persist(&prepared, deadline).await {
            Err(trouble) if trouble.kind == Kind::Unauthorized => trouble,
            result => return result,
        };
        let Some(token) = self.renewed(&token, deadline).await else { return Err(trouble) };
        prepared.headers.pop();
        prepared.headers.push((AUTHORIZATION, token?.header()));
        self.persist(&prepared, deadline).await
    }
}

fn prepare<'a>(call: Call<'_>, url: &'a Target) -> Prepared<'a> {
    let Call { api, method, mut headers, body, idempotent, max_bytes, .. } = call;
    headers.push((ACCEPT, HeaderValue::from_static("application/json")));
    let body = body.map_or_else(Vec::new, |json| {
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        json.to_string().into_bytes()
    });
    Prepared { api, method, url, headers, body, idempotent, max_bytes }
}

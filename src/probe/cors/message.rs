//! The requests of a CORS probe, header by header as browsers write them.

use crate::outcome::cors::Request;
use crate::probe::Run;

/// The preflight.
pub fn preflight(run: &Run<'_>, request: &Request<'_>) -> Vec<u8> {
    let mut message = Message::begin(run, "OPTIONS");
    message.line(&[b"Accept: */*"]);
    let method = request.fetch.method().as_str();
    message.line(&[b"Access-Control-Request-Method: ", method.as_bytes()]);
    if let Some(names) = request.names() {
        message.line(&[b"Access-Control-Request-Headers: ", names.as_bytes()]);
    }
    message.end(request)
}

/// The request itself.
pub fn request(run: &Run<'_>, request: &Request<'_>) -> Vec<u8> {
    let fetch = request.fetch;
    let mut message = Message::begin(run, fetch.method().as_str());
    let body = fetch.body().unwrap_or_default();
    // A method that usually has a body says that there is none.
    if fetch.body().is_some() || matches!(fetch.method().as_str(), "POST" | "PUT") {
        message.line(&[b"Content-Length: ", body.len().to_string().as_bytes()]);
    }
    if !fetch.headers().iter().any(|header| header.name() == "accept") {
        message.line(&[b"Accept: */*"]);
    }
    for header in fetch.headers() {
        message.line(&[header.name().as_bytes(), b": ", header.value()]);
    }
    let mut message = message.end(request);
    message.extend_from_slice(body.as_bytes());
    message
}

struct Message(Vec<u8>);

impl Message {
    fn begin(run: &Run<'_>, method: &str) -> Self {
        let target = &run.check.endpoint.target;
        let mut message = Self(Vec::with_capacity(512));
        message.line(&[method.as_bytes(), b" ", target.path.as_bytes(), b" HTTP/1.1"]);
        message.line(&[b"Host: ", target.authority().as_bytes()]);
        message.line(&[b"Connection: close"]);
        message.line(&[b"User-Agent: ", run.prober.user_agent.as_bytes()]);
        message
    }

    fn line(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.0.extend_from_slice(part));
        self.0.extend_from_slice(b"\r\n");
    }

    fn end(mut self, request: &Request<'_>) -> Vec<u8> {
        let origin = request.origin.header().unwrap_or("null");
        self.line(&[b"Origin: ", origin.as_bytes()]);
        self.line(&[]);
        self.0
    }
}

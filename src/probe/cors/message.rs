//! The requests of a CORS probe, header by header as browsers write them.

use crate::outcome::cors::Request;
use crate::probe::Run;
use crate::probe::exchange::Message;

/// The preflight.
pub fn preflight(run: &Run<'_>, request: &Request<'_>) -> Vec<u8> {
    let mut message = Message::begin(run, "OPTIONS", &[]);
    message.line(&[b"Accept: */*"]);
    let method = request.fetch.method().as_str();
    message.line(&[b"Access-Control-Request-Method: ", method.as_bytes()]);
    if let Some(names) = request.names() {
        message.line(&[b"Access-Control-Request-Headers: ", names.as_bytes()]);
    }
    end(message, request, None)
}

/// The request itself.
pub fn request(run: &Run<'_>, request: &Request<'_>) -> Vec<u8> {
    let fetch = request.fetch;
    let (method, headers) = (fetch.method().as_str(), fetch.headers());
    let mut message = Message::begin(run, method, headers);
    message.headers(method, headers, fetch.body());
    end(message, request, fetch.body())
}

fn end(mut message: Message, request: &Request<'_>, body: Option<&str>) -> Vec<u8> {
    let origin = request.origin.header().unwrap_or("null");
    message.line(&[b"Origin: ", origin.as_bytes()]);
    message.end(body)
}

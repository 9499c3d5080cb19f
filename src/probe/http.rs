//! The HTTP probe: one request of a server's own route, and what the answer must and must not hold.

use std::sync::Arc;

use serde_json::Value;

use super::Run;
use super::answer;
use super::body::{self, Framing};
use super::dial::{Stream, dial};
use super::exchange::{Message, exchange, goodbye};
use super::head::Head;
use super::witness::Witness;
use crate::check::conversation::Place;
use crate::check::probe::Http;
use crate::outcome::failure::Failure;
use crate::outcome::header;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;
use crate::outcome::response::Response;

/// Runs it. A redirect is an answer as any other.
pub async fn run(run: &Run<'_>, http: &Http, witness: &mut Witness) -> Result<(), Failure> {
    let ended = attempt(run, http, witness).await;
    ended.map_err(|failure| witness.meant_by(failure))
}

async fn attempt(run: &Run<'_>, http: &Http, witness: &mut Witness) -> Result<(), Failure> {
    let mut stream = dial(run, witness).await?;
    let message = message(run, http);
    let head = exchange(&mut stream, &message, Phase::Request, witness).await?;
    let framing = Framing::of(&head, http.method.as_str())?;
    let (response, leaked) = head.parse(|status, phrase, headers| {
        let is_there = |name: &&String| header::whole(headers, name).next().is_some();
        let leaked = http.forbidden.iter().find(is_there).cloned();
        Ok((evidence(answer::evidence(status, phrase, headers), &http.forbidden), leaked))
    })?;
    witness.seen.http_status = Some(response.status);
    if !http.statuses.contains(response.status) {
        return refuse(run, head, stream, (framing, response), witness).await;
    }
    if let Some(name) = leaked {
        witness.seen.refusal = Some(Arc::new(response));
        goodbye(run, stream, witness).await;
        return Err(Failure::HttpHeaderLeaked { name });
    }
    witness.enter(Phase::Transfer);
    let content = body::whole(&mut stream, head.into_rest(), framing).await;
    goodbye(run, stream, witness).await;
    judge(&http.places, content?)
}

/// The request, header by header.
fn message(run: &Run<'_>, http: &Http) -> Vec<u8> {
    let (method, body) = (http.method.as_str(), http.body.as_deref());
    let mut message = Message::begin(run, method, &http.headers);
    message.headers(method, &http.headers, body);
    message.end(body)
}

/// Ends a run whose answer has another status than the wanted ones, with what it says.
async fn refuse(
    run: &Run<'_>,
    head: Head,
    stream: Stream,
    (framing, mut response): (Framing, Response),
    witness: &mut Witness,
) -> Result<(), Failure> {
    witness.enter(Phase::Close);
    response.body = body::excerpt(stream, head.into_rest(), framing, run.last_word()).await;
    let response = Arc::new(response);
    witness.seen.refusal = Some(response.clone());
    Err(Failure::HttpStatusUnexpected(response))
}

/// What must not leave the server is not shown here either.
fn evidence(mut response: Response, forbidden: &[String]) -> Response {
    for (name, value) in &mut response.headers {
        if forbidden.iter().any(|secret| secret == name.as_str()) {
            *value = Quoted::text("(left out)");
        }
    }
    response
}

/// Whether a body is as it shall be. Of a good one nothing is kept: it may hold what is meant for
/// a visitor alone.
fn judge(places: &[Place], content: Option<Vec<u8>>) -> Result<(), Failure> {
    if places.is_empty() {
        return Ok(());
    }
    let content = content.ok_or(Failure::HttpBodyTooBig)?;
    let Ok(json) = serde_json::from_slice::<Value>(&content) else {
        let start = Quoted::bytes(content.get(..content.len().min(64)).unwrap_or_default());
        let detail = format!("no JSON: it begins with {:?}", start.as_str());
        return Err(Failure::HttpJsonUnexpected { detail });
    };
    match places.iter().find(|place| !place.is_in(&json)) {
        None => Ok(()),
        Some(place) => Err(Failure::HttpJsonUnexpected { detail: wrong(place, &json) }),
    }
}

fn wrong(place: &Place, json: &Value) -> String {
    let pointer = Quoted::text(&place.pointer);
    match json.pointer(&place.pointer) {
        None => format!("{pointer} is not there"),
        Some(found) => {
            let wanted = place.equals.as_ref().map(|value| Quoted::text(&value.to_string()));
            let found = Quoted::text(&found.to_string());
            format!("{pointer} is {found}, not {}", wanted.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(pointer: &str, equals: Option<Value>) -> Place {
        Place { pointer: pointer.to_owned(), equals }
    }

    fn judged(place: Place, content: &str) -> Result<(), String> {
        let judged = judge(&[place], Some(content.into()));
        judged.map_err(|failure| failure.evidence())
    }

    #[test]
    fn every_place_must_be_as_wanted() {
        let body = r#"{"conversationId":"c-1","ok":true}"#;
        assert_eq!(judged(place("/conversationId", None), body), Ok(()));
        assert_eq!(judged(place("/ok", Some(true.into())), body), Ok(()));
        let said = |place, body| judged(place, body).unwrap_err();
        assert_eq!(said(place("/guestId", None), body), "/guestId is not there");
        assert_eq!(said(place("/ok", Some(false.into())), body), "/ok is true, not false");
        let page = "<html>\u{1b}[2J";
        assert_eq!(said(place("/ok", None), page), "no JSON: it begins with \"<html>·[2J\"");
        assert_eq!(said(place("/ok", None), ""), "no JSON: it begins with \"\"");
        let deep = "[".repeat(10_000);
        assert!(said(place("/0", None), &deep).starts_with("no JSON"));
        let many = [place("/ok", None), place("/no", None)];
        assert!(judge(&many, Some(body.into())).is_err());
    }

    #[test]
    fn a_body_that_nobody_reads_may_be_of_any_size() {
        assert_eq!(judge(&[], None), Ok(()));
        assert_eq!(judge(&[place("", None)], None), Err(Failure::HttpBodyTooBig));
    }
}

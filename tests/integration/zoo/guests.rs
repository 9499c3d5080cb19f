//! Those that let a messenger's guest in and misbehave as a messenger.

use serde_json::{Value, json};
use watchpost::outcome::phase::Phase::Transfer;
use watchpost::outcome::reason::Reason::{self, *};

use super::cage::{Animal, flood};
use super::frames::{close, frame};
use crate::fixture::raw::{self, OPEN};

/// A guest who asks how the deployment is configured.
const CONFIGURATION: &str = "probes = [\"messaging\"]";

/// One who asks for a session, too.
const SESSION: &str = "probes = [\"messaging\"]\nmessaging = { level = \"session\" }";

pub fn animals() -> Vec<Animal> {
    let mut animals = odd();
    animals.extend(nonsense());
    animals.extend(refusing());
    animals.extend(too_much());
    animals
}

fn text(value: &Value) -> Vec<u8> {
    frame(0x81, value.to_string().as_bytes())
}

fn message(class: &str, body: &Value) -> Vec<u8> {
    text(&json!({ "type": "message", "class": class, "code": 200, "body": body }))
}

fn configuration() -> Vec<u8> {
    message("GetConfigurationResponse", &json!({}))
}

fn goodbye() -> Vec<u8> {
    close(1000, b"")
}

fn guest(name: &str, ends: Option<Reason>, frames: &[Vec<u8>]) -> Animal {
    let ends = ends.map(|reason| (Transfer, reason));
    Animal::sending(name, ends, frames.concat()).keys(CONFIGURATION).reads(70_000)
}

/// What a guest passes over, or takes.
fn odd() -> Vec<Animal> {
    let late = text(&json!({
        "type": "response", "class": "string", "code": 4007, "body": "late", "tracingId": "other",
    }));
    let code = text(&json!({ "class": "GetConfigurationResponse", "code": "200" }));
    vec![
        guest("a configuration", None, &[configuration(), goodbye()]),
        guest("a configuration twice", None, &[configuration(), configuration(), goodbye()]),
        guest("a code that is text", None, &[code, goodbye()]),
        guest("an error of another question before it", None, &[late, configuration(), goodbye()]),
        guest(
            "events, bytes and nonsense before it",
            None,
            &[
                message("BrandNewEvent", &json!([1, { "a": null }])),
                frame(0x82, &[0xff; 64]),
                frame(0x81, b"no JSON"),
                frame(0x81, b""),
                configuration(),
                goodbye(),
            ],
        ),
    ]
}

/// None of these is from the application; its Close ends the waiting.
fn nonsense() -> Vec<Animal> {
    let nested = |depth: usize| {
        let text = format!("{{\"class\":\"string\",\"code\":200,\"body\":{}", "[".repeat(depth));
        frame(0x81, text.as_bytes())
    };
    let closed = |name: &str, frames: &[Vec<u8>]| guest(name, Some(ClosedByServer), frames);
    vec![
        guest("a guest who hears a page", Some(MessagingMalformed), &[frame(0x81, b"<html>")]),
        closed("a word, and a Close", &[frame(0x81, b"welcome"), goodbye()]),
        closed("an envelope of 60,000 levels", &[nested(60_000), goodbye()]),
        closed("a class that is a number", &[text(&json!({ "class": 7 })), goodbye()]),
        closed(
            "a code beyond all codes",
            &[text(&json!({ "class": "string", "code": 1e300 })), goodbye()],
        ),
        closed("a configuration in bytes", &[frame(0x82, &configuration()[2..]), goodbye()]),
        closed("a guest who is sent away with 1008", &[close(1008, b"policy")]),
        closed("a guest who is sent away with 4403", &[close(4403, b"\x1b[2Jorigin")]),
        closed("a Close between question and answer", &[goodbye(), configuration()]),
        guest("a Close with 1006 for a guest", Some(FrameInvalid), &[close(1006, b"")]),
    ]
}

fn refusing() -> Vec<Animal> {
    let error = |code: u32, body: Value| {
        text(&json!({ "type": "response", "class": "string", "code": code, "body": body }))
    };
    let session = |body: Value| message("SessionResponse", &body);
    let throttled = json!({ "retryAfter": 1e300, "errorCode": -1, "errorMessage": "\u{1b}[2J" });
    let in_session =
        |name: &str, reason, frames: &[Vec<u8>]| guest(name, Some(reason), frames).keys(SESSION);
    vec![
        guest("a messenger that is off", Some(MessagingUnavailable), &[error(4000, json!("off"))]),
        guest("an error without a word", Some(MessagingServerError), &[error(5000, json!(null))]),
        guest(
            "an error that says a list",
            Some(MessagingError),
            &[error(4711, json!([[], { "message": 7 }]))],
        ),
        guest(
            "a wait of an age",
            Some(MessagingThrottled),
            &[message("TooManyRequestsErrorMessage", &throttled)],
        ),
        guest(
            "a guest who is driven out",
            Some(MessagingConnectionClosed),
            &[message("ConnectionClosedEvent", &json!({ "reason": "\u{202e}signedIn" }))],
        ),
        guest(
            "one who is driven out without a reason",
            Some(MessagingConnectionClosed),
            &[message("ConnectionClosedEvent", &json!(null)), configuration()],
        ),
        in_session(
            "a conversation that begins by itself",
            MessagingAutoStarted,
            &[configuration(), session(json!({ "autoStarted": true }))],
        ),
        in_session(
            "one that says so in a text",
            MessagingAutoStarted,
            &[configuration(), session(json!({ "autoStarted": "true", "readOnly": 1 }))],
        ),
        in_session(
            "sessions that are over, each",
            MessagingReadOnly,
            &[
                configuration(),
                session(json!({ "readOnly": true })),
                session(json!({ "readOnly": true })),
            ],
        ),
        in_session(
            "tokens that are expired, each",
            MessagingSessionExpired,
            &[configuration(), error(4006, json!("old")), error(4006, json!("old"))],
        ),
    ]
}

fn too_much() -> Vec<Animal> {
    let event = message("BrandNewEvent", &json!({}));
    let flooding =
        Animal::plain("events for ever", Some((Transfer, FrameFlood)), move |mut stream| {
            let many = event.repeat(4096_usize.div_ceil(event.len()));
            async move {
                raw::answer(&mut stream, OPEN).await;
                flood(stream, &many).await;
            }
        });
    let long = json!({ "class": "string", "code": 200, "body": "x".repeat(10 << 20) });
    vec![
        flooding.keys(CONFIGURATION).reads(70_000),
        guest("an envelope of 10 MB", Some(FrameTooBig), &[text(&long)]),
    ]
}

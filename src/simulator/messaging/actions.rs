//! What becomes of a guest's frames.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::asked::{Asked, Frames};
use super::session::Session;
use super::{frames, per_second, talk};
use crate::simulator::org::Org;
use crate::simulator::sockets::Push;

/// Longest token.
const MAX_TOKEN: usize = 2048;

/// What a frame is answered with.
pub fn act(org: &mut Org, line: u64, text: &str, now: Timestamp) -> Frames {
    let Ok(body @ Value::Object(_)) = serde_json::from_str::<Value>(text) else {
        return vec![(line, frames::error(400, "Bad Request", None))];
    };
    let Some(visit) = org.messaging.visits.get_mut(&line) else { return Vec::new() };
    let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (action, token) = (field("action"), field("token"));
    let refused = visit.refused;
    let asked = Asked { line, deployment: visit.deployment.clone(), token, body, now };
    if !visit.requests.takes(now) {
        let seconds = visit.requests.seconds_left(now);
        return asked.too_many(seconds, "Request rate too high for this connection");
    }
    if let Some(code) = org.messaging.refusals.get(&action) {
        return asked.refusal(*code);
    }
    match action.as_str() {
        _ if refused => asked.error(403, "HTTP authorization error"),
        "" => asked.error(4020, "missing parameter action"),
        _ if asked.token.is_empty() => asked.error(4020, "missing parameter token"),
        _ if asked.token.len() > MAX_TOKEN => asked.error(400, "token is too long"),
        "getConfiguration" => configuration(org, &asked),
        "configureSession" => configure(org, &asked),
        "echo" => echo(org, &asked),
        "onMessage" => talk::message(org, &asked),
        "getJwt" => jwt(org, &asked),
        "closeSession" => close(org, &asked),
        _ => asked.error(400, "unknown action"),
    }
}

fn configuration(org: &mut Org, asked: &Asked) -> Frames {
    match org.deployment(&asked.deployment) {
        Some(deployment) => {
            asked.answer("GetConfigurationResponse", &frames::configuration(deployment))
        }
        None => asked.error(404, "deployment not found"),
    }
}

fn configure(org: &mut Org, asked: &Asked) -> Frames {
    let Some(deployment) = org.deployment(&asked.deployment).cloned() else {
        return asked.error(404, "deployment not found");
    };
    if asked.text("/deploymentId") != deployment.id {
        return asked.error(4020, "missing parameter deploymentId");
    }
    if deployment.configuration.auth {
        return asked.error(403, "Session authentication failed");
    }
    let limits = &mut org.messaging;
    let (key, most) = (asked.session(), limits.messages_per_second);
    if limits.sessions.get(&key).is_some_and(|session| session.expired) {
        return asked.error(4006, "session expired error message");
    }
    let starts_new = asked.body.get("startNew").and_then(Value::as_bool).unwrap_or(false);
    let is_new = !limits.sessions.contains_key(&key);
    let session = limits.sessions.entry(key).or_insert_with(|| Session {
        expired: false,
        read_only: deployment.read_only,
        conversation: None,
        lines: Vec::new(),
        messages: per_second(most),
    });
    let restarts = starts_new && session.read_only;
    if restarts {
        session.read_only = false;
        session.conversation = None;
    }
    if !session.lines.contains(&asked.line) {
        session.lines.push(asked.line);
    }
    let evicted = match session.lines.len() > limits.connections_per_token {
        true => Some(session.lines.remove(0)),
        false => None,
    };
    let until = SignedDuration::from_secs(
        i64::try_from(deployment.configuration.session_seconds).unwrap_or(i64::MAX),
    );
    let until = asked.now.saturating_add(until).unwrap_or(Timestamp::MAX).as_second();
    let body = frames::session(&deployment, is_new || restarts, session.read_only, until);
    if let Some(line) = evicted {
        org.lines.send(line, &frames::closed("maxConnectionsReached"));
        org.lines.push(line, Push::Close(1000, "evicted"));
    }
    asked.answer("SessionResponse", &body)
}

/// The session of a frame, where there is one.
pub fn session<'a>(org: &'a mut Org, asked: &Asked) -> Result<&'a mut Session, Frames> {
    match org.messaging.sessions.get_mut(&asked.session()) {
        None => Err(asked.error(4007, "session not found error message")),
        Some(session) if session.expired => Err(asked.error(4006, "session expired error message")),
        Some(session) => Ok(session),
    }
}

fn echo(org: &mut Org, asked: &Asked) -> Frames {
    if let Err(frames) = session(org, asked) {
        return frames;
    }
    let Some(visit) = org.messaging.visits.get_mut(&asked.line) else { return Vec::new() };
    if !visit.echoes.takes(asked.now) {
        let seconds = visit.echoes.seconds_left(asked.now);
        return asked.too_many(seconds, "Health check rate too high for this connection");
    }
    let id = org.ids.uuid();
    let body = json!({
        "text": asked.text("/message/text"), "type": "Text", "direction": "Inbound", "id": id,
        "channel": { "time": asked.now.to_string(), "type": "Private" }, "metadata": {},
    });
    asked.answer("StructuredMessage", &body)
}

fn jwt(org: &mut Org, asked: &Asked) -> Frames {
    if let Err(frames) = session(org, asked) {
        return frames;
    }
    let jwt = org.ids.secret();
    asked.answer("JwtResponse", &json!({ "jwt": jwt, "exp": asked.now.as_second() + 60 }))
}

fn close(org: &mut Org, asked: &Asked) -> Frames {
    let all = asked.body.get("closeAllConnections").and_then(Value::as_bool).unwrap_or(false);
    let lines = match session(org, asked) {
        Err(frames) => return frames,
        Ok(session) if all => session.lines.clone(),
        Ok(_) => vec![asked.line],
    };
    for line in lines {
        org.lines.send(line, &frames::closed("userInitiated"));
        org.lines.push(line, Push::Close(1000, "closed"));
    }
    Vec::new()
}

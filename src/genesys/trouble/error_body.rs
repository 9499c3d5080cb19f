//! What an answer that is no success says: statuses, and the two kinds of error bodies.

use serde_json::Value;

use super::Kind;
use crate::event::key::Key;
use crate::outcome::quoted::Quoted;

/// Most permissions that are named.
const MAX_NAMES: usize = 16;

/// Why the platform API, or a public file, was not to be had. `body` is what could be read of it,
/// `text` its first bytes.
pub fn classify(status: u16, body: &Value, text: &Quoted) -> Kind {
    let said = said(body, text);
    let code = body.get("code").and_then(Value::as_str).unwrap_or_default();
    match status {
        401 => Kind::Unauthorized,
        403 => match permissions(body) {
            names if names.is_empty() => Kind::Forbidden { said },
            names => Kind::MissingPermission { names },
        },
        404 => Kind::NotFound,
        408 => Kind::ServerError { said },
        409 | 412 => Kind::Conflict { said },
        410 => Kind::Gone,
        400 if is_version_conflict(code, body) => Kind::Conflict { said },
        400..=499 => Kind::BadRequest { said },
        500..=599 => Kind::ServerError { said },
        _ => Kind::Nonsense,
    }
}

/// Why there is no token. The status is 400 or 401, whatever is wrong: the text tells.
pub fn refused_token(status: u16, body: &Value, text: &Quoted) -> Kind {
    let of = |name| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let description = match (of("error_description"), of("description")) {
        ("", other) => other,
        (description, _) => description,
    };
    let lower = description.to_ascii_lowercase();
    match (of("error"), status) {
        (_, 500..=599) => classify(status, body, text),
        ("invalid_client", _) if lower.contains("not found") => Kind::WrongRegion,
        ("invalid_client", _) if lower.contains("authentication failed") => Kind::WrongSecret,
        ("", 400 | 401) | (_, 400..=499) if !matches!(status, 404 | 408 | 410) => {
            let said = if description.is_empty() { said(body, text) } else { quote(description) };
            Kind::BadClient { said }
        }
        _ => classify(status, body, text),
    }
}

/// The message of an error body, or what there is instead.
fn said(body: &Value, text: &Quoted) -> Quoted {
    let written = ["message", "messageWithParams", "error_description", "error", "code"];
    let message = written.iter().find_map(|name| body.get(*name)?.as_str());
    message.filter(|message| !message.trim().is_empty()).map_or_else(|| text.clone(), quote)
}

fn quote(text: &str) -> Quoted {
    Quoted::text(text)
}

/// Some calls answer a conflict with 400.
fn is_version_conflict(code: &str, body: &Value) -> bool {
    let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
    let message = message.to_ascii_lowercase();
    message.contains("does not match the current version")
        || message.contains("version mismatch")
        || code.to_ascii_lowercase().contains("version.mismatch")
}

/// The permissions that a 403 names: in parameters, in details, or in its message.
fn permissions(body: &Value) -> Vec<Key> {
    let mut names: Vec<Key> = Vec::new();
    let mut add = |text: &str| {
        for word in words(text) {
            if names.len() < MAX_NAMES && !names.contains(&word) {
                names.push(word);
            }
        }
    };
    if let Some(Value::Object(parameters)) = body.get("messageParams") {
        parameters.values().filter_map(Value::as_str).for_each(&mut add);
    }
    if let Some(Value::Array(missing)) = body.get("missingPermissions") {
        missing.iter().filter_map(Value::as_str).for_each(&mut add);
    }
    for name in ["message", "messageWithParams"] {
        if let Some(text) = body.get(name).and_then(Value::as_str) {
            add(text);
        }
    }
    names
}

/// Words of the form `domain:entity:action`.
fn words(text: &str) -> impl Iterator<Item = Key> {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '*');
    let words = text.split(move |c: char| !kept(c));
    let words = words.map(|word| word.trim_matches(':'));
    let permission = |word: &&str| {
        let parts = word.split(':');
        word.split(':').count() == 3 && parts.into_iter().all(|part| !part.is_empty())
    };
    words.filter(permission).filter_map(|word| Key::new(word).ok())
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};
    use serde_json::json;

    use super::*;

    fn code(status: u16, body: &Value) -> &'static str {
        classify(status, body, &Quoted::text("raw")).code()
    }

    #[test]
    fn a_status_and_a_body_say_why() {
        let version = "The version 3 does not match the current version 4";
        for (status, body, expected) in [
            (400, json!({"message": "bad"}), "bad_request"),
            (400, json!({"message": version}), "conflict"),
            (400, json!({"code": "general.version.mismatch"}), "conflict"),
            (401, json!({"code": "bad.credentials"}), "unauthorized"),
            (403, json!({"message": "no"}), "forbidden"),
            (
                403,
                json!({"code": "missing.any.permissions", "messageParams": {"permissions": "webDeployments:deployment:view"}}),
                "missing_permission",
            ),
            (404, json!(null), "not_found"),
            (408, json!(null), "server_error"),
            (409, json!({"message": "x"}), "conflict"),
            (410, json!(null), "gone"),
            (412, json!(null), "conflict"),
            (418, json!(null), "bad_request"),
            (500, json!(null), "server_error"),
            (599, json!([]), "server_error"),
            (199, json!(null), "nonsense"),
            (600, json!(null), "nonsense"),
        ] {
            assert_eq!(code(status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn missing_permissions_are_named() {
        let message = "Unable to perform the requested action. You are missing the following \
            permission(s): [webDeployments:deployment:view, audits:audit:view].";
        for body in [
            json!({"message": message}),
            json!({"messageParams": {"p": "webDeployments:deployment:view,audits:audit:view"}}),
            json!({"missingPermissions": ["webDeployments:deployment:view", "audits:audit:view"]}),
        ] {
            let Kind::MissingPermission { names } = classify(403, &body, &Quoted::default()) else {
                panic!("{body}")
            };
            let names: Vec<_> = names.iter().map(Key::as_str).collect();
            assert_eq!(names, ["webDeployments:deployment:view", "audits:audit:view"], "{body}");
        }
        let many = (0..100).map(|n| format!("a:b:c{n}")).collect::<Vec<_>>().join(" ");
        let Kind::MissingPermission { names } =
            classify(403, &json!({"message": many}), &Quoted::default())
        else {
            panic!()
        };
        assert_eq!(names.len(), MAX_NAMES);
    }

    #[test]
    fn the_text_of_a_refused_token_tells_what_is_wrong() {
        for (status, body, expected) in [
            (
                400,
                json!({"error": "invalid_client", "description": "client not found: x", "error_description": "client not found: x"}),
                "wrong_region",
            ),
            (
                401,
                json!({"error": "invalid_client", "error_description": "client not found: x"}),
                "wrong_region",
            ),
            (
                401,
                json!({"error": "invalid_client", "description": "authentication failed"}),
                "wrong_secret",
            ),
            (400, json!({"error": "invalid_client"}), "bad_client"),
            (400, json!({"error": "unsupported_grant_type", "description": "no"}), "bad_client"),
            (403, json!({"error": "x"}), "bad_client"),
            (401, json!(null), "bad_client"),
            (404, json!(null), "not_found"),
            (
                500,
                json!({"error": "invalid_client", "description": "authentication failed"}),
                "server_error",
            ),
        ] {
            let kind = refused_token(status, &body, &Quoted::text("raw"));
            assert_eq!(kind.code(), expected, "{status} {body}");
        }
    }

    #[test]
    fn what_is_said_is_the_message_or_the_first_bytes() {
        let text = Quoted::text("<html>");
        let Kind::BadRequest { said } = classify(400, &json!({"message": "x\u{1b}[2J"}), &text)
        else {
            panic!()
        };
        assert_eq!(said.as_str(), "x·[2J");
        let Kind::BadRequest { said } = classify(400, &Value::Null, &text) else { panic!() };
        assert_eq!(said.as_str(), "<html>");
    }

    proptest! {
        #[test]
        fn any_answer_is_read(status in 0_u16..1000, message in ".{0,80}", key in "[a-z_]{1,12}") {
            let body = json!({ "message": message, key.clone(): {"a": [1, message]}, "code": 1 });
            for kind in [
                classify(status, &body, &Quoted::default()),
                refused_token(status, &body, &Quoted::default()),
            ] {
                prop_assert!(!kind.code().is_empty() && kind.to_string().len() < 4096);
            }
        }
    }
}

//! What the older tutorials ask for, and the real Genesys Cloud does not have: webchat channels
//! with versions, webhooks, and a log of audits.

use http::header::IF_MATCH;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::org::{Org, Reply};
use super::request::Request;
use super::sockets::Kind;

/// What the tutorials' paths know.
#[derive(Debug, Default)]
pub struct Seeds {
    /// The channels, whose `version` is theirs.
    pub channels: Vec<Channel>,
    /// The webhooks.
    pub webhooks: Vec<Value>,
    /// Somebody else writes a channel just before so many of the next writes.
    pub races: usize,
    /// Whether a conflict of versions is 400 with a message, and not 409.
    pub conflict_is_bad_request: bool,
}

/// A webchat channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its id.
    pub id: String,
    /// Counts its writes.
    pub version: u64,
    /// All else.
    pub body: Value,
}

impl Channel {
    /// One for pages of these origins.
    pub fn new(id: &str, url: &str, origins: &[&str]) -> Self {
        let body = json!({
            "name": "Shop webchat", "description": "", "enabled": true,
            "webchatSettings": {
                "webchatUrl": url, "corsAllowedOrigins": origins,
                "authProviderId": "oauth2-provider-12345", "webchatId": "webchat-instance-67890",
            },
        });
        Self { id: id.to_owned(), version: 1, body }
    }

    /// As the API shows it.
    pub fn to_json(&self) -> Value {
        let mut body = self.body.clone();
        if let Value::Object(body) = &mut body {
            body.insert("id".to_owned(), self.id.as_str().into());
            body.insert("version".to_owned(), self.version.into());
        }
        body
    }

    /// Whether a page of this origin may connect.
    fn admits(&self, origin: &str) -> bool {
        let origins = self.body.pointer("/webchatSettings/corsAllowedOrigins");
        self.body.get("enabled").is_some_and(|on| *on == true)
            && origins.and_then(Value::as_array).into_iter().flatten().any(|one| one == origin)
    }
}

/// `/api/v2/webchat/channels/{id}`.
pub(super) fn channel(org: &mut Org, request: &Request, now: Timestamp) -> Answer {
    let id = request.segments().get(4).copied().unwrap_or_default().to_owned();
    let seeds = &mut org.seeds;
    let Some(channel) = seeds.channels.iter_mut().find(|channel| channel.id == id) else {
        return Answer::not_found("The requested channel");
    };
    match request.method {
        Method::GET => Answer::ok(&channel.to_json()),
        Method::PUT => {
            if seeds.races > 0 {
                seeds.races -= 1;
                channel.version += 1;
            }
            let ours = channel.version.to_string();
            let theirs = request.headers.get(IF_MATCH).and_then(|value| value.to_str().ok());
            let theirs = theirs.map(|value| value.trim_start_matches("W/").trim_matches('"'));
            let conflict = match seeds.conflict_is_bad_request {
                true => StatusCode::BAD_REQUEST,
                false => StatusCode::CONFLICT,
            };
            match theirs {
                None => Answer::bad("The If-Match header is missing."),
                Some(theirs) if theirs != ours => Answer::error(
                    conflict,
                    "version.conflict",
                    &format!("The version {theirs} does not match the current version {ours}."),
                ),
                Some(_) => match request.json().ok_or("The request body is not JSON.") {
                    Err(what) => Answer::bad(what),
                    Ok(body) => match lacks(&body) {
                        Some(what) => Answer::bad(what),
                        None => put(org, &id, body, now),
                    },
                },
            }
        }
        _ => Answer::no_method(),
    }
}

fn put(org: &mut Org, id: &str, mut body: Value, now: Timestamp) -> Answer {
    let Some(channel) = org.seeds.channels.iter_mut().find(|channel| channel.id == id) else {
        return Answer::not_found("The requested channel");
    };
    let origins = |body: &Value| {
        let list = body.pointer("/webchatSettings/corsAllowedOrigins").and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        texts.collect::<Vec<_>>()
    };
    let (old, new) = (origins(&channel.body), origins(&body));
    if let Value::Object(body) = &mut body {
        body.remove("id");
        body.remove("version");
    }
    channel.body = body;
    channel.version += 1;
    let answer = Answer::ok(&channel.to_json());
    let name = channel.body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let entity = (id.to_owned(), name);
    org.audit(("Webchat", "Channel"), entity, "Update", ("corsAllowedOrigins", old, new), now);
    answer
}

/// What a channel must have, and this one does not.
fn lacks(body: &Value) -> Option<&'static str> {
    let settings = body.get("webchatSettings")?;
    let text = |name: &str| settings.get(name).and_then(Value::as_str).unwrap_or_default();
    let origins = settings.get("corsAllowedOrigins").and_then(Value::as_array);
    let secure = |one: &Value| one.as_str().is_some_and(|origin| origin.starts_with("https://"));
    match origins {
        None => Some("corsAllowedOrigins must be an array of valid HTTPS origins."),
        Some(origins) if !origins.iter().all(secure) => {
            Some("corsAllowedOrigins must be an array of valid HTTPS origins.")
        }
        _ if text("authProviderId").is_empty() => Some("authProviderId is required."),
        _ if text("webchatUrl").is_empty() => Some("webchatUrl is required."),
        _ => None,
    }
}

/// `/api/v2/webhooks`, and `/api/v2/webhooks/{id}`.
pub(super) fn webhooks(org: &mut Org, request: &Request) -> Answer {
    if let Some(id) = request.segments().get(3) {
        return webhook(org, id, request);
    }
    match request.method {
        Method::GET => Answer::ok(&json!({
            "entities": org.seeds.webhooks, "total": org.seeds.webhooks.len(),
            "pageSize": 100, "pageNumber": 1,
        })),
        Method::POST => {
            let Some(mut body @ Value::Object(_)) = request.json() else {
                return Answer::bad("The request body is not JSON.");
            };
            if let Some(refusal) = unfit(org, &body, None) {
                return refusal;
            }
            if let Value::Object(body) = &mut body {
                body.insert("id".to_owned(), org.ids.uuid().into());
                body.insert("version".to_owned(), 1.into());
            }
            org.seeds.webhooks.push(body.clone());
            Answer::json(StatusCode::CREATED, &body)
        }
        _ => Answer::no_method(),
    }
}

/// One webhook: its body is replaced, and its version counted, as a channel's is.
fn webhook(org: &mut Org, id: &str, request: &Request) -> Answer {
    let is_it = |one: &Value| one.get("id").is_some_and(|known| known == id);
    let Some(at) = org.seeds.webhooks.iter().position(is_it) else {
        return Answer::not_found("The requested webhook");
    };
    let Some(known) = org.seeds.webhooks.get(at).cloned() else {
        return Answer::not_found("The requested webhook");
    };
    match request.method {
        Method::GET => Answer::ok(&known),
        Method::PUT => {
            let Some(mut body @ Value::Object(_)) = request.json() else {
                return Answer::bad("The request body is not JSON.");
            };
            if let Some(refusal) = unfit(org, &body, Some(id)) {
                return refusal;
            }
            let version = known.get("version").and_then(Value::as_u64).unwrap_or_default();
            if let Value::Object(body) = &mut body {
                body.insert("id".to_owned(), id.into());
                body.insert("version".to_owned(), (version + 1).into());
            }
            if let Some(webhook) = org.seeds.webhooks.get_mut(at) {
                *webhook = body.clone();
            }
            Answer::ok(&body)
        }
        _ => Answer::no_method(),
    }
}

/// Why a webhook, that of `id` or a new one, cannot be as a body says.
fn unfit(org: &Org, body: &Value, id: Option<&str>) -> Option<Answer> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("name").is_empty() || text("address").is_empty() || text("event").is_empty() {
        return Some(Answer::bad("name, event and address are required."));
    }
    let mut others = org.seeds.webhooks.iter();
    let has_name = |one: &Value| {
        one.get("name") == body.get("name") && one.get("id").and_then(Value::as_str) != id
    };
    others.any(has_name).then(|| {
        let message = "A webhook with this name already exists.";
        Answer::error(StatusCode::CONFLICT, "conflict", message)
    })
}

/// `/api/v2/auditlogs…`: by parameters, or by a body with the same names.
pub(super) fn audits(org: &Org, request: &Request) -> Answer {
    let body = request.json().unwrap_or_default();
    let text = |name: &str| {
        let said = body.get(name).and_then(Value::as_str).map(str::to_owned);
        request.parameter(name).or(said)
    };
    let time = |name: &str| text(name).and_then(|text| text.parse::<Timestamp>().ok());
    let (Some(from), Some(to)) = (time("startTime"), time("endTime")) else {
        return Answer::bad("startTime and endTime are required.");
    };
    let entity = text("filter").and_then(|it| it.strip_prefix("entityId:").map(str::to_owned));
    let number = |name: &str| {
        let said = body.get(name).and_then(Value::as_u64).map(|number| number.to_string());
        request.parameter(name).or(said).and_then(|text| text.parse::<usize>().ok())
    };
    let size = number("pageSize").unwrap_or(100).clamp(1, 100);
    let first = text("cursor").and_then(|it| it.strip_prefix("page-")?.parse().ok()).unwrap_or(0);
    let found: Vec<_> = org
        .audits
        .all
        .iter()
        .filter(|audit| (from..=to).contains(&audit.at))
        .filter(|audit| entity.as_ref().is_none_or(|id| audit.entity.0 == *id))
        .collect();
    let entities: Vec<_> =
        found.iter().skip(first).take(size).map(|audit| audit.to_json()).collect();
    let next = (first + size < found.len()).then(|| format!("page-{}", first + size));
    Answer::ok(&json!({ "entities": entities, "pageSize": size, "nextPageCursor": next }))
}

/// `/webchat`: who names an origin must be on the list of a channel.
pub(super) fn upgrade(org: &mut Org, request: &Request) -> Reply {
    let admits = |origin| org.seeds.channels.iter().any(|channel| channel.admits(origin));
    match request.header("origin").is_none_or(admits) {
        true => Reply::Socket(org.lines.open(Kind::Seed, None)),
        false => Reply::Answer(Answer::text(StatusCode::FORBIDDEN, "text/plain", "Forbidden")),
    }
}

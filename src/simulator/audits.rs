//! Who changed what: asked at once, or in a query that takes its time.

pub mod audit;

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::{Answer, without_nulls};
use super::org::Org;
use super::request::Request;
use audit::{Audit, Filter};

/// How far back what is asked at once may reach.
const REALTIME: SignedDuration = SignedDuration::from_hours(14 * 24);

/// All that was changed.
#[derive(Debug)]
pub struct Audits {
    /// Oldest first.
    pub all: Vec<Audit>,
    /// The services that may be asked at once.
    pub realtime: BTreeSet<String>,
    /// Those of them that are refused all the same.
    pub refused: BTreeSet<String>,
    /// How often a query is looked at until it is done.
    pub looks: usize,
    /// Whether queries fail.
    pub fail: bool,
    queries: BTreeMap<String, Query>,
}

#[derive(Debug)]
struct Query {
    filter: Filter,
    looks: usize,
    body: Value,
}

impl Default for Audits {
    fn default() -> Self {
        let services = ["WebDeployments", "Webhooks", "Messaging", "Integrations"];
        Self {
            all: Vec::new(),
            realtime: services.into_iter().map(str::to_owned).collect(),
            refused: BTreeSet::new(),
            looks: 2,
            fail: false,
            queries: BTreeMap::new(),
        }
    }
}

/// `/api/v2/audits/…`.
pub(super) fn answer(org: &mut Org, request: &Request, now: Timestamp) -> Answer {
    let segments = request.segments();
    match (segments.get(3..).unwrap_or_default(), &request.method) {
        (["query", "servicemapping"], &Method::GET) => {
            let all = Audits::default().realtime;
            Answer::ok(&services(&all))
        }
        (["query", "realtime", "servicemapping"], &Method::GET) => {
            Answer::ok(&services(&org.audits.realtime))
        }
        (["query", "realtime"], &Method::POST) => match filter(request) {
            Ok((filter, body)) => realtime(org, &filter, &body, now),
            Err(answer) => answer,
        },
        (["query"], &Method::POST) => match filter(request) {
            Ok((filter, body)) => begin(org, filter, &body, now),
            Err(answer) => answer,
        },
        (["query", id], &Method::GET) => look(org, id),
        (["query", id, "results"], &Method::GET) => results(org, id, request),
        _ => Answer::not_found("The requested resource"),
    }
}

fn services(names: &BTreeSet<String>) -> Value {
    let service = |name: &String| {
        let actions = ["Create", "Update", "Delete", "Publish", "Activate", "Deactivate"];
        let entity = |name: &str| json!({ "name": name, "actions": actions });
        let entities = ["Deployment", "Configuration", "ConfigurationVersion"].map(entity);
        json!({ "name": name, "entities": entities })
    };
    json!({ "services": names.iter().map(service).collect::<Vec<_>>() })
}

#[expect(clippy::result_large_err, reason = "the refusal is the answer itself, and is sent")]
fn filter(request: &Request) -> Result<(Filter, Value), Answer> {
    let body = request.json().ok_or_else(|| Answer::bad("The request body is not JSON."))?;
    match Filter::of(&body) {
        Some(filter) => Ok((filter, body)),
        None => Err(Answer::bad("The interval is missing or invalid.")),
    }
}

fn realtime(org: &Org, filter: &Filter, body: &Value, now: Timestamp) -> Answer {
    let Audits { realtime, refused, .. } = &org.audits;
    if !realtime.contains(&filter.service) || refused.contains(&filter.service) {
        return Answer::bad(&format!("The service {} is not supported.", filter.service));
    }
    if now.duration_since(filter.from) > REALTIME {
        return Answer::bad("The interval must be within the last 14 days.");
    }
    let number = |name: &str, otherwise: usize| {
        let number = body.get(name).and_then(Value::as_u64);
        number.and_then(|number| usize::try_from(number).ok()).unwrap_or(otherwise).max(1)
    };
    let (page, size) = (number("pageNumber", 1), number("pageSize", 25).min(500));
    let found = org.audits.found(filter);
    let entities: Vec<_> =
        found.iter().skip((page - 1) * size).take(size).map(|audit| audit.to_json()).collect();
    Answer::ok(&json!({
        "entities": entities, "pageSize": size, "pageNumber": page, "total": found.len(),
        "pageCount": found.len().div_ceil(size),
    }))
}

fn begin(org: &mut Org, filter: Filter, body: &Value, now: Timestamp) -> Answer {
    let id = org.ids.uuid();
    let body = json!({
        "id": id, "startDate": now.to_string(), "serviceName": body.get("serviceName"),
        "interval": body.get("interval"), "filters": body.get("filters"), "sort": body.get("sort"),
    });
    let query = Query { filter, looks: 0, body: without_nulls(body) };
    let answer = query.to_json("Queued");
    org.audits.queries.insert(id, query);
    Answer::json(StatusCode::ACCEPTED, &answer)
}

fn look(org: &mut Org, id: &str) -> Answer {
    let (most, fail) = (org.audits.looks, org.audits.fail);
    let Some(query) = org.audits.queries.get_mut(id) else {
        return Answer::not_found("The requested query");
    };
    query.looks += 1;
    let state = match query.looks {
        looks if looks < most => "Running",
        _ if fail => "Failed",
        _ => "Succeeded",
    };
    Answer::ok(&query.to_json(state))
}

fn results(org: &Org, id: &str, request: &Request) -> Answer {
    let Some(query) = org.audits.queries.get(id).filter(|query| query.looks >= org.audits.looks)
    else {
        return Answer::not_found("The results of the requested query");
    };
    let size = request.number("pageSize", 25).clamp(1, 500);
    let first = match request.parameter("cursor") {
        None => 0,
        Some(cursor) => match cursor.strip_prefix("after-").and_then(|at| at.parse().ok()) {
            Some(first) => first,
            None => return Answer::bad("The cursor is invalid."),
        },
    };
    let found = org.audits.found(&query.filter);
    let entities: Vec<_> =
        found.iter().skip(first).take(size).map(|audit| audit.to_json()).collect();
    let mut body = json!({ "id": id, "pageSize": size, "entities": entities });
    if let (Value::Object(body), true) = (&mut body, first + size < found.len()) {
        body.insert("cursor".to_owned(), format!("after-{}", first + size).into());
    }
    Answer::ok(&body)
}

impl Query {
    fn to_json(&self, state: &str) -> Value {
        let mut body = self.body.clone();
        if let Value::Object(body) = &mut body {
            body.insert("state".to_owned(), state.into());
        }
        body
    }
}

impl Audits {
    /// Those that are wanted, newest first.
    pub(super) fn found(&self, filter: &Filter) -> Vec<&Audit> {
        self.all.iter().rev().filter(|audit| filter.wants(audit)).collect()
    }
}

//! The platform API on web deployments and their configurations.

pub mod configuration;
pub mod deployment;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::org::Org;
use super::request::Request;
use deployment::AllowList;

/// `/api/v2/webdeployments/deployments…`.
pub fn deployments(org: &mut Org, request: &Request, now: Timestamp) -> Answer {
    let segments = request.segments();
    let rest = segments.get(4..).unwrap_or_default();
    match (rest, &request.method) {
        ([], &Method::GET) => list(org, request),
        ([id], &Method::GET) => match org.deployment(id) {
            Some(deployment) => Answer::ok(&deployment.to_json()),
            None => Answer::not_found("The requested deployment"),
        },
        ([id], &Method::PUT) => match request.json() {
            Some(body) => put(org, id, &body, now),
            None => Answer::bad("The request body is not JSON."),
        },
        ([id, "configurations"], &Method::GET) => match org.deployment(id) {
            Some(deployment) => Answer::ok(&json!({
                "configurationVersion": deployment.configuration.to_json(),
                "deployment": deployment.to_json(),
            })),
            None => Answer::not_found("The requested deployment"),
        },
        ([] | [_] | [_, "configurations"], _) => Answer::no_method(),
        _ => Answer::not_found("The requested resource"),
    }
}

fn list(org: &Org, request: &Request) -> Answer {
    let size = request.number("pageSize", 300).clamp(1, 300);
    let after = request.parameter("after");
    let first = match &after {
        None => 0,
        Some(after) => match after.parse::<usize>() {
            Ok(first) => first,
            Err(_) => return Answer::bad("The cursor is invalid."),
        },
    };
    let page: Vec<Value> =
        org.deployments.iter().skip(first).take(size).map(|one| one.to_json()).collect();
    let path = "/api/v2/webdeployments/deployments";
    let mut body = json!({
        "entities": page, "total": org.deployments.len(), "selfUri": path,
    });
    let next = first + size;
    if let (Value::Object(body), true) = (&mut body, next < org.deployments.len()) {
        body.insert("nextUri".to_owned(), format!("{path}?pageSize={size}&after={next}").into());
    }
    Answer::ok(&body)
}

fn put(org: &mut Org, id: &str, body: &Value, now: Timestamp) -> Answer {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let all = body.get("allowAllDomains").and_then(Value::as_bool).unwrap_or(false);
    let domains: Vec<String> = body
        .get("allowedDomains")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    let Some(name) = text("name").filter(|name| !name.is_empty()) else {
        return Answer::bad("The name of a deployment must not be empty.");
    };
    if all && !domains.is_empty() {
        return Answer::bad("allowedDomains must be empty when allowAllDomains is true.");
    }
    let Some(deployment) = org.deployment(id) else {
        return Answer::not_found("The requested deployment");
    };
    deployment.name = name;
    deployment.description = text("description").unwrap_or_default();
    if let Some(status) = text("status").and_then(|status| deployment::Status::from_text(&status)) {
        deployment.status = status;
    }
    let list = AllowList { all, domains };
    org.edit_domains(id, list, now);
    match org.deployment(id) {
        Some(deployment) => Answer::json(StatusCode::OK, &deployment.to_json()),
        None => Answer::not_found("The requested deployment"),
    }
}

/// `/api/v2/webdeployments/configurations…`.
pub fn configurations(org: &mut Org, request: &Request, now: Timestamp) -> Answer {
    let segments = request.segments();
    let rest = segments.get(4..).unwrap_or_default();
    if let ([], &Method::GET) = (rest, &request.method) {
        let list: Vec<Value> =
            org.deployments.iter().map(|one| one.configuration.to_json()).collect();
        return Answer::ok(&json!({ "total": list.len(), "entities": list }));
    }
    let Some(configuration) = rest.first().and_then(|id| {
        org.deployments.iter_mut().map(|one| &mut one.configuration).find(|one| one.id == *id)
    }) else {
        return Answer::not_found("The requested configuration");
    };
    match (rest.get(1..).unwrap_or_default(), &request.method) {
        (["versions"], &Method::GET) => Answer::ok(&json!({
            "total": 1, "entities": [configuration.to_json()],
        })),
        (["versions", version], &Method::GET)
            if *version == "draft" || *version == configuration.version.to_string() =>
        {
            Answer::ok(&configuration.to_json())
        }
        (["versions", "draft"], &Method::PUT) => match request.json() {
            Some(body) => configuration.put_draft(&body),
            None => Answer::bad("The request body is not JSON."),
        },
        (["versions", "draft", "publish"], &Method::POST) => {
            let mut next = configuration.clone();
            next.version += 1;
            org.publish(&next.id, now);
            Answer::ok(&next.to_json())
        }
        _ => Answer::not_found("The requested configuration"),
    }
}

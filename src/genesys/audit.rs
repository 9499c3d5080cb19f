//! The audit log: what is asked of it, and what its entries say of who changed what.
//!
//! It is asked in one of three ways: at once, where the service and the time allow it; by a query
//! that runs for a while; or as the seeds ask. The entries are the same, or nearly so.

mod entry;
mod page;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::form_urlencoded;

pub use entry::Entry;
pub use page::{Next, Page};

use crate::event::key::Key;

/// How far back entries can be asked for at once.
pub const AT_ONCE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Entries in one answer, which is the most that a query gives.
pub const PAGE_SIZE: u32 = 500;

/// Entries in one answer of those that are asked at once, and of the seeds'.
pub const SMALL_PAGE: u32 = 100;

/// Which entries are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// From then on.
    pub from: Timestamp,
    /// Up to then.
    pub to: Timestamp,
    /// Of this service, such as `WebDeployments`.
    pub service: Key,
    /// Of this entity alone.
    pub entity: Option<Key>,
}

/// How it is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One request for each page.
    Realtime,
    /// A query that runs, is looked after, and has results.
    Query,
    /// As the seeds ask.
    Seed,
}

/// How far a query is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It waits or runs.
    Running,
    /// There are results.
    Succeeded,
    /// There will be none.
    Failed,
}

impl Query {
    /// What is posted to begin a query.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "interval": format!("{}/{}", written(self.from), written(self.to)),
            "serviceName": self.service.as_str(),
            "sort": [{ "name": "Timestamp", "sortOrder": "descending" }],
        });
        if let (Some(entity), Some(fields)) = (&self.entity, body.as_object_mut()) {
            let filter = json!([{ "property": "EntityId", "value": entity.as_str() }]);
            fields.insert("filters".to_owned(), filter);
        }
        body
    }

    /// What is posted for one page of those that are given at once; the first is 1.
    pub fn realtime_body(&self, page: u32) -> Value {
        let mut body = self.body();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("pageNumber".to_owned(), page.into());
            fields.insert("pageSize".to_owned(), SMALL_PAGE.into());
        }
        body
    }

    /// What stands behind the path as the seeds ask, from this place on.
    pub fn seed_parameters(&self, cursor: Option<&str>) -> String {
        let mut parameters = form_urlencoded::Serializer::new(String::new());
        if let Some(entity) = &self.entity {
            parameters.append_pair("filter", &format!("entityId:{entity}"));
        }
        parameters.append_pair("startTime", &written(self.from));
        parameters.append_pair("endTime", &written(self.to));
        parameters.append_pair("pageSize", &SMALL_PAGE.to_string());
        if let Some(cursor) = cursor {
            parameters.append_pair("cursor", cursor);
        }
        parameters.finish()
    }

    /// Whether entries of this service and time are given at once: `mapping` is what
    /// `/audits/query/realtime/servicemapping` said.
    pub fn is_realtime(&self, mapping: &Value, now: Timestamp) -> bool {
        let services = mapping.get("services").and_then(Value::as_array);
        let is_listed = services.into_iter().flatten().any(|service| {
            let name = service.get("name").and_then(Value::as_str);
            name.is_some_and(|name| name.eq_ignore_ascii_case(self.service.as_str()))
        });
        is_listed && now.duration_since(self.from) < AT_ONCE
    }
}

/// What stands behind the path of a query's results, from this place on.
pub fn result_parameters(cursor: Option<&str>) -> String {
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    parameters.append_pair("pageSize", &PAGE_SIZE.to_string());
    if let Some(cursor) = cursor {
        parameters.append_pair("cursor", cursor);
    }
    parameters.finish()
}

/// The id of a query that was begun, and how far it is. The id becomes a part of a path.
pub fn progress(answer: &Value) -> Option<(Key, Progress)> {
    let id = answer.get("id").and_then(Value::as_str)?;
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let id = Key::new(id).ok().filter(|_| plain)?;
    let state = answer.get("state").and_then(Value::as_str).unwrap_or_default();
    let is = |known: &str| state.eq_ignore_ascii_case(known);
    let progress = if is("succeeded") {
        Progress::Succeeded
    } else if is("failed") || is("cancelled") {
        Progress::Failed
    } else {
        Progress::Running
    };
    Some((id, progress))
}

fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> Query {
        Query {
            from: "2026-11-14T12:00:00Z".parse().unwrap(),
            to: "2026-11-21T12:00:00.5Z".parse().unwrap(),
            service: Key::new("WebDeployments").unwrap(),
            entity: None,
        }
    }

    #[test]
    fn a_query_says_when_and_of_what() {
        let body = query().body();
        assert_eq!(body["interval"], "2026-11-14T12:00:00.000Z/2026-11-21T12:00:00.500Z");
        assert_eq!(body["serviceName"], "WebDeployments");
        assert!(body.get("filters").is_none());
        let entity = Key::new("d-1").ok();
        let body = Query { entity, ..query() }.realtime_body(3);
        assert_eq!(body["filters"][0], json!({ "property": "EntityId", "value": "d-1" }));
        assert_eq!((&body["pageNumber"], &body["pageSize"]), (&json!(3), &json!(100)));
    }

    #[test]
    fn what_stands_in_a_path_is_escaped() {
        let entity = Key::new("a&cursor=b").ok();
        let text = Query { entity, ..query() }.seed_parameters(Some("x y/&=ü"));
        assert!(text.starts_with("filter=entityId%3Aa%26cursor%3Db&startTime=2026-11-14T12%3A00"));
        assert!(text.ends_with("&pageSize=100&cursor=x+y%2F%26%3D%C3%BC"), "{text}");
        assert_eq!(result_parameters(Some("a&b")), "pageSize=500&cursor=a%26b");
        assert_eq!(progress(&json!({ "id": "../x", "state": "Running" })), None);
    }

    #[test]
    fn only_listed_services_and_two_weeks_are_given_at_once() {
        let mapping = json!({ "services": [{ "name": "webdeployments" }, 3, { "name": null }] });
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(query().is_realtime(&mapping, at("2026-11-28T11:00:00Z")));
        assert!(!query().is_realtime(&mapping, at("2026-11-28T12:00:00Z")), "too old");
        for other in [json!({}), json!({ "services": [{ "name": "Routing" }] }), json!([1])] {
            assert!(!query().is_realtime(&other, at("2026-11-21T12:00:00Z")), "{other}");
        }
    }

    #[test]
    fn a_query_runs_until_it_says_otherwise() {
        let read = |state: &str| progress(&json!({ "id": "q-1", "state": state })).unwrap().1;
        assert_eq!(read("Queued"), Progress::Running);
        assert_eq!(read("SUCCEEDED"), Progress::Succeeded);
        assert_eq!(read("Cancelled"), Progress::Failed);
        assert_eq!(read("Failed"), Progress::Failed);
        assert_eq!(progress(&json!({ "state": "Queued" })), None);
    }
}

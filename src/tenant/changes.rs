//! What is another since the last round, as changes for the casebook. Pure.

use jiff::Timestamp;

use super::known::{Answer, Known, Source, changed_at};
use crate::check::endpoint::EndpointName;
use crate::genesys::deployment::{Configuration, Status};
use crate::genesys::domains::Domains;
use crate::incident::{ChangeEvent, ChangeSource};

/// One change for each endpoint that is a door of the deployment; none where nothing is another.
pub fn between(
    before: &Known,
    after: &Known,
    doors: &[EndpointName],
    now: Timestamp,
) -> Vec<ChangeEvent> {
    let differences = differences(before, after);
    if differences.is_empty() {
        return Vec::new();
    }
    let name = after.name().map_or(String::new(), |name| format!(" \"{name}\""));
    // The id goes first: by it the event that told of this without saying what is known.
    let what = format!("deployment {}{name}: {}", after.id, differences.join("; "));
    let modified = after.api.said.as_ref().and_then(|api| api.modified_at);
    let at = changed_at(before.api.said_at, modified, now);
    let change = |door: &EndpointName| ChangeEvent {
        at,
        source: ChangeSource::Deployment,
        endpoint: Some(door.clone()),
        what: what.clone(),
        who: None,
    };
    doors.iter().map(change).collect()
}

/// What is another, in words. What the API says goes first; the CDN follows it, and counts where
/// nobody else tells.
fn differences(before: &Known, after: &Known) -> Vec<String> {
    let mut found = Vec::new();
    let by_api = after.api.answer != Answer::NotAsked && before.api.answer != Answer::NotAsked;
    if by_api {
        appeared(&before.api, &after.api, &mut found);
        if let (Some(before), Some(after)) = (&before.api.said, &after.api.said) {
            if before.name != after.name {
                found.push(format!("name was \"{}\"", before.name));
            }
            domains(before.domains.as_ref(), after.domains.as_ref(), &mut found);
            status(before.status, after.status, &mut found);
            configuration(&before.configuration, &after.configuration, &mut found);
        }
        return found;
    }
    appeared(&before.config, &after.config, &mut found);
    domains(before.domains.said.as_ref(), after.domains.said.as_ref(), &mut found);
    if let (Some(before), Some(after)) = (&before.config.said, &after.config.said) {
        status(before.status, after.status, &mut found);
        configuration(&before.configuration, &after.configuration, &mut found);
    }
    found
}

fn appeared<T>(before: &Source<T>, after: &Source<T>, found: &mut Vec<String>) {
    let (was, is) = (before.answer == Answer::Absent, after.answer == Answer::Absent);
    if !was && is && before.said.is_some() {
        found.push("it is gone".to_owned());
    }
    if was && after.answer == Answer::Said {
        found.push("it is there again".to_owned());
    }
}

fn domains(before: Option<&Domains>, after: Option<&Domains>, found: &mut Vec<String>) {
    if let (Some(before), Some(after)) = (before, after)
        && before.differs(after)
    {
        let changes = before.changes_to(after);
        let changes = match changes.is_empty() {
            true => "beyond what is read".to_owned(),
            false => changes.join(", "),
        };
        found.push(format!("allowed domains {changes}"));
    }
}

fn status(before: Option<Status>, after: Option<Status>, found: &mut Vec<String>) {
    if let (Some(before), Some(after)) = (before, after)
        && before != after
    {
        found.push(format!("status {} to {}", before.as_str(), after.as_str()));
    }
}

fn configuration(before: &Configuration, after: &Configuration, found: &mut Vec<String>) {
    if let (Some(before), Some(after)) = (&before.id, &after.id)
        && before != after
    {
        found.push(format!("configuration {before} to {after}"));
    }
    if let (Some(before), Some(after)) = (&before.version, &after.version)
        && before != after
    {
        found.push(format!("configuration version {before} to {after}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::genesys::deployment::{Deployment, Published, published_domains};
    use crate::genesys::{Compat, DeploymentId};
    use crate::tenant::known::Heard;

    const ID: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn said<T>(value: T) -> Heard<T> {
        Heard::Said { value, misfits: Vec::new(), etag: None }
    }

    fn blank() -> Known {
        Known::new(DeploymentId::new(ID, Compat::Genesys).unwrap())
    }

    fn by_api(fields: Value, second: i64) -> Known {
        let mut document = json!({ "id": ID, "name": "Shop", "status": "Active",
            "allowedDomains": ["a.example"], "configuration": {"id": "c", "version": "6"} });
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let read = Deployment::read(&document, Compat::Genesys).unwrap();
        let mut known = blank();
        known.api.hear(said(read.value), at(second));
        known
    }

    fn told(before: &Known, after: &Known) -> Vec<String> {
        let doors = ["a".to_owned(), "b".to_owned()].map(|name| name.try_into().unwrap());
        let changes = between(before, after, &doors, at(300));
        assert!(changes.is_empty() || changes.len() == 2, "one for each door");
        changes.into_iter().take(1).map(|change| change.what).collect()
    }

    #[test]
    fn each_difference_is_named() {
        let before = by_api(json!({}), 0);
        assert_eq!(told(&before, &before), [""; 0]);
        let again = by_api(json!({"allowedDomains": ["A.example"]}), 300);
        assert_eq!(told(&before, &again), [""; 0], "spelling is no change");
        let after = by_api(
            json!({ "name": "Store", "status": "Inactive", "allowedDomains": ["b.example"],
                "configuration": {"id": "d", "version": "7"} }),
            300,
        );
        let what = format!(
            "deployment {ID} \"Store\": name was \"Shop\"; allowed domains +b.example, -a.example; \
             status active to inactive; configuration c to d; configuration version 6 to 7"
        );
        assert_eq!(told(&before, &after), [what]);
    }

    #[test]
    fn the_time_is_the_deployments_own_where_that_can_be() {
        let before = by_api(json!({}), 0);
        let doors = ["a".to_owned().try_into().unwrap()];
        let when = |modified: &str| {
            let after = by_api(json!({"status": "Inactive", "dateModified": modified}), 300);
            between(&before, &after, &doors, at(300))[0].at
        };
        assert_eq!(when(&at(200).to_string()), at(200));
        assert_eq!(when(&at(301).to_string()), at(300), "it is not over yet");
        assert_eq!(when(&at(-900).to_string()), at(300), "the change came later");
    }

    #[test]
    fn what_vanishes_and_comes_back_is_told_and_trouble_is_no_change() {
        let before = by_api(json!({}), 0);
        let mut troubled = before.clone();
        troubled.api.hear(Heard::Trouble("server_error".to_owned()), at(300));
        assert_eq!(told(&before, &troubled), [""; 0]);
        let mut gone = before.clone();
        gone.api.hear(Heard::Absent, at(300));
        assert_eq!(told(&before, &gone), [format!("deployment {ID} \"Shop\": it is gone")]);
        assert_eq!(told(&gone, &gone), [""; 0]);
        assert_eq!(told(&gone, &before), [format!("deployment {ID} \"Shop\": it is there again")]);
        assert_eq!(told(&blank(), &before), [""; 0], "the first look tells of no change");
    }

    #[test]
    fn the_cdn_tells_where_nobody_else_does() {
        let published = |list: &str, version: &str| {
            let mut known = blank();
            let list = published_domains(&json!({ "allowedDomains": [list] })).unwrap();
            known.domains.hear(said(list.value), at(0));
            let config = Published::read(&json!({ "version": version, "status": "Active" }));
            known.config.hear(said(config.unwrap().value), at(0));
            known
        };
        let (before, after) = (published("a.example", "1"), published("b.example", "2"));
        let expected = format!(
            "deployment {ID}: allowed domains +b.example, -a.example; configuration version 1 to 2"
        );
        assert_eq!(told(&before, &after), [expected]);
        let api = by_api(json!({}), 0);
        let with_api = |cdn: Known| Known { api: api.api.clone(), ..cdn };
        assert_eq!(told(&with_api(before), &with_api(after)), [""; 0], "the CDN only follows");
    }
}

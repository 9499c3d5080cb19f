//! Where the objects of a mode are, and how one is found, read and written.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::manifest::By;
use super::plan::{Change, Misshapen, merged};
use super::values::Id;
use crate::event::key::Key;
use crate::genesys::Compat;
use crate::genesys::api::Api;
use crate::genesys::cursor;
use crate::genesys::paths::Paths;
use crate::genesys::trouble::{Kind, Trouble};
use crate::platform::{Call, Platform};

/// Objects on a page of a list.
const PAGE: usize = 100;

/// Pages of a list that are read until a name is found.
const MAX_PAGES: usize = 50;

/// Longest that one call takes, with the time for which the platform wants to be left alone.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Fields that the platform sets by itself: what is read of them is not written back.
const READ_ONLY: [&str; 5] =
    ["dateCreated", "dateModified", "lastModifiedUser", "selfUri", "snippet"];

/// The objects of a mode.
#[derive(Debug, Clone, Copy)]
pub struct Objects<'a> {
    platform: &'a Platform,
    compat: Compat,
    path: &'a str,
}

/// An object as it was read, by its id.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its id.
    pub id: Key,
    /// All of it.
    pub object: Value,
}

/// Why an object is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// There is none of that id or name.
    #[error("there is none")]
    None,
    /// There are several of that name.
    #[error("{0} bear this name")]
    Several(usize),
    /// The API that it belongs to was taken away.
    #[error("this part of the API was removed on 2026-08-15")]
    Removed,
    /// It could not be asked for.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl<'a> Objects<'a> {
    /// The deployments, or the channels of the seeds.
    pub fn new(platform: &'a Platform, compat: Compat, paths: &'a Paths) -> Self {
        let path = match compat {
            Compat::Genesys => &paths.deployments,
            Compat::Seed => &paths.channels,
        };
        Self { platform, compat, path }
    }

    /// What one of them is called.
    pub fn noun(self) -> &'static str {
        match self.compat {
            Compat::Genesys => "deployment",
            Compat::Seed => "channel",
        }
    }

    /// The object that a file means.
    pub async fn find(self, by: &By) -> Result<Found, Missing> {
        let id = match by {
            By::Id(id) => id.clone(),
            By::Name(name) => self.named(name).await?,
        };
        match self.read(&id).await {
            Ok(object) => Ok(Found { id, object }),
            Err(Trouble { kind: Kind::NotFound, .. }) => Err(Missing::None),
            Err(Trouble { kind: Kind::Gone, .. }) => Err(Missing::Removed),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// One of them, as it is now.
    pub async fn read(self, id: &Key) -> Result<Value, Trouble> {
        let path = format!("{}/{id}", self.path);
        let object = self.call(Method::GET, &path, &[], None).await?;
        self.is_it(id, &object)?;
        Ok(object)
    }

    /// Writes these changes into what was read, and leaves everything else as it was.
    pub async fn write(
        self,
        id: &Key,
        read: &Value,
        changes: &[Change],
    ) -> Result<(), WriteTrouble> {
        let mut body = merged(read, changes)?;
        if let (Compat::Genesys, Some(fields)) = (self.compat, body.as_object_mut()) {
            fields.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        }
        let path = format!("{}/{id}", self.path);
        let headers = match self.compat {
            Compat::Seed => if_match(read),
            // The version stands in the body, where there is one.
            Compat::Genesys => None,
        };
        self.call(Method::PUT, &path, headers.as_slice(), Some(&body)).await?;
        Ok(())
    }

    /// The id of the one that bears a name.
    async fn named(self, name: &str) -> Result<Key, Missing> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let path = cursor::page(self.path, PAGE, after.as_deref());
            let page = self.call(Method::GET, &path, &[], None).await?;
            let entities = page.get("entities").and_then(Value::as_array);
            let entities = entities.ok_or_else(|| self.malformed("entities"))?;
            let called = |entity: &&Value| entity.get("name").and_then(Value::as_str) == Some(name);
            for entity in entities.iter().filter(called) {
                found.push(id_of(entity).ok_or_else(|| self.malformed("id"))?);
            }
            let next = page.get("nextUri").and_then(Value::as_str).and_then(cursor::of);
            // A page that points to itself is the last.
            if next.is_none() || next == after {
                break;
            }
            after = next;
        }
        match (found.len(), found.pop()) {
            (1, Some(id)) => Ok(id),
            (0, _) => Err(Missing::None),
            (several, _) => Err(Missing::Several(several)),
        }
    }

    async fn call(
        self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: Option<&Value>,
    ) -> Result<Value, Trouble> {
        let mut call = Call::new(self.api(), method, path).within(PATIENCE);
        call.headers = headers.to_vec();
        call.body = body.cloned();
        Ok(self.platform.call(call).await?.json)
    }

    fn api(self) -> Api {
        match self.compat {
            Compat::Genesys => Api::Deployments,
            Compat::Seed => Api::SeedChannel,
        }
    }

    /// Whether an answer is about what was asked for.
    fn is_it(self, id: &Key, object: &Value) -> Result<(), Trouble> {
        match object.get("id").and_then(Value::as_str) {
            Some(found) if found.eq_ignore_ascii_case(id.as_str()) => Ok(()),
            // The seeds' servers may leave it out.
            None if self.compat == Compat::Seed && object.is_object() => Ok(()),
            _ => Err(self.malformed("id")),
        }
    }

    fn malformed(self, field: &'static str) -> Trouble {
        Trouble::new(self.api(), Kind::Malformed { field })
    }
}

/// Why an object was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteTrouble {
    /// The platform refused.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// What is there is no object that the change fits into.
    #[error(transparent)]
    Misshapen(#[from] Misshapen),
}

impl WriteTrouble {
    /// Whether somebody else has written in between.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Trouble(Trouble { kind: Kind::Conflict { .. }, .. }))
    }
}

/// `If-Match` with the version that was read. Without one there is no such header: a server that
/// compares texts would compare `undefined`.
fn if_match(read: &Value) -> Option<(HeaderName, HeaderValue)> {
    let version = match read.get("version")? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let plain = |byte: u8| byte.is_ascii_graphic();
    let legal = (1..=64).contains(&version.len()) && version.bytes().all(plain);
    let value = HeaderValue::from_str(&version).ok().filter(|_| legal)?;
    Some((http::header::IF_MATCH, value))
}

/// The id of an object, where it can stand in a path.
pub fn id_of(object: &Value) -> Option<Key> {
    let id = object.get("id")?.as_str()?.to_owned();
    Id::try_from(id).ok().map(|id| id.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_that_is_not_there_is_not_sent() {
        let sent =
            |read: Value| if_match(&read).map(|(_, value)| value.to_str().unwrap().to_owned());
        assert_eq!(sent(json!({"version": 3})), Some("3".to_owned()));
        assert_eq!(sent(json!({"version": "3-a"})), Some("3-a".to_owned()));
        for read in [
            json!({}),
            json!({"version": null}),
            json!({"version": ""}),
            json!({"version": "3\r\nX: y"}),
            json!({"version": "x".repeat(65)}),
            json!({"version": {}}),
            json!([]),
        ] {
            assert_eq!(sent(read.clone()), None, "{read}");
        }
    }

    #[test]
    fn an_id_of_a_stranger_stays_in_its_place() {
        assert_eq!(id_of(&json!({"id": "a-1"})), Some(Key::new("a-1").unwrap()));
        for id in [json!(".."), json!("a/b"), json!("a?b"), json!("%2e"), json!(7), json!(null)] {
            assert_eq!(id_of(&json!({ "id": id })), None, "{id}");
        }
    }
}

//! What the doors of an object were like, as far as its former values tell. Pure.

use std::sync::Arc;

use serde_json::Value;

use super::manifest::Wanted;
use super::plan::at;
use crate::check::origin::{Expect, OriginRule};
use crate::genesys::Compat;
use crate::genesys::deployment::Deployment;
use crate::genesys::domains::{Domains, OriginMatch};
use crate::outcome::quoted::Quoted;

/// What is to be seen at the doors.
#[derive(Debug, PartialEq, Eq)]
pub struct Former {
    /// Those of which that can be told.
    pub doors: Vec<Arc<OriginRule>>,
    /// Whether it was switched off.
    pub shut: bool,
}

/// Foretells the doors of a file from an object as it was.
pub fn expected(object: &Value, wanted: &Wanted, compat: Compat, rule: OriginMatch) -> Former {
    let (domains, shut, rule) = match compat {
        Compat::Genesys => {
            let read = Deployment::read(object, compat).ok();
            let shut = read.as_ref().is_some_and(|read| {
                read.value.status.and_then(|status| status.is_on()) == Some(false)
            });
            (read.and_then(|read| read.value.domains), shut, rule)
        }
        Compat::Seed => {
            let shut = object.get("enabled").and_then(Value::as_bool) == Some(false);
            (origins(object), shut, OriginMatch::Strict)
        }
    };
    let foretold = |door: &Arc<OriginRule>| {
        let expect = match &domains {
            _ if shut => Expect::Deny,
            Some(domains) => domains.predict(&door.origin, rule)?,
            None => return None,
        };
        Some(Arc::new(OriginRule { expect, ..OriginRule::clone(door) }))
    };
    Former { doors: wanted.doors.iter().filter_map(foretold).collect(), shut }
}

/// The list of a channel of the seeds.
fn origins(object: &Value) -> Option<Domains> {
    let path = ["webchatSettings".to_owned(), "corsAllowedOrigins".to_owned()];
    let list = at(object, &path)?.as_array()?;
    let entries = list.iter().filter_map(Value::as_str).map(Quoted::text).collect();
    Some(Domains { entries, ..Domains::default() })
}

//! The list of an organisation's deployments, page by page.

use std::collections::BTreeMap;

use super::MAX_DEPLOYMENTS;
use crate::genesys::DeploymentId;
use crate::genesys::cursor;
use crate::genesys::deployment::{Deployment, Page};
use crate::genesys::reading::{Read, Unreadable};
use crate::platform::{Api, Call, Kind, Platform, Trouble};

/// Deployments on a page of the list, and pages at the most.
const PAGE: usize = 100;
const MAX_PAGES: usize = MAX_DEPLOYMENTS / PAGE;

/// The deployments of an organisation.
#[derive(Debug)]
pub struct List {
    /// By their ids.
    pub deployments: BTreeMap<DeploymentId, Read<Deployment>>,
    /// Whether these are all.
    pub complete: bool,
    /// How many could not be read.
    pub unreadable: usize,
}

/// Reads the list, page by page.
pub async fn list(platform: &Platform, path: &str) -> Result<List, Trouble> {
    let compat = platform.settings().compat;
    let mut list = List { deployments: BTreeMap::new(), complete: false, unreadable: 0 };
    let mut after: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let path = cursor::page(path, PAGE, after.as_deref());
        let reply = platform.call(Call::get(Api::Deployments, path)).await?;
        let page = Page::read(&reply.json, PAGE, compat).map_err(|error| {
            let field = match error {
                Unreadable::Missing(field) => field,
                Unreadable::NotAnObject => "object",
            };
            Trouble::new(Api::Deployments, Kind::Malformed { field })
        })?;
        list.unreadable += page.unreadable;
        let read = page.deployments.into_iter();
        list.deployments.extend(read.map(|read| (read.value.id.clone(), read)));
        match page.next.as_deref().map(cursor::of) {
            None => {
                list.complete = list.unreadable == 0;
                return Ok(list);
            }
            // A page that points to itself, or elsewhere, is the last.
            Some(next) if next.is_none() || next == after => return Ok(list),
            Some(next) => after = next,
        }
    }
    Ok(list)
}

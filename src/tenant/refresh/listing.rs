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

/// Why a list is not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// There are more than are looked at.
    TooMany,
    /// It says that there is more, and not where.
    NoCursor,
    /// Its next page is the one that was read.
    Circle,
}

impl Cut {
    /// A word for it that never changes its meaning.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooMany => "too_many_deployments",
            Self::NoCursor => "no_cursor",
            Self::Circle => "circle",
        }
    }

    /// What that means.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::TooMany => {
                "the organization has more than 500 deployments: those beyond them are not looked at, \
                 unless an endpoint names them"
            }
            Self::NoCursor => {
                "the list of deployments has a next page, and says nothing that leads there: the \
                 others are not looked at, unless an endpoint names them"
            }
            Self::Circle => {
                "the list of deployments leads to the same page again: others are not looked at, \
                 unless an endpoint names them"
            }
        }
    }
}

/// The deployments of an organisation.
#[derive(Debug)]
pub struct List {
    /// By their ids.
    pub deployments: BTreeMap<DeploymentId, Read<Deployment>>,
    /// Whether these are all.
    pub complete: bool,
    /// Why there are others.
    pub cut: Option<Cut>,
    /// How many could not be read.
    pub unreadable: usize,
}

/// Reads the list, page by page.
pub async fn list(platform: &Platform, path: &str) -> Result<List, Trouble> {
    let compat = platform.settings().compat;
    let mut list = List { deployments: BTreeMap::new(), complete: false, cut: None, unreadable: 0 };
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
        list.cut = match page.next.as_deref().map(cursor::of) {
            None => {
                list.complete = list.unreadable == 0;
                return Ok(list);
            }
            Some(None) => Some(Cut::NoCursor),
            Some(next) if next == after => Some(Cut::Circle),
            Some(next) => {
                after = next;
                continue;
            }
        };
        return Ok(list);
    }
    list.cut = Some(Cut::TooMany);
    Ok(list)
}

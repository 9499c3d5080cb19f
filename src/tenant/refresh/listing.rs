//! The list of an organisation's deployments, page by page.

use std::collections::BTreeMap;

use url::{Url, form_urlencoded};

use super::MAX_DEPLOYMENTS;
use crate::genesys::deployment::{Deployment, Page};
use crate::genesys::reading::{Read, Unreadable};
use crate::genesys::{Compat, DeploymentId};
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
pub async fn list(platform: &Platform, compat: Compat) -> Result<List, Trouble> {
    let mut list = List { deployments: BTreeMap::new(), complete: false, unreadable: 0 };
    let mut after: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let mut path = format!("/api/v2/webdeployments/deployments?pageSize={PAGE}");
        if let Some(after) = &after {
            path.push_str("&after=");
            path.extend(form_urlencoded::byte_serialize(after.as_bytes()));
        }
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
        match page.next.as_deref().map(cursor) {
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

/// The cursor in the address of the next page. The address itself is not opened.
fn cursor(next: &str) -> Option<String> {
    let base = Url::parse("https://api.invalid").ok()?;
    let url = base.join(next).ok()?;
    let after = url.query_pairs().find(|(name, _)| name == "after")?.1.into_owned();
    (!after.is_empty() && after.len() <= 1024).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_taken_out_of_an_address_that_is_not_opened() {
        let cursor = |text| cursor(text);
        let path = "/api/v2/webdeployments/deployments?pageSize=100&after=a%26b";
        assert_eq!(cursor(path).as_deref(), Some("a&b"));
        assert_eq!(cursor("https://evil.test/?after=x").as_deref(), Some("x"));
        let long = format!("/x?after={}", "y".repeat(1025));
        for none in ["/x?pageNumber=2", "/x?after=", "::", long.as_str()] {
            assert_eq!(cursor(none), None, "{none}");
        }
    }
}

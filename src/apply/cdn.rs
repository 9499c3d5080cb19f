//! The list of a deployment on the CDN, which the Messenger in the browser goes by.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::objects::Objects;
use super::report::{Cdn, Refusal};
use crate::event::key::Key;
use crate::genesys::Compat;
use crate::genesys::bases::join;
use crate::genesys::deployment::{Deployment, published_domains};
use crate::genesys::domains::Domains;
use crate::platform::{Api, Platform};

/// The first wait between two looks, and the longest.
const WAITS: [u64; 2] = [1, 15];

/// Looks that may fail: time does not mend a file that is not published.
const MAX_FAILURES: u32 = 3;

/// Looks until the list is that of the platform, or until `deadline`.
pub async fn look(platform: &Platform, objects: Objects<'_>, id: &Key, deadline: Instant) -> Cdn {
    let [first, longest] = WAITS;
    let mut wait = Duration::from_secs(first);
    let mut failures = 0;
    loop {
        let seen = once(platform, objects, id).await;
        failures += u32::from(matches!(seen, Cdn::Unread(_)));
        if seen == Cdn::Same || failures == MAX_FAILURES || Instant::now() >= deadline {
            return seen;
        }
        sleep_until((Instant::now() + wait).min(deadline)).await;
        wait = (wait * 2).min(Duration::from_secs(longest));
    }
}

async fn once(platform: &Platform, objects: Objects<'_>, id: &Key) -> Cdn {
    let ours = match objects.read(id).await {
        Ok(object) => Deployment::read(&object, Compat::Genesys).ok(),
        Err(trouble) => return Cdn::Unread((&trouble).into()),
    };
    let ours = ours.and_then(|read| read.value.domains).unwrap_or_default();
    match published(platform, id).await {
        Ok(theirs) if theirs.differs(&ours) => Cdn::Stale,
        Ok(_) => Cdn::Same,
        Err(refusal) => Cdn::Unread(refusal),
    }
}

async fn published(platform: &Platform, id: &Key) -> Result<Domains, Refusal> {
    let path = format!("/webdeployments/v1/deployments/{id}/domains.json");
    let url = join(&platform.bases().cdn, &path);
    let reply = platform.public(Api::CdnDomains, &url).await;
    let reply = reply.map_err(|trouble| Refusal::from(&trouble))?;
    match published_domains(&reply.json) {
        Ok(read) => Ok(read.value),
        Err(error) => Err(Refusal {
            code: "malformed",
            message: format!("{}: {error}", Api::CdnDomains),
            fix: "See what answers at that URL.".to_owned(),
        }),
    }
}

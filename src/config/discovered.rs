//! Endpoints that no file names: they stand beside those of the file, and are held to the same.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::field::{Field, Table};
use super::raw;
use super::values::{HumanDuration, Line};
use crate::check::endpoint::EndpointName;
use crate::check::origin::{Expect, Origin};
use crate::check::probe::ProbeKind;
use crate::check::target::Target;
use crate::genesys::DeploymentId;

/// Most endpoints that are discovered.
pub const MAX_ENDPOINTS: usize = 200;

/// Most pages of one of them.
pub const MAX_ORIGINS: usize = 20;

/// Characters of a deployment's id that tell its endpoint from another one of the same name.
const ID_CHARS: usize = 8;

/// A door of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovered {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Its name, unless another endpoint has it.
    pub name: EndpointName,
    /// Where it is.
    pub url: String,
    /// Its pages.
    pub origins: Vec<Page>,
}

/// A page, and whether it must get in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Its origin.
    pub origin: String,
    /// Whether it must get in.
    pub expect: Expect,
}

impl Discovered {
    /// As a table of the file would have it; none where it holds what no file may.
    pub(super) fn table(
        &self,
        defaults: &raw::Endpoint,
        is_taken: impl Fn(&EndpointName) -> bool,
        per_minute: u32,
    ) -> Option<raw::Endpoint> {
        let name = match is_taken(&self.name) {
            false => self.name.clone(),
            true => Some(beside(&self.name, &self.deployment)?).filter(|name| !is_taken(name))?,
        };
        let url: Target = self.url.parse().ok()?;
        let page = |page: &Page| {
            let origin: Origin = page.origin.parse().ok()?;
            let row = raw::Origins {
                origin: given(origin),
                expect: given(page.expect),
                name: Field::Absent,
            };
            Some(Table::Given(0..0, row))
        };
        let origins = self.origins.iter().take(MAX_ORIGINS).filter_map(page).collect();
        let probes = match &defaults.probes {
            Field::Given(_, kinds) if !kinds.iter().any(|kind| kind.has_origin()) => {
                // Without pages there would be nothing to find.
                let kinds = kinds.iter().copied().chain([ProbeKind::Messaging]);
                given(kinds.collect())
            }
            _ => Field::Absent,
        };
        Some(raw::Endpoint {
            name: given(name),
            // Who answers there speaks the messenger's protocol, and shares its limit.
            deployment: given(Line(self.deployment.to_string())),
            url: given(url),
            origins: Table::Given(0..0, origins),
            interval: self.interval(&defaults.interval, &defaults.probes, per_minute),
            probes,
            ..raw::Endpoint::default()
        })
    }

    /// A longer interval than the usual one, where that asks for more connections than a
    /// deployment is given: nobody has chosen how many pages there are.
    fn interval(
        &self,
        usual: &Field<HumanDuration>,
        probes: &Field<Vec<ProbeKind>>,
        per_minute: u32,
    ) -> Field<HumanDuration> {
        let sockets = match probes {
            Field::Given(_, kinds) => kinds.iter().filter(|kind| kind.is_of_a_socket()).count(),
            _ => 1,
        };
        // One more, to hold refusals against.
        let pages = self.origins.len().min(MAX_ORIGINS) + 1;
        let connections = u64::try_from(pages * sockets.max(1)).unwrap_or(u64::MAX);
        let least = Duration::from_secs((connections * 60).div_ceil(u64::from(per_minute.max(1))));
        let usual = match usual {
            Field::Given(_, usual) => usual.0,
            _ => Duration::from_secs(30),
        };
        if usual < least { given(HumanDuration(least)) } else { Field::Absent }
    }
}

/// The name of an endpoint beside another one of its name.
pub fn beside(name: &EndpointName, deployment: &DeploymentId) -> Option<EndpointName> {
    let id: String = deployment.as_str().chars().take(ID_CHARS).collect();
    let room = 64 - ID_CHARS - 1;
    let name: String = name.chars().take(room).collect();
    EndpointName::try_from(format!("{name}-{id}")).ok()
}

fn given<T>(value: T) -> Field<T> {
    Field::Given(0..0, value)
}

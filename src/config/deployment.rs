//! `deployment`: an endpoint that is a messenger's.

use url::form_urlencoded;

use super::fault::Span;
use super::field::Field;
use super::settings::Reader;
use super::values::Line;
use crate::check::target::Target;
use crate::check::users::Users;
use crate::event::key::Key;
use crate::genesys::bases::{Bases, join};
use crate::genesys::messaging::{deployment_in, deployment_of};
use crate::genesys::{Compat, DeploymentId};

/// Where the organisation is, as far as the config says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Home<'a> {
    /// There is no table `genesys`.
    Nowhere,
    /// There is one, and it is wrong.
    Wrong,
    /// Here.
    At(&'a Bases, Compat),
}

impl Home<'_> {
    /// Where a deployment's guests go.
    fn door(self, deployment: &DeploymentId) -> Option<Target> {
        let Self::At(bases, _) = self else { return None };
        let id: String = form_urlencoded::byte_serialize(deployment.as_str().as_bytes()).collect();
        Some(join(&bases.messaging, &format!("/v1?deploymentId={id}&application=watchpost")))
    }

    /// The deployment whose connections are counted at this URL.
    fn metered(self, url: &Target) -> Option<DeploymentId> {
        let is_home = match self {
            Self::At(bases, _) => {
                (&bases.messaging.host, bases.messaging.port) == (&url.host, url.port)
            }
            Self::Nowhere | Self::Wrong => false,
        };
        if is_home { deployment_in(url) } else { deployment_of(url) }
    }
}

/// What an endpoint has to do with a deployment.
#[derive(Debug, Clone, Default)]
pub(super) struct Ties {
    /// That which is named by itself.
    pub(super) named: Option<DeploymentId>,
    /// That whose guests come here.
    pub(super) of_guests: Option<Key>,
    /// That whose connections are counted.
    pub(super) metered: Option<Key>,
}

impl Ties {
    /// Those of an endpoint at this URL.
    pub(super) fn of(named: Option<DeploymentId>, url: &Target, home: Home<'_>) -> Self {
        let key = |id: DeploymentId| id.key().clone();
        let of_guests = named.clone().or_else(|| deployment_in(url)).map(key);
        let metered = named.clone().or_else(|| home.metered(url)).map(key);
        Self { named, of_guests, metered }
    }

    /// Whose conversations tell of it: those of the deployment too.
    pub(super) fn users(&self, listed: Option<Users>, url: &Target) -> Option<Users> {
        let users = Users::of(listed, url);
        let Some(named) = &self.named else { return users };
        let users = users.unwrap_or_default();
        let of_url = users.of_url.or_else(|| Some(named.key().clone()));
        Some(Users { of_url, ..users })
    }
}

impl Reader<'_> {
    /// The deployment that an endpoint names.
    pub(super) fn deployment(&mut self, field: Field<Line>, place: &str) -> Option<DeploymentId> {
        let key = format!("{place}.deployment");
        let (span, text) = field.take_spanned(&key, self.faults)?;
        let compat = match self.home {
            Home::At(_, compat) => compat,
            Home::Nowhere | Home::Wrong => Compat::Genesys,
        };
        let id = DeploymentId::new(&text.0, compat);
        if let Err(error) = &id {
            self.faults.add(&span, key, error, "copy it from the deployment's snippet");
        }
        id.ok()
    }

    /// The URL of an endpoint: its own, or where the guests of its deployment go.
    pub(super) fn url(
        &mut self,
        at: &Span,
        given: Field<Target>,
        named: bool,
        deployment: Option<&DeploymentId>,
        place: &str,
    ) -> Option<Target> {
        let key = format!("{place}.url");
        if !matches!(given, Field::Absent) {
            return given.take(key, self.faults);
        }
        match self.home {
            Home::Nowhere if named => {
                let problem = "missing, and nothing says where the deployment is";
                let fix = "add url = \"wss://…\", or [genesys] with region = \"…\"";
                self.faults.add(at, key, problem, fix);
            }
            _ if !named => self.faults.add(at, key, "missing", "add url = \"wss://…\""),
            Home::Nowhere | Home::Wrong | Home::At(..) => {}
        }
        self.home.door(deployment?)
    }
}

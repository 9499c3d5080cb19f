//! What administrators do: it is audited, and told to whoever wants to know.

use jiff::Timestamp;
use serde_json::json;

use super::audits::audit::{Audit, Change};
use super::deployments::deployment::{AllowList, Status};
use super::org::Org;

impl Org {
    /// The list of a deployment is edited by [`Org::administrator`]: the API shows it at once, and
    /// the CDN and the socket too, unless the deployment does not propagate.
    pub fn edit_domains(&mut self, id: &str, list: AllowList, now: Timestamp) {
        let who = self.administrator.0.clone();
        let Some(deployment) = self.deployment(id) else { return };
        let old = std::mem::replace(&mut deployment.api, list);
        deployment.modified = now;
        deployment.modified_by = who;
        if deployment.propagates {
            deployment.propagate();
        }
        let (new, entity) = (deployment.api.clone(), (id.to_owned(), deployment.name.clone()));
        let change = match old.all == new.all {
            true => ("allowedDomains", old.domains, new.domains),
            false => ("allowAllDomains", vec![old.all.to_string()], vec![new.all.to_string()]),
        };
        self.audit(("WebDeployments", "Deployment"), entity, "Update", change, now);
        self.tell_deployment(id);
    }

    /// A deployment is set to another state.
    pub fn edit_status(&mut self, id: &str, status: Status, now: Timestamp) {
        let Some(deployment) = self.deployment(id) else { return };
        let old = std::mem::replace(&mut deployment.status, status);
        deployment.modified = now;
        let entity = (id.to_owned(), deployment.name.clone());
        let change = ("status", vec![old.word().to_owned()], vec![status.word().to_owned()]);
        self.audit(("WebDeployments", "Deployment"), entity, "Update", change, now);
        self.tell_deployment(id);
    }

    /// A configuration has a new version.
    pub fn publish(&mut self, id: &str, now: Timestamp) {
        let found = self.deployments.iter_mut().find(|one| one.configuration.id == id);
        let Some(configuration) = found.map(|one| &mut one.configuration) else { return };
        configuration.version += 1;
        let configuration = configuration.clone();
        let version = configuration.version;
        let entity = (id.to_owned(), configuration.name.clone());
        let change = ("version", vec![(version - 1).to_string()], vec![version.to_string()]);
        self.audit(("WebDeployments", "ConfigurationVersion"), entity, "Publish", change, now);
        let body = json!({ "id": id, "status": "Active", "version": version.to_string() });
        self.post(&format!("v2.webdeployments.configurations.{id}"), &body);
    }

    fn tell_deployment(&mut self, id: &str) {
        let Some(deployment) = self.deployment(id) else { return };
        let body = json!({
            "id": id,
            "status": deployment.status.word(),
            "configuration": {
                "id": deployment.configuration.id,
                "version": deployment.configuration.version.to_string(),
                "status": "Active",
            },
        });
        self.post(&format!("v2.webdeployments.deployments.{id}"), &body);
    }

    /// A change is audited: a service and a kind of thing, the thing by id and name, what was
    /// done, and a property before and after.
    pub fn audit(
        &mut self,
        (service, entity_type): (&str, &str),
        entity: (String, String),
        action: &str,
        (property, old, new): (&str, Vec<String>, Vec<String>),
        now: Timestamp,
    ) {
        let id = self.ids.uuid();
        self.audits.all.push(Audit {
            id,
            at: now,
            user: self.administrator.clone(),
            service: service.to_owned(),
            entity_type: entity_type.to_owned(),
            entity,
            action: action.to_owned(),
            changes: vec![Change { property: property.to_owned(), old, new }],
        });
        self.tell_audit();
    }

    /// Whoever wants to know of changes of that thing is told of the last one.
    fn tell_audit(&mut self) {
        let Some(audit) = self.audits.all.last() else { return };
        let (kind, id) = (audit.entity_type.to_uppercase(), audit.entity.0.clone());
        let body = audit.to_event();
        self.post(&format!("v2.audits.entitytype.{kind}.entityid.{id}"), &body);
    }
}

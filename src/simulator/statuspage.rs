//! The public status page, as Statuspage serves it.

use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::org::Org;
use super::request::Request;

/// What the status page says.
#[derive(Debug)]
pub struct StatusPage {
    /// Regions, with `operational`, `degraded_performance`, `partial_outage` or `major_outage`.
    pub components: Vec<(String, String)>,
    /// Incidents that go on.
    pub incidents: Vec<Trouble>,
    /// Maintenances that are planned or go on.
    pub maintenances: Vec<Trouble>,
}

/// An incident or a maintenance.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub name: String,
    /// `investigating`, `identified`, `monitoring`, `resolved`; `scheduled`, `in_progress`.
    pub status: String,
    /// `none`, `minor`, `major`, `critical` or `maintenance`.
    pub impact: String,
    /// The components that it hurts.
    pub components: Vec<String>,
    /// Since when.
    pub since: Timestamp,
    /// What is said of it.
    pub text: String,
}

impl Default for StatusPage {
    fn default() -> Self {
        let regions = ["Americas (US East)", "EMEA (Ireland)", "EMEA (Frankfurt)"];
        let fine = |region: &str| (region.to_owned(), "operational".to_owned());
        Self {
            components: regions.into_iter().map(fine).collect(),
            incidents: Vec::new(),
            maintenances: Vec::new(),
        }
    }
}

impl StatusPage {
    /// The state of a component is another.
    pub fn set(&mut self, component: &str, state: &str) {
        for (_, now) in self.components.iter_mut().filter(|(name, _)| name == component) {
            state.clone_into(now);
        }
    }

    fn id(&self, component: &str) -> String {
        let at = self.components.iter().position(|(name, _)| name == component);
        format!("component{:03}", at.map_or(999, |at| at))
    }

    fn components(&self) -> Vec<Value> {
        let one = |(name, state): &(String, String)| {
            json!({
                "id": self.id(name), "name": name, "status": state, "page_id": "simulatedpage",
                "group": false, "group_id": null, "position": 1, "showcase": true,
                "only_show_if_degraded": false, "description": null,
                "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z",
            })
        };
        self.components.iter().map(one).collect()
    }

    fn trouble(&self, trouble: &Trouble) -> Value {
        let since = trouble.since.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let components: Vec<_> = self
            .components()
            .into_iter()
            .filter(|one| {
                one.get("name")
                    .and_then(Value::as_str)
                    .is_some_and(|name| trouble.components.iter().any(|other| other == name))
            })
            .collect();
        json!({
            "id": trouble.id, "name": trouble.name, "status": trouble.status,
            "impact": trouble.impact, "page_id": "simulatedpage", "created_at": since,
            "updated_at": since, "started_at": since, "monitoring_at": null, "resolved_at": null,
            "scheduled_for": since, "scheduled_until": null,
            "shortlink": "https://stspg.example/i", "components": components,
            "incident_updates": [{
                "id": "update1", "status": trouble.status, "body": trouble.text,
                "incident_id": trouble.id, "created_at": since, "updated_at": since,
                "display_at": since,
            }],
        })
    }
}

/// A file of the status page.
pub(super) fn file(org: &Org, request: &Request) -> Answer {
    if request.method != Method::GET {
        return Answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let page = &org.status_page;
    let list = |troubles: &[Trouble]| -> Vec<Value> {
        troubles.iter().map(|trouble| page.trouble(trouble)).collect()
    };
    let indicator = match page.incidents.last() {
        None => "none",
        Some(incident) => &incident.impact,
    };
    let description = match indicator {
        "none" => "All Systems Operational",
        _ => "Partial System Outage",
    };
    let (incidents, maintenances) = (list(&page.incidents), list(&page.maintenances));
    let head = json!({
        "id": "simulatedpage", "name": "Genesys Cloud", "url": format!("https://{}", org.authority()),
        "time_zone": "Etc/UTC", "updated_at": "2026-01-01T00:00:00.000Z",
    });
    let status = json!({ "indicator": indicator, "description": description });
    let body = match request.segments().last().copied() {
        Some("components.json") => json!({ "page": head, "components": page.components() }),
        Some("incidents.json") => json!({ "page": head, "incidents": incidents }),
        Some("scheduled-maintenances.json") => {
            json!({ "page": head, "scheduled_maintenances": maintenances })
        }
        Some("status.json") => json!({ "page": head, "status": status }),
        _ => json!({
            "page": head, "status": status, "components": page.components(),
            "incidents": incidents, "scheduled_maintenances": maintenances,
        }),
    };
    Answer::ok(&body).with(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}

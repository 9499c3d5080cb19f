//! The public status page (Statuspage v2): what the contact centre says of itself.
//!
//! It says something of a region, and nothing of a deployment: what it tells is a hint for whoever
//! looks into an incident, and never a verdict.

mod notice;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

pub use notice::{Notice, NoticeKind};

use super::region::Region;
use crate::event::key::Key;
use crate::outcome::quoted::Quoted;

/// The path of the page's summary.
pub const SUMMARY: &str = "/api/v2/summary.json";

/// Components, incidents and maintenances that are read of each list.
const MAX_ROWS: usize = 1000;

/// Those that are kept of each list.
const MAX_KEPT: usize = 32;

/// How a component does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Well.
    Operational,
    /// Somebody works on it, as was planned.
    UnderMaintenance,
    /// Slow, or with errors.
    DegradedPerformance,
    /// Down in part.
    PartialOutage,
    /// Down.
    MajorOutage,
}

impl Standing {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Operational,
        Self::UnderMaintenance,
        Self::DegradedPerformance,
        Self::PartialOutage,
        Self::MajorOutage,
    ];

    /// The page's own word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::UnderMaintenance => "under_maintenance",
            Self::DegradedPerformance => "degraded_performance",
            Self::PartialOutage => "partial_outage",
            Self::MajorOutage => "major_outage",
        }
    }

    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::UnderMaintenance => "under maintenance",
            Self::DegradedPerformance => "degraded performance",
            Self::PartialOutage => "partial outage",
            Self::MajorOutage => "major outage",
        }
    }

    /// A word that nobody knows is none.
    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// A component that does not do well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Component {
    /// What it is called, with its group.
    pub name: Quoted,
    /// How it does.
    pub standing: Standing,
}

/// What the page says of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The worst of the region's components; none where no component is the region's.
    pub worst: Option<Standing>,
    /// Components that do not do well.
    pub components: Vec<Component>,
    /// Incidents that are open, and maintenances that go on or are planned.
    pub notices: Vec<Notice>,
    /// Rows that are no notice as far as can be told, by their ids, and whether there are others.
    #[serde(skip)]
    unreadable: (BTreeSet<Key>, bool),
}

/// Which components are of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher(Vec<String>);

impl Matcher {
    /// Those whose name, or whose group's, has this text in it; without one, those of the region.
    pub fn new(component: Option<&str>, region: Region) -> Self {
        let words = match component {
            Some(text) => vec![text.to_lowercase()],
            None => places(region.aws).iter().map(|place| place.to_lowercase()).collect(),
        };
        Self(words)
    }

    fn takes(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.0.iter().any(|word| name.contains(word.as_str()))
    }
}

/// How the page and its readers call the place of a region.
fn places(aws: &'static str) -> &'static [&'static str] {
    match aws {
        "us-east-1" => &["us-east-1", "us east"],
        "us-west-2" => &["us-west-2", "us west"],
        "ca-central-1" => &["ca-central-1", "canada"],
        "sa-east-1" => &["sa-east-1", "sao paulo", "são paulo", "south america"],
        "mx-central-1" => &["mx-central-1", "mexico"],
        "eu-west-1" => &["eu-west-1", "ireland", "dublin"],
        "eu-west-2" => &["eu-west-2", "london"],
        "eu-central-1" => &["eu-central-1", "frankfurt"],
        "eu-central-2" => &["eu-central-2", "zurich"],
        "me-central-1" => &["me-central-1", "uae", "emirates"],
        "ap-south-1" => &["ap-south-1", "mumbai"],
        "ap-northeast-1" => &["ap-northeast-1", "tokyo"],
        "ap-northeast-2" => &["ap-northeast-2", "seoul"],
        "ap-northeast-3" => &["ap-northeast-3", "osaka"],
        "ap-southeast-1" => &["ap-southeast-1", "singapore"],
        "ap-southeast-2" => &["ap-southeast-2", "sydney"],
        "us-east-2" => &["us-east-2", "fedramp"],
        "eusc-de-east-1" => &["eusc-de-east-1", "sovereign"],
        _ => &[],
    }
}

impl Summary {
    /// Reads what the page says. Where that is no summary, says what it lacks: a page without its
    /// list of incidents does not say that there are none.
    pub fn read(page: &Value, matcher: &Matcher) -> Result<Self, &'static str> {
        let list = |field: &'static str| page.get(field).and_then(Value::as_array).ok_or(field);
        let components = list("components")?;
        let rows: Vec<_> = components.iter().take(MAX_ROWS).filter_map(Row::read).collect();
        let group_of = |row: &Row<'_>| {
            let group = row.group?;
            rows.iter().find(|other| other.is_group && other.id == group).map(|group| group.name)
        };
        let mine: Vec<_> = rows
            .iter()
            .map(|row| (row, group_of(row)))
            .filter(|(row, group)| {
                matcher.takes(row.name) || group.is_some_and(|group| matcher.takes(group))
            })
            .collect();
        let ids: BTreeSet<_> = mine.iter().map(|(row, _)| row.id).collect();
        // A group stands as its components do, which are here themselves.
        let leaves = mine.iter().filter(|(row, _)| !row.is_group);
        let worst = leaves.clone().filter_map(|(row, _)| row.standing).max();
        let unwell = leaves.filter_map(|(row, group)| {
            let standing = row.standing.filter(|standing| *standing > Standing::Operational)?;
            let name =
                group.map_or_else(|| row.name.to_owned(), |group| format!("{group}: {}", row.name));
            Some(Component { name: Quoted::text(&name), standing })
        });
        let kinds = [
            (list("incidents")?, NoticeKind::Incident),
            (list("scheduled_maintenances")?, NoticeKind::Maintenance),
        ];
        let (mut notices, mut unreadable) = (Vec::new(), (BTreeSet::new(), false));
        for (rows, kind) in kinds {
            let mut kept = 0;
            unreadable.1 |= rows.len() > MAX_ROWS;
            for row in rows.iter().take(MAX_ROWS) {
                let Some((notice, components)) = Notice::read(row, kind) else {
                    match row.get("id").and_then(Value::as_str).and_then(|id| Key::new(id).ok()) {
                        Some(id) => drop(unreadable.0.insert(id)),
                        None => unreadable.1 = true,
                    }
                    continue;
                };
                // One that names no component is of all regions.
                if !components.is_empty() && !components.iter().any(|id| ids.contains(id)) {
                    continue;
                }
                match kept < MAX_KEPT {
                    true => notices.push(notice),
                    false => drop(unreadable.0.insert(notice.id)),
                }
                kept += 1;
            }
        }
        let components = unwell.take(MAX_KEPT).collect();
        Ok(Self { worst, components, notices, unreadable })
    }

    /// Whether a notice that was known may still be there, though it is not among those that were
    /// read.
    pub fn may_have(&self, id: &Key) -> bool {
        let (ids, others) = &self.unreadable;
        let is_read = self.notices.iter().any(|notice| notice.id == *id);
        !is_read && (*others || ids.contains(id))
    }

    /// What is going on, in one line; none where all is well.
    pub fn hint(&self) -> Option<String> {
        let goes_on = self.notices.iter().find(|notice| notice.goes_on());
        let worst = self.components.iter().max_by_key(|component| component.standing);
        match (goes_on, worst) {
            (Some(notice), _) => Some(notice.words()),
            (None, Some(component)) => {
                Some(format!("{}: {}", component.name, component.standing.words()))
            }
            (None, None) => None,
        }
    }
}

struct Row<'a> {
    id: &'a str,
    name: &'a str,
    group: Option<&'a str>,
    is_group: bool,
    standing: Option<Standing>,
}

impl<'a> Row<'a> {
    fn read(row: &'a Value) -> Option<Self> {
        let text = |field: &str| row.get(field).and_then(Value::as_str);
        Some(Self {
            id: text("id")?,
            name: text("name")?,
            group: text("group_id"),
            is_group: row.get("group").and_then(Value::as_bool).unwrap_or(false),
            standing: text("status").and_then(Standing::read),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page() -> Value {
        json!({
            "page": { "id": "p", "name": "Genesys Cloud" },
            "components": [
                { "id": "g1", "name": "EMEA (Ireland)", "status": "major_outage", "group": true },
                { "id": "c1", "name": "Web Messaging", "status": "partial_outage", "group_id": "g1" },
                { "id": "c2", "name": "Voice", "status": "operational", "group_id": "g1" },
                { "id": "g2", "name": "Americas (US East)", "status": "operational", "group": true },
                { "id": "c3", "name": "Web Messaging", "status": "major_outage", "group_id": "g2" },
                { "id": 7 }, "rubbish",
            ],
            "incidents": [
                { "id": "i1", "name": "Messages late", "status": "monitoring", "impact": "major",
                  "created_at": "2026-11-21T12:00:00Z", "components": [{ "id": "c1" }],
                  "incident_updates": [
                    { "status": "monitoring", "created_at": "2026-11-21T12:30:00Z" },
                    { "status": "investigating", "created_at": "2026-11-21T12:10:00Z" },
                    { "status": "investigating", "created_at": "2026-11-21T12:00:00Z" }] },
                { "id": "i2", "name": "Elsewhere", "status": "investigating", "impact": "minor",
                  "created_at": "2026-11-21T12:00:00Z", "components": [{ "id": "c3" }] },
                { "id": "i3", "name": "Login", "status": "identified", "impact": "critical",
                  "created_at": "2026-11-21T11:00:00Z", "components": [] },
            ],
            "scheduled_maintenances": [
                { "id": "m1", "name": "Upgrade", "status": "scheduled", "impact": "maintenance",
                  "created_at": "2026-11-01T00:00:00Z", "scheduled_for": "2026-11-22T02:00:00Z",
                  "scheduled_until": "2026-11-22T04:00:00Z", "components": [{ "id": "g1" }] },
            ],
        })
    }

    fn ireland(component: Option<&str>) -> Matcher {
        let region = Region::ALL.iter().find(|region| region.aws == "eu-west-1").unwrap();
        Matcher::new(component, *region)
    }

    #[test]
    fn a_region_is_found_by_its_group() {
        let summary = Summary::read(&page(), &ireland(None)).unwrap();
        assert_eq!(summary.worst, Some(Standing::PartialOutage), "of components, not of groups");
        let names: Vec<_> = summary.components.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["EMEA (Ireland): Web Messaging"]);
        let ids: Vec<_> = summary.notices.iter().map(|notice| notice.id.as_str()).collect();
        assert_eq!(ids, ["i1", "i3", "m1"], "its own, and those of nobody");
        let hint = summary.hint().unwrap();
        assert_eq!(hint, "incident i1 \"Messages late\" (major, monitoring)");
    }

    #[test]
    fn a_text_of_the_config_goes_before_the_region() {
        let summary = Summary::read(&page(), &ireland(Some("us east"))).unwrap();
        assert_eq!(summary.worst, Some(Standing::MajorOutage));
        let summary = Summary::read(&page(), &ireland(Some("nowhere"))).unwrap();
        assert_eq!((summary.worst, summary.components.len()), (None, 0));
        assert_eq!(summary.notices.len(), 1, "that of nobody");
    }

    #[test]
    fn each_status_is_told_of_once_at_the_time_of_its_first_update() {
        let summary = Summary::read(&page(), &ireland(None)).unwrap();
        let told: Vec<_> = summary.notices[0].updates().collect();
        let told: Vec<_> = told.iter().map(|(at, what)| (at.to_string(), what.as_str())).collect();
        assert_eq!(
            told,
            [
                (
                    "2026-11-21T12:00:00Z".to_owned(),
                    "incident i1 \"Messages late\" (major, investigating)"
                ),
                (
                    "2026-11-21T12:30:00Z".to_owned(),
                    "incident i1 \"Messages late\" (major, monitoring)"
                ),
            ]
        );
        let maintenance = summary.notices.last().unwrap();
        assert!(!maintenance.goes_on());
        let (_, what) = maintenance.updates().next().unwrap();
        assert_eq!(
            what,
            "maintenance m1 \"Upgrade\" (scheduled) from 2026-11-22T02:00:00Z to 2026-11-22T04:00:00Z"
        );
    }

    #[test]
    fn every_region_has_a_place_and_rubbish_is_no_summary() {
        for region in Region::ALL {
            assert!(!places(region.aws).is_empty(), "{}", region.aws);
        }
        for rubbish in [json!(null), json!({}), json!({ "components": {} }), json!([])] {
            assert_eq!(Summary::read(&rubbish, &ireland(None)), Err("components"), "{rubbish}");
        }
        let odd = json!({
            "components": [], "incidents": [7, { "id": "\u{1b}[2J", "name": 7 }],
            "scheduled_maintenances": [],
        });
        let odd = Summary::read(&odd, &ireland(None)).unwrap();
        assert_eq!((odd.notices.len(), odd.hint()), (0, None));
    }

    #[test]
    fn what_cannot_be_read_is_not_over() {
        let key = |id: &str| Key::new(id).unwrap();
        for field in ["incidents", "scheduled_maintenances"] {
            for wrong in [json!(null), json!({}), json!("none"), json!(0)] {
                let mut page = page();
                page[field] = wrong;
                assert_eq!(Summary::read(&page, &ireland(None)), Err(field), "{page}");
            }
        }
        let whole = Summary::read(&page(), &ireland(None)).unwrap();
        assert!(!whole.may_have(&key("i1")), "it is there");
        assert!(!whole.may_have(&key("i9")), "it is gone");
        let read = |change: fn(&mut Value)| {
            let mut page = page();
            change(&mut page);
            Summary::read(&page, &ireland(None)).unwrap()
        };
        let one = read(|page| page["incidents"][0]["status"] = json!(7));
        assert!(one.may_have(&key("i1")) && !one.may_have(&key("i9")) && !one.may_have(&key("i3")));
        let any = read(|page| page["incidents"][0]["id"] = json!([]));
        assert!(any.may_have(&key("i1")) && any.may_have(&key("i9")) && !any.may_have(&key("i3")));
    }
}

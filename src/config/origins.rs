//! `origins` to the rows of an endpoint's origin matrix.

use std::sync::Arc;

use super::field::Field;
use super::raw;
use super::settings::Reader;
use crate::check::origin::{Expect, Origin, OriginRule};

impl Reader<'_> {
    /// The rows of a list; without one, requests carry no `Origin` and are to get in.
    pub(super) fn origins(
        &mut self,
        table: raw::Tables<raw::Origins>,
        place: &str,
    ) -> Vec<Arc<OriginRule>> {
        let key = format!("{place}.origins");
        let fix = "write it as a list: origins = [{ origin = \"https://…\", expect = \"allow\" }]";
        let Some((span, rows)) = table.take(&key, fix, self.faults) else {
            let absent = OriginRule {
                name: Origin::Absent.to_string(),
                origin: Origin::Absent,
                expect: Expect::Allow,
            };
            return vec![Arc::new(absent)];
        };
        if rows.is_empty() {
            self.faults.add(&span, &key, "an empty list", "name an origin, or leave the key out");
        }
        let mut rules: Vec<Arc<OriginRule>> = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            let key = format!("{key}[{index}]");
            let Some((span, row)) = row.take(&key, fix, self.faults) else { continue };
            if matches!(row.origin, Field::Absent) {
                self.faults.add(
                    &span,
                    format!("{key}.origin"),
                    "missing",
                    "add origin = \"https://…\"",
                );
            }
            let name = row.name.take(format!("{key}.name"), self.faults);
            let expect = row.expect.take(format!("{key}.expect"), self.faults);
            let Some(origin) = row.origin.take(format!("{key}.origin"), self.faults) else {
                continue;
            };
            let name = name.map_or_else(|| origin.to_string(), |name| name.to_string());
            if rules.iter().any(|rule| rule.name == name) {
                let problem = format!("\"{name}\" stands in this list already");
                self.faults.add(
                    &span,
                    &key,
                    problem,
                    "remove one, or tell them apart with name = \"…\"",
                );
            }
            if let Some(other) =
                rules.iter().find(|rule| rule.origin == origin && rule.name != name)
            {
                let problem = format!("the same origin as \"{}\"", other.name);
                self.faults.add(&span, &key, problem, "remove one");
            }
            let expect = expect.unwrap_or(Expect::Allow);
            rules.push(Arc::new(OriginRule { name, origin, expect }));
        }
        if !rules.is_empty() && rules.iter().all(|rule| rule.expect == Expect::Deny) {
            let problem =
                "every origin must be refused: a door that is shut to everybody would pass";
            let fix =
                "add one that must get in, with expect = \"allow\"; it may be \"none\" or \"null\"";
            self.faults.add(&span, &key, problem, fix);
        }
        rules
    }
}

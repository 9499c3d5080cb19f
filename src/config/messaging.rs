//! How far a messaging probe goes, and what it costs its deployment.

use std::collections::BTreeMap;

use super::field::{Field, Table};
use super::raw;
use super::settings::Reader;
use crate::check::messaging::{Level, Messaging};

/// Most attributes of a guest.
const MAX_ATTRIBUTES: usize = 32;

/// What is left of them for the name of the check, which goes along.
const ROOM_FOR_ID: usize = 512;

/// The table, as far as it says anything.
#[derive(Debug, Clone, Default)]
pub(super) struct Ladder {
    pub(super) level: Level,
    pub(super) attributes: BTreeMap<String, String>,
}

impl Reader<'_> {
    /// How far it goes.
    pub(super) fn ladder(&mut self, table: Table<raw::Messaging>, place: &str) -> Ladder {
        let key = format!("{place}.messaging");
        let fix = "write it as a table: messaging = { level = \"configuration\" }";
        let Some((at, raw)) = table.take(&key, fix, self.faults) else { return Ladder::default() };
        let sub = |name: &str| format!("{key}.{name}");
        let level = raw.level.take_spanned(sub("level"), self.faults);
        let level_at = level.as_ref().map_or(at, |(span, _)| span.clone());
        let level = level.map_or(Level::default(), |(_, level)| level);
        let starts =
            raw.starts_conversations.take_spanned(sub("starts-conversations"), self.faults);
        match (level, &starts) {
            (Level::Message, Some((_, true))) => {}
            (Level::Message, _) => {
                let problem = "each run of it begins a conversation, which reaches people";
                let fix = "write starts-conversations = true beside it, or level = \"session\"";
                self.faults.add(&level_at, sub("level"), problem, fix);
            }
            (_, Some((span, true))) => {
                let fix = "remove it, or write level = \"message\"";
                let problem = format!("a level of {level} begins none");
                self.faults.add(span, sub("starts-conversations"), problem, fix);
            }
            _ => {}
        }
        let attributes = self.attributes(raw.attributes, level, &sub("attributes"));
        Ladder { level, attributes }
    }

    fn attributes(
        &mut self,
        table: Table<BTreeMap<String, Field<super::values::NonEmpty>>>,
        level: Level,
        key: &str,
    ) -> BTreeMap<String, String> {
        let fix = "write it as a table: attributes = { source = \"probe\" }";
        let Some((span, rows)) = table.take(key, fix, self.faults) else { return BTreeMap::new() };
        if level != Level::Message {
            let fix = "remove it, or write level = \"message\"";
            self.faults.add(&span, key, "without effect: nobody is told of the guest", fix);
        }
        let mut attributes = BTreeMap::new();
        for (name, value) in rows {
            if let Some(value) = value.take(format!("{key}.{name}"), self.faults) {
                attributes.insert(name, value.0);
            }
        }
        let size = serde_json::to_string(&attributes).map_or(usize::MAX, |json| json.len());
        let most = Messaging::MAX_ATTRIBUTES_BYTES - ROOM_FOR_ID;
        if size > most || attributes.len() > MAX_ATTRIBUTES {
            let problem = format!("more than {most} bytes as JSON, or {MAX_ATTRIBUTES} attributes");
            self.faults.add(&span, key, problem, "say less");
        }
        if attributes.contains_key(Messaging::PROBE_ATTRIBUTE) {
            let problem = "the probe itself says which check it is, by this name";
            self.faults.add(&span, key, problem, "give it another name");
        }
        attributes
    }
}

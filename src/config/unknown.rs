//! Keys that nothing reads: almost always a slip of the hand, so the nearest known key is named.

use serde::de::value::Error;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use toml::de::{DeTable, DeValue};

use super::fault::{Faults, Span};
use super::raw;

/// How alike two keys must be for one to be meant by the other (0 to 1).
const ALIKE: f64 = 0.75;

/// Adds a fault for each path that serde passed over; `known_keys` has the keys of each table.
pub fn add_faults(
    paths: &[String],
    document: &DeTable<'_>,
    known_keys: impl Fn(&[&str]) -> &'static [&'static str],
    faults: &mut Faults,
) {
    for path in paths {
        // What `toml` puts in between to carry the places of values is no part of the file.
        let steps: Vec<&str> = path.split('.').filter(|step| !step.starts_with('$')).collect();
        let Some((key, parents)) = steps.split_last() else { continue };
        let span = span(document, &steps).unwrap_or(0..0);
        let known = known_keys(parents);
        let nearest = known
            .iter()
            .map(|known| (strsim::jaro_winkler(key, known), *known))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let fix = match nearest {
            Some((likeness, known)) if likeness >= ALIKE => format!("did you mean `{known}`?"),
            _ => format!("remove it; the keys here are {}", known.join(", ")),
        };
        faults.add(&span, dotted(&steps), "no such key", fix);
    }
}

/// `["endpoints", "2", "url"]` to `endpoints[2].url`.
fn dotted(steps: &[&str]) -> String {
    let mut text = String::new();
    for step in steps {
        if step.bytes().all(|byte| byte.is_ascii_digit()) {
            text.push_str(&format!("[{step}]"));
        } else {
            let dot = if text.is_empty() { "" } else { "." };
            text.push_str(&format!("{dot}{step}"));
        }
    }
    text
}

fn span(table: &DeTable<'_>, steps: &[&str]) -> Option<Span> {
    let (first, rest) = steps.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == first)?;
    match (rest, value.get_ref()) {
        ([], _) => Some(key.span()),
        (rest, DeValue::Table(table)) => span(table, rest),
        ([index, rest @ ..], DeValue::Array(array)) => {
            match array.get(index.parse::<usize>().ok()?)?.get_ref() {
                DeValue::Table(table) => span(table, rest),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The keys of each table of `config.toml`.
pub fn known_keys(parents: &[&str]) -> &'static [&'static str] {
    match parents {
        [] => keys::<raw::File>(),
        ["daemon"] => keys::<raw::Daemon>(),
        ["store"] => keys::<raw::Store>(),
        ["events"] => keys::<raw::Events>(),
        ["correlation"] => keys::<raw::Correlation>(),
        [.., "users"] => keys::<raw::Users>(),
        ["notify", _] => keys::<raw::Notify>(),
        ["genesys"] => keys::<raw::Genesys>(),
        ["selfcheck"] => keys::<raw::Selfcheck>(),
        ["defaults"] | ["endpoints", _] => keys::<raw::Endpoint>(),
        ["receivers", _] => keys::<raw::Receiver>(),
        ["receivers", _, "auth", _] => keys::<raw::Auth>(),
        [.., "api-key"] => keys::<raw::ApiKey>(),
        [.., "basic"] => keys::<raw::Basic>(),
        [.., "bearer" | "hub-signature" | "standard-webhooks"] => keys::<raw::Secrets>(),
        [.., "health"] => keys::<raw::Health>(),
        [.., "messaging"] => keys::<raw::Messaging>(),
        [.., "cors"] => keys::<raw::Cors>(),
        [.., "http"] => keys::<raw::Http>(),
        [.., "http", "expect-json", _] => keys::<raw::ExpectJson>(),
        [.., "origins", _] => keys::<raw::Origins>(),
        [.., "messages", _] => keys::<raw::Message>(),
        [.., "expect-json"] => keys::<raw::ExpectJson>(),
        _ => &[],
    }
}

/// The keys of a table, as its `Deserialize` asks for them.
pub fn keys<T: Deserialize<'static>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // Ends in an error by design: the asking is all that is wanted.
    drop(T::deserialize(AskedFields(&mut fields)));
    fields
}

struct AskedFields<'a>(&'a mut &'static [&'static str]);

impl Deserializer<'static> for AskedFields<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(de::Error::custom("only asking"))
    }

    fn deserialize_any<V: Visitor<'static>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("only asking"))
    }

    forward_to_deserialize_any! {
        <V: Visitor<'static>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tables_keys_are_those_that_serde_reads() {
        assert_eq!(
            keys::<raw::File>(),
            [
                "daemon",
                "store",
                "events",
                "correlation",
                "selfcheck",
                "defaults",
                "endpoints",
                "receivers",
                "notify",
                "genesys"
            ]
        );
        assert!(keys::<raw::Endpoint>().contains(&"connect-to"));
    }

    #[test]
    fn a_path_is_written_as_the_file_spells_it() {
        assert_eq!(
            dotted(&["endpoints", "2", "origins", "0", "name"]),
            "endpoints[2].origins[0].name"
        );
    }
}

//! JSON of a stranger: no deeper and no more than is sensible, and of one meaning.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::outcome::quoted::Quoted;

/// Deepest nesting; that of the platform API is below ten.
pub const MAX_DEPTH: usize = 64;

/// Most values in a document, as each takes more memory than its text may.
pub const MAX_VALUES: usize = 1_000_000;

/// Why a document is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It is none, or one with two meanings.
    #[error("{why}")]
    Malformed {
        /// Why not.
        why: Quoted,
    },
    /// Lists in lists in lists.
    #[error("nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

/// Reads one document. An object with the same name twice is none: readers differ about which
/// value counts.
pub fn read(bytes: &[u8]) -> Result<Value, JsonError> {
    let bounds = Bounds { left: Cell::new(MAX_VALUES), too_deep: Cell::new(false) };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = Bounded { bounds: &bounds, depth: 0 }.deserialize(&mut deserializer);
    let read = read.and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|error| match bounds.too_deep.get() {
        true => JsonError::TooDeep,
        false => JsonError::Malformed { why: Quoted::text(&error.to_string()) },
    })
}

struct Bounds {
    left: Cell<usize>,
    too_deep: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Bounded<'a> {
    bounds: &'a Bounds,
    depth: usize,
}

impl Bounded<'_> {
    fn inner<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            self.bounds.too_deep.set(true);
            return Err(E::custom("too deep"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.bounds.left.get().checked_sub(1);
        self.bounds.left.set(left.ok_or_else(|| D::Error::custom("too many values"))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            let value = object.next_value_seed(inner)?;
            if values.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name:?} stands twice")));
            }
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::{Just, Strategy, any};
    use proptest::{prop_assert_eq, prop_oneof, proptest};
    use serde_json::json;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::String),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..8).prop_map(Value::Array),
                btree_map(".{0,6}", inner, 0..8)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(value in values()) {
            prop_assert_eq!(read(value.to_string().as_bytes()), Ok(value));
        }

        #[test]
        fn any_bytes_have_an_answer(bytes in vec(any::<u8>(), 0..64)) {
            read(&bytes).ok();
        }
    }

    #[test]
    fn depth_has_a_bound() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(read(nested(MAX_DEPTH + 1).as_bytes()), Err(JsonError::TooDeep));
        assert_eq!(read("{\"a\":".repeat(1_000_000).as_bytes()), Err(JsonError::TooDeep));
    }

    #[test]
    fn the_number_of_values_has_a_bound() {
        let list = |length: usize| format!("[{}1]", "1,".repeat(length - 1));
        assert!(read(list(MAX_VALUES - 1).as_bytes()).is_ok());
        assert!(matches!(
            read(list(MAX_VALUES).as_bytes()),
            Err(JsonError::Malformed { why }) if why.as_str().contains("too many values")
        ));
    }

    #[test]
    fn a_document_of_two_meanings_is_none() {
        assert_eq!(read(b"{\"a\":1,\"b\":{\"a\":2}}"), Ok(json!({"a": 1, "b": {"a": 2}})));
        for text in ["{\"a\":1,\"a\":2}", "{\"\\u0061\":1,\"a\":1}", "{} {}", "", "{", "nul", "NaN"]
        {
            assert!(matches!(read(text.as_bytes()), Err(JsonError::Malformed { .. })), "{text}");
        }
    }
}

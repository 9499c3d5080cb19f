//! Pieces of a config file that keep their place in it and never end the reading.
//!
//! Serde stops at the first value it cannot use; a person wants all of them. So a wrong value is
//! read as [`Field::Bad`] or [`Table::Bad`], and reading goes on.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::{Spanned, Value};

use super::fault::{Faults, Span};

/// A type that a key can hold, with what to write when its text is wrong.
pub trait Legal: DeserializeOwned {
    /// Completes the sentence "fix: …".
    const FIX: &'static str;
}

/// The value of one key.
#[derive(Debug, Clone, Default)]
pub enum Field<T> {
    /// The key is not there.
    #[default]
    Absent,
    /// The key holds a legal value.
    Given(Span, T),
    /// The key holds something else, for this reason.
    Bad(Span, String),
}

impl<T: Legal> Field<T> {
    /// The value where there is a legal one; a wrong one becomes a fault.
    pub fn take(self, key: impl fmt::Display, faults: &mut Faults) -> Option<T> {
        self.take_spanned(key, faults).map(|(_, value)| value)
    }

    /// The same, with its place for faults that show only later.
    pub fn take_spanned(self, key: impl fmt::Display, faults: &mut Faults) -> Option<(Span, T)> {
        match self {
            Self::Absent => None,
            Self::Given(span, value) => Some((span, value)),
            Self::Bad(span, problem) => {
                faults.add(&span, key, problem, T::FIX);
                None
            }
        }
    }

    /// Where it stands, if it is there.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Absent => None,
            Self::Given(span, _) | Self::Bad(span, _) => Some(span.clone()),
        }
    }

    /// This field, or the other where this key is not there.
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Absent => other,
            given => given,
        }
    }
}

impl<'de, T: Legal> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Spanned::<Value>::deserialize(deserializer)?;
        let span = value.span();
        Ok(match value.into_inner().try_into() {
            Ok(value) => Self::Given(span, value),
            Err(error) => Self::Bad(span, error.message().to_owned()),
        })
    }
}

/// A table, or a list of tables, at a place in the file.
#[derive(Debug, Clone, Default)]
pub enum Table<T> {
    /// Not there.
    #[default]
    Absent,
    /// As expected.
    Given(Span, T),
    /// There, but not of this shape.
    Bad(Span),
}

impl<T> Table<T> {
    /// The content where it has the right shape; anything else becomes a fault.
    pub fn take(
        self,
        key: impl fmt::Display,
        fix: &'static str,
        faults: &mut Faults,
    ) -> Option<(Span, T)> {
        match self {
            Self::Absent => None,
            Self::Given(span, content) => Some((span, content)),
            Self::Bad(span) => {
                faults.add(&span, key, "not of the expected shape", fix);
                None
            }
        }
    }

    /// Where it stands, if it is there.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Absent => None,
            Self::Given(span, _) | Self::Bad(span) => Some(span.clone()),
        }
    }

    /// This table, or the other where this one is not there.
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Absent => other,
            given => given,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shaped = Spanned::<Shaped<T>>::deserialize(deserializer)?;
        let span = shaped.span();
        Ok(match shaped.into_inner() {
            Shaped(Some(content)) => Self::Given(span, content),
            Shaped(None) => Self::Bad(span),
        })
    }
}

/// `None` where the file has a plain value in the place of a table or list.
struct Shaped<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shaped<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor(PhantomData))
    }
}

struct ShapeVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ShapeVisitor<T> {
    type Value = Shaped<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Shaped<T>, A::Error> {
        Ok(Shaped(T::deserialize(MapAccessDeserializer::new(map)).ok()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Shaped<T>, A::Error> {
        Ok(Shaped(T::deserialize(SeqAccessDeserializer::new(seq)).ok()))
    }

    fn visit_str<E>(self, _: &str) -> Result<Shaped<T>, E> {
        Ok(Shaped(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shaped<T>, E> {
        Ok(Shaped(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shaped<T>, E> {
        Ok(Shaped(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shaped<T>, E> {
        Ok(Shaped(None))
    }
}

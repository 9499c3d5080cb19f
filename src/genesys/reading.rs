//! Documents of strangers, field by field: what is not as it should be is named, and reading goes on.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::key::Key;
use crate::outcome::quoted::Quoted;

/// Most fields of a document that are named as wrong.
const MAX_MISFITS: usize = 16;

/// A field that holds something else than it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfit {
    /// Its path, as the format spells it.
    pub field: String,
    /// What it should be.
    pub wanted: String,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is no {}", self.field, self.wanted)
    }
}

/// What was read, with the fields that were passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<T> {
    /// As far as it could be read.
    pub value: T,
    /// What could not.
    pub misfits: Vec<Misfit>,
}

/// A document that is none of its kind, whatever its fields hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not a JSON object.
    #[error("the answer is no object")]
    NotAnObject,
    /// What it is nothing without.
    #[error("the answer has no {0}")]
    Missing(&'static str),
}

/// An object that is being read.
#[derive(Debug)]
pub struct Reading<'a> {
    object: Option<&'a Map<String, Value>>,
    path: String,
    misfits: Vec<Misfit>,
}

impl<'a> Reading<'a> {
    /// Of a document.
    pub fn of(value: &'a Value) -> Result<Self, Unreadable> {
        let object = value.as_object().ok_or(Unreadable::NotAnObject)?;
        Ok(Self { object: Some(object), path: String::new(), misfits: Vec::new() })
    }

    /// What it came to.
    pub fn done<T>(self, value: T) -> Read<T> {
        Read { value, misfits: self.misfits }
    }

    /// Names a field as wrong.
    pub fn misfit(&mut self, field: &str, wanted: &str) {
        if self.misfits.len() < MAX_MISFITS {
            let field = format!("{}{field}", self.path);
            self.misfits.push(Misfit { field, wanted: wanted.to_owned() });
        }
    }

    /// Reads what is inside an object; an empty one where there is none.
    pub fn inside<T>(&mut self, field: &str, read: impl FnOnce(&mut Reading<'a>) -> T) -> T {
        let object = self.take(field, "object", Value::as_object);
        let mut inner = Reading {
            object,
            path: format!("{}{field}.", self.path),
            misfits: std::mem::take(&mut self.misfits),
        };
        let value = read(&mut inner);
        self.misfits = inner.misfits;
        value
    }

    /// Yes or no.
    pub fn flag(&mut self, field: &str) -> Option<bool> {
        self.take(field, "boolean", Value::as_bool)
    }

    /// A text for people.
    pub fn quoted(&mut self, field: &str) -> Option<Quoted> {
        self.take(field, "text", Value::as_str).map(Quoted::text)
    }

    /// An id or a version, which may come as a number.
    pub fn key(&mut self, field: &str) -> Option<Key> {
        self.take(field, "id", |value| match value {
            Value::String(text) => Key::new(text).ok(),
            Value::Number(number) => Key::new(&number.to_string()).ok(),
            _ => None,
        })
    }

    /// A text that is one of something.
    pub fn parsed<T>(
        &mut self,
        field: &str,
        wanted: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.take(field, wanted, |value| parse(value.as_str()?))
    }

    /// Whether a field is there, and neither true nor false.
    pub fn is_no_flag(&self, field: &str) -> bool {
        let value = self.object.and_then(|object| object.get(field));
        value.is_some_and(|value| !value.is_null() && !value.is_boolean())
    }

    /// A list of texts, and whether there are others: more than `most`, or no texts.
    pub fn list(&mut self, field: &str, most: usize) -> Option<(Vec<Quoted>, bool)> {
        let values = self.take(field, "list", Value::as_array)?;
        let texts: Vec<_> =
            values.iter().take(most).filter_map(|value| value.as_str().map(Quoted::text)).collect();
        if texts.len() < values.len().min(most) {
            self.misfit(&format!("{field}[]"), "text");
        }
        // What cannot be read may let in whom the others do not.
        let cut = texts.len() < values.len();
        Some((texts, cut))
    }

    /// A field that is there and not null; a wrong one is named.
    fn take<T>(
        &mut self,
        field: &str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.object?.get(field).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            self.misfit(field, wanted);
        }
        read
    }
}

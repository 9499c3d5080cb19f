//! What the keys of a file of deployments hold.

use serde::Deserialize;

use crate::config::field::Legal;
use crate::event::key::Key;

/// An id of the platform's, as it stands in a path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Id(pub Key);

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match Key::new(&text) {
            Ok(key) if text.bytes().all(plain) => Ok(Self(key)),
            _ => Err("not an id: 1 to 128 letters, digits, '-' or '_'"),
        }
    }
}

impl Legal for Id {
    const FIX: &'static str = "write the id, such as \"3fa85f64-5717-4562-b3fc-2c963f66afa6\"";
}

/// A text that may be empty, at most 8 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Text(pub String);

impl TryFrom<String> for Text {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.len() > 8 * 1024 {
            return Err("a text of more than 8 KiB");
        }
        let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        if text.contains(acts) { Err("a text with control characters") } else { Ok(Self(text)) }
    }
}

impl Legal for Text {
    const FIX: &'static str = "write a text in quotes";
}

/// Whether a deployment lets anybody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It does.
    Active,
    /// It does not.
    Inactive,
}

impl Status {
    /// As the platform writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }
}

impl Legal for Status {
    const FIX: &'static str = "write \"active\" or \"inactive\"";
}

/// The way that events take to a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// Amazon EventBridge: a rule with an API destination.
    #[default]
    Eventbridge,
    /// A trigger, whose workflow calls a data action.
    Trigger,
}

impl Legal for Via {
    const FIX: &'static str = "write \"eventbridge\" or \"trigger\"";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_place_in_a_path() {
        assert!(Id::try_from("3fa85f64-5717-4562-b3fc-2c963f66afa6".to_owned()).is_ok());
        for bad in ["", "..", "a/b", "a?b", "a b", "%2e", "a\n"] {
            assert!(Id::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}

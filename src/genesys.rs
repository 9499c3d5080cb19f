//! What Genesys Cloud says and what it means: regions, addresses, errors. Pure.
//!
//! Every answer is a stranger's: what is read of it here is bounded, and nothing of it is followed.

pub mod account;
pub mod api;
pub mod audit;
pub mod bases;
pub mod channel;
pub mod cursor;
pub mod deployment;
pub mod domains;
pub mod finding;
pub mod lint;
pub mod messaging;
mod moment;
pub mod paths;
pub mod reading;
pub mod region;
pub mod statuspage;
pub mod trouble;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::key::Key;

/// Whose paths and bodies are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compat {
    /// Those of the platform API.
    #[default]
    Genesys,
    /// Those of the documents that this program grew from, for proxies and servers built by them.
    Seed,
}

/// The id of a deployment: a UUID in lower case, or any key where the paths are the seeds'.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeploymentId(Key);

/// A text that is no id of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a deployment is a UUID such as 3fa85f64-5717-4562-b3fc-2c963f66afa6")]
pub struct DeploymentIdError;

impl DeploymentId {
    /// A text that is an id.
    pub fn new(text: &str, compat: Compat) -> Result<Self, DeploymentIdError> {
        let text = text.trim();
        let key = match compat {
            Compat::Genesys if !is_uuid(text) => return Err(DeploymentIdError),
            Compat::Genesys => Key::new(&text.to_ascii_lowercase()),
            // It becomes a part of a path.
            Compat::Seed if text.bytes().any(|byte| b"/?#%".contains(&byte)) => {
                return Err(DeploymentIdError);
            }
            Compat::Seed => Key::new(text),
        };
        key.map(Self).map_err(|_| DeploymentIdError)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// As events bear it.
    pub fn key(&self) -> &Key {
        &self.0
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DeploymentId {
    /// As it was stored, whatever the paths were then.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text, Compat::Seed).map_err(serde::de::Error::custom)
    }
}

impl Serialize for DeploymentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let mut groups = text.split('-');
    let digits = |group: &str, length| {
        group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let known = [8, 4, 4, 4, 12];
    known.iter().all(|length| groups.next().is_some_and(|group| digits(group, *length)))
        && groups.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_a_uuid_but_in_the_seeds() {
        let id = |text| DeploymentId::new(text, Compat::Genesys);
        let good = id(" 3FA85F64-5717-4562-b3fc-2c963f66afa6 ").unwrap();
        assert_eq!(good.as_str(), "3fa85f64-5717-4562-b3fc-2c963f66afa6");
        for bad in [
            "",
            "chat-1",
            "3fa85f64-5717-4562-b3fc-2c963f66afa",
            "3fa85f64-5717-4562-b3fc-2c963f66afa6-",
            "3fa85f645717-4562-b3fc-2c963f66afa6-1",
            "gfa85f64-5717-4562-b3fc-2c963f66afa6",
        ] {
            assert_eq!(id(bad), Err(DeploymentIdError), "{bad}");
        }
        let seed = |text| DeploymentId::new(text, Compat::Seed);
        assert_eq!(seed("chat-1").unwrap().as_str(), "chat-1");
        for bad in ["", "a b", "../x", "a?b", "a%2f"] {
            assert_eq!(seed(bad), Err(DeploymentIdError), "{bad}");
        }
    }
}

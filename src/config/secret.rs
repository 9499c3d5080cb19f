//! Values that do not belong in a config file: read from elsewhere, shown nowhere.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use serde::Deserialize;

use super::caution::Caution;
use super::fault::{Faults, Span};
use super::field::Legal;
use super::whereabouts::{Purpose, Whereabouts};

/// Longest secret that is read: a token, not a document.
const MAX_SECRET_BYTES: u64 = 16 * 1024;

/// Where a value comes from: the file itself, or a place that only the daemon may read.
#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "neither a text nor a place to read one from")]
pub enum SecretSource {
    /// In the config, for values that are no secret.
    Plain(String),
    /// Elsewhere.
    Elsewhere(Elsewhere),
}

/// A place outside the config.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Elsewhere {
    /// A file, relative to the config's folder.
    File(PathBuf),
    /// A variable of the daemon's environment.
    Env(String),
    /// A name in `$CREDENTIALS_DIRECTORY`, as systemd's `LoadCredential=` makes it.
    Credential(String),
}

/// One, or several: the new one beside the old one, while somebody else changes theirs.
#[derive(Debug, Clone)]
pub struct OneOrMore(pub Vec<SecretSource>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "neither a place to read a secret from nor a list of them")]
        enum Shape {
            One(SecretSource),
            Several(Vec<SecretSource>),
        }
        Ok(Self(match Shape::deserialize(deserializer)? {
            Shape::One(source) => vec![source],
            Shape::Several(sources) => sources,
        }))
    }
}

impl Legal for OneOrMore {
    const FIX: &'static str =
        "write { file = \"…\" }, { env = \"…\" } or { credential = \"…\" }, or a list of them";
}

impl Legal for SecretSource {
    const FIX: &'static str =
        "write a text, or { file = \"…\" }, { env = \"…\" } or { credential = \"…\" }";
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretSource(…)")
    }
}

impl SecretSource {
    /// Whether it stands in the config itself, where too many can read it.
    pub fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// The value, without the newline that editors put at the end of a file.
    pub fn read(&self, whereabouts: &Whereabouts<'_>) -> Result<String, SecretError> {
        let elsewhere = match self {
            Self::Plain(text) => return Ok(text.clone()),
            Self::Elsewhere(elsewhere) => elsewhere,
        };
        match elsewhere {
            Elsewhere::File(path) => read_file(&whereabouts.join(path)),
            Elsewhere::Env(name) => {
                std::env::var(name).map_err(|_| SecretError::NoVariable { name: name.clone() })
            }
            Elsewhere::Credential(name) => {
                read_file(&whereabouts.credential(name).ok_or(SecretError::NoCredentialsDirectory)?)
            }
        }
    }
}

fn read_file(path: &Path) -> Result<String, SecretError> {
    let unreadable =
        |error: std::io::Error| SecretError::Unreadable { path: path.to_owned(), error };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(SecretError::TooLong { path: path.to_owned() });
    }
    let trimmed = text.strip_suffix('\n').unwrap_or(&text);
    Ok(trimmed.strip_suffix('\r').unwrap_or(trimmed).to_owned())
}

/// Why a secret is not to be had; never its content.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file that is missing, closed to us or no text.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// More than a token.
    #[error("{} is longer than 16 KiB", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// A variable that is not set.
    #[error("the environment has no variable {name}")]
    NoVariable {
        /// The variable.
        name: String,
    },
    /// Not started by systemd with `LoadCredential=`.
    #[error("$CREDENTIALS_DIRECTORY is not set")]
    NoCredentialsDirectory,
}

impl SecretError {
    /// Tells it: a fault for whoever needs the secret. Says whether nobody does.
    pub fn tell(&self, span: &Span, key: impl fmt::Display, faults: &mut Faults) -> bool {
        let can_do_without = match faults.purpose() {
            Purpose::Run | Purpose::Ask => false,
            Purpose::Lint => matches!(self, Self::NoCredentialsDirectory),
            Purpose::Look => true,
        };
        match can_do_without {
            true => faults.caution(Caution::new(key.to_string(), self.to_string(), self.fix())),
            false => faults.add(span, key, self, self.fix()),
        }
        can_do_without
    }

    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "put it there, readable for the daemon's user",
            Self::TooLong { .. } => "name a file with the value alone",
            Self::NoVariable { .. } => "set it, or read the value from a file",
            Self::NoCredentialsDirectory => {
                "systemd gives it to the service, by LoadCredential= in the unit; root may ask by \
                 hand while that runs, others by `systemd-run -P -p LoadCredential=NAME:FILE …`"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_text_without_the_last_newline() {
        let folder = std::env::temp_dir();
        let name = format!("watchpost-secret-{}", std::process::id());
        fs::write(folder.join(&name), "hunter2\n").unwrap();
        let source = SecretSource::Elsewhere(Elsewhere::File(name.clone().into()));
        let whereabouts = Whereabouts::new(&folder, Purpose::Run);
        assert_eq!(source.read(&whereabouts).unwrap(), "hunter2");
        fs::remove_file(folder.join(name)).unwrap();
    }

    #[test]
    fn a_secret_shows_in_no_debug_output() {
        let source = SecretSource::Plain("hunter2".into());
        assert!(!format!("{source:?}").contains("hunter2"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let source = SecretSource::Elsewhere(Elsewhere::File("/no/such/file".into()));
        let whereabouts = Whereabouts::new(Path::new("/"), Purpose::Run);
        let error = source.read(&whereabouts).unwrap_err().to_string();
        assert!(error.contains("/no/such/file"), "{error}");
    }
}

//! A TOML file to the shape of its keys: what is no TOML, of a wrong shape or unknown is a fault.

use std::path::Path;
use std::{fs, io};

use serde::de::DeserializeOwned;
use toml::Deserializer;
use toml::de::DeTable;

use super::fault::Faults;
use super::unknown;

/// The text of a file that is no longer than that.
pub fn text(path: &Path, max_bytes: u64) -> io::Result<String> {
    if fs::metadata(path)?.len() > max_bytes {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::read_to_string(path)
}

/// Reads a text. Keys that nothing reads become faults, beside those of `known_keys`; where there is
/// no shape at all, there is none, and `faults` says why; `fix` is what to do about a wrong one.
pub fn read<T: DeserializeOwned>(
    text: &str,
    known_keys: impl Fn(&[&str]) -> &'static [&'static str],
    fix: &str,
    faults: &mut Faults,
) -> Option<T> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        faults.add(&span, "(syntax)", error.message(), "see https://toml.io");
    }
    if !faults.is_empty() {
        return None;
    }
    let mut passed_over = Vec::new();
    let deserializer = Deserializer::from(document.clone());
    let read = serde_ignored::deserialize(deserializer, |path| passed_over.push(path.to_string()));
    match read {
        Ok(shape) => {
            unknown::add_faults(&passed_over, document.get_ref(), known_keys, faults);
            Some(shape)
        }
        Err(error) => {
            faults.add(&error.span().unwrap_or(0..0), "(file)", error.message(), fix);
            None
        }
    }
}

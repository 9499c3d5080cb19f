//! What a file declares: objects, the fields that they must have, the doors that must open.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::plan::Declared;
use super::reading::Reader;
use super::webhook::Webhook;
use super::{channel, deployment, raw, webhook};
use crate::check::origin::OriginRule;
use crate::check::target::Target;
use crate::config::document;
use crate::config::fault::{Faults, Span};
use crate::event::key::Key;
use crate::genesys::Compat;
use crate::genesys::domains::OriginMatch;
use crate::receiver::Receiver;

/// Longest file that is read.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Most objects of one file.
pub const MAX_OBJECTS: usize = 64;

/// A file that can be applied: every value in it is legal.
#[derive(Debug)]
pub struct Manifest {
    path: PathBuf,
    text: String,
    /// In the order of the file.
    pub objects: Vec<Wanted>,
    /// How events are to come.
    pub webhook: Option<Webhook>,
    /// What is legal and odd: nothing is refused for it.
    pub notices: Faults,
}

/// What a file is held against, apart from its own rules.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Whose paths and bodies are spoken.
    pub compat: Compat,
    /// By which rule a list lets pages in.
    pub rule: OriginMatch,
    /// The receivers of the config.
    pub receivers: &'a [Arc<Receiver>],
}

/// One object, as it must be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// `deployments[0]`
    pub place: String,
    /// Where that stands.
    pub span: Span,
    /// What it is found by.
    pub by: By,
    /// The fields that the file declares; all others are left alone.
    pub fields: Vec<Declared>,
    /// The pages that are let in or refused behind it.
    pub doors: Vec<Arc<OriginRule>>,
    /// Whether it is switched off, so that nobody gets in.
    pub shut: bool,
    /// Where its doors are, where the file says so.
    pub door: Option<Target>,
    /// What is put behind the address of a channel to open its socket.
    pub websocket_path: String,
}

/// What an object is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Its id.
    Id(Key),
    /// Its name, which one alone may have.
    Name(String),
}

/// Why there is nothing to apply.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file itself cannot be had.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file can be read, and this is wrong in it.
    #[error("{0}")]
    Faults(Faults),
}

impl Manifest {
    /// Reads a file.
    pub fn load(path: &Path, setting: Setting<'_>) -> Result<Self, ManifestError> {
        let unreadable = |error| ManifestError::Unreadable { path: path.to_owned(), error };
        let text = document::text(path, MAX_FILE_BYTES).map_err(unreadable)?;
        Self::parse(path, text, setting).map_err(ManifestError::Faults)
    }

    /// Reads the text of a file.
    pub fn parse(path: &Path, text: String, setting: Setting<'_>) -> Result<Self, Faults> {
        let mut faults = Faults::new(path, &text);
        let fix = "compare with the example in the README";
        let file: Option<raw::File> = document::read(&text, raw::known_keys, fix, &mut faults);
        let Some(file) = file else { return Err(faults) };
        let seed = setting.compat == Compat::Seed;
        refuse_the_others(&file, seed, &mut faults);
        let mut notices = Faults::new(path, &text);
        let rule = if seed { OriginMatch::Strict } else { setting.rule };
        let mut rows = Rows { rule, faults: &mut faults, notices: &mut notices };
        let objects = if seed {
            rows.read(file.channels, "channels", channel::read)
        } else {
            rows.read(file.deployments, "deployments", deployment::read)
        };
        let webhook = webhook::read(file.webhook, path, setting, &mut faults, &mut notices);
        if faults.is_empty() && objects.is_empty() && webhook.is_none() {
            let table = if seed { "[[channels]]" } else { "[[deployments]]" };
            faults.add(&(0..0), "(file)", "nothing is declared", format!("add a table: {table}"));
        }
        found_twice(&objects, &mut faults);
        let path = path.to_owned();
        if faults.is_empty() {
            Ok(Self { path, text, objects, webhook, notices })
        } else {
            Err(faults)
        }
    }

    /// An empty list of what is wrong with the file, for what shows only at the platform.
    pub fn faults(&self) -> Faults {
        Faults::new(&self.path, &self.text)
    }
}

/// The tables of the other mode are no slip of the hand: they say which mode was meant.
fn refuse_the_others(file: &raw::File, seed: bool, faults: &mut Faults) {
    let deployments = file.deployments.span().map(|span| (span, "deployments"));
    let channels = file.channels.span().map(|span| (span, "channels"));
    let (other, ours, mode) = if seed {
        (deployments, "channels", "compat = \"genesys\"")
    } else {
        (channels, "deployments", "compat = \"seed\"")
    };
    if let Some((span, key)) = other {
        let problem = format!("the platform of this config has no {key}");
        let fix = format!("declare {ours}, or set {mode} in [genesys]");
        faults.add(&span, key, problem, fix);
    }
}

/// Reads tables one after the other.
struct Rows<'a> {
    rule: OriginMatch,
    faults: &'a mut Faults,
    notices: &'a mut Faults,
}

impl Rows<'_> {
    fn read<T>(
        &mut self,
        table: raw::Tables<T>,
        name: &str,
        read: impl Fn(T, Reader<'_>) -> Option<Wanted>,
    ) -> Vec<Wanted> {
        let fix = "write it as a list of tables: [[deployments]], or [[channels]]";
        let Some((span, rows)) = table.take(name, fix, self.faults) else { return Vec::new() };
        if rows.len() > MAX_OBJECTS {
            let problem = format!("more than {MAX_OBJECTS}");
            self.faults.add(&span, name, problem, "split the file");
            return Vec::new();
        }
        let mut objects = Vec::with_capacity(rows.len());
        for (n, row) in rows.into_iter().enumerate() {
            let place = format!("{name}[{n}]");
            let Some((span, row)) = row.take(&place, fix, self.faults) else { continue };
            let Self { rule, faults, notices } = self;
            let (place, span, rule) = (place.as_str(), &span, *rule);
            objects.extend(read(row, Reader { place, span, rule, faults, notices }));
        }
        objects
    }
}

/// The second of two tables for one object would undo the first.
fn found_twice(objects: &[Wanted], faults: &mut Faults) {
    for (n, wanted) in objects.iter().enumerate() {
        let before = objects.iter().take(n).find(|other| other.by == wanted.by);
        if let Some(other) = before {
            let problem = format!("the same as {}", other.place);
            faults.add(&wanted.span, &wanted.place, problem, "put both into one table");
        }
    }
}

//! The folder that a replay works in, and blocks of Prometheus' that are made there.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::ReplayError;
use super::prometheus::{Tool, instant};

/// What one block holds, at most.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A folder that is gone with this.
#[derive(Debug)]
pub struct Work {
    path: PathBuf,
}

impl Work {
    /// Makes one where temporary files are, for nobody else's eyes.
    pub fn begin() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("watchpost-replay-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&path)?;
        let work = Self { path };
        fs::create_dir(work.data())?;
        Ok(work)
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where blocks are.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        fs::write(self.file(name), text)
    }

    /// Samples for blocks, by way of a text of this name.
    pub fn blocks(&self, name: &str) -> Blocks<'_> {
        Blocks { work: self, path: self.file(&format!("{name}.txt")), open: None }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What cannot be removed lies among temporary files.
        fs::remove_dir_all(&self.path).ok();
    }
}

/// Samples that become blocks, day by day.
#[derive(Debug)]
pub struct Blocks<'a> {
    work: &'a Work,
    path: PathBuf,
    open: Option<(Timestamp, BufWriter<File>)>,
}

impl Blocks<'_> {
    /// A sample; `labels` as they stand between braces. Those of a series come in the order of
    /// their times.
    pub fn line(
        &mut self,
        at: Timestamp,
        name: &str,
        labels: &str,
        value: &str,
    ) -> Result<(), ReplayError> {
        let file = match &mut self.open {
            Some((_, file)) => file,
            none => {
                let file = BufWriter::new(File::create(&self.path)?);
                &mut none.insert((at, file)).1
            }
        };
        writeln!(file, "{name}{{{labels}}} {value} {}", instant(at))?;
        Ok(())
    }

    /// Makes a block of what there is once it holds a day; says whether it did.
    pub fn turn(&mut self, at: Timestamp) -> Result<bool, ReplayError> {
        let full = self.open.as_ref().is_some_and(|(from, _)| at.duration_since(*from) >= DAY);
        if full {
            self.end()?;
        }
        Ok(full)
    }

    /// Makes a block of what there is.
    pub fn end(&mut self) -> Result<(), ReplayError> {
        let Some((_, mut file)) = self.open.take() else { return Ok(()) };
        file.write_all(b"# EOF\n")?;
        file.flush()?;
        drop(file);
        Tool::Promtool.blocks(&self.path, &self.work.data())?;
        fs::remove_file(&self.path)?;
        Ok(())
    }
}

/// The end of a file of text.
pub fn end_of(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let from = text.len().saturating_sub(1024);
    String::from_utf8_lossy(text.get(from..).unwrap_or(&text)).trim().to_owned()
}

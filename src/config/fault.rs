//! What is wrong in a config file: every fault with its place and its fix.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use super::caution::Caution;
use super::whereabouts::Purpose;

/// Bytes from the start of the file.
pub type Span = Range<usize>;

/// One thing to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// As it would be written with dots: `endpoints[2].origins[0].origin`.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

/// All that is wrong in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    file: Box<Path>,
    line_starts: Vec<usize>,
    faults: Vec<Fault>,
    purpose: Purpose,
    cautions: Vec<Caution>,
    seen: BTreeSet<(usize, String, String)>,
}

impl Faults {
    /// An empty list for a file with this text.
    pub fn new(file: &Path, text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        Self {
            file: file.into(),
            line_starts,
            faults: Vec::new(),
            purpose: Purpose::Run,
            cautions: Vec::new(),
            seen: BTreeSet::new(),
        }
    }

    /// The same for a file that is read for this.
    pub fn for_purpose(self, purpose: Purpose) -> Self {
        Self { purpose, ..self }
    }

    /// Adds one. A default is read once for every endpoint, but its fault is listed once.
    pub fn add(
        &mut self,
        span: &Span,
        key: impl fmt::Display,
        problem: impl fmt::Display,
        fix: impl fmt::Display,
    ) {
        let (key, problem) = (key.to_string(), problem.to_string());
        let last = key.rsplit('.').next().unwrap_or_default().to_owned();
        if self.seen.insert((span.start, last, problem.clone())) {
            let line = self.line(span.start);
            self.faults.push(Fault { line, key, problem, fix: fix.to_string() });
        }
    }

    /// Adds what keeps nothing from running, once.
    pub fn caution(&mut self, caution: Caution) {
        if !self.cautions.contains(&caution) {
            self.cautions.push(caution);
        }
    }

    /// What the file is read for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What keeps nothing from running.
    pub fn take_cautions(&mut self) -> Vec<Caution> {
        std::mem::take(&mut self.cautions)
    }

    /// The line of a byte of the file, from 1.
    pub fn line(&self, byte: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= byte)
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// In the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        let mut sorted: Vec<_> = self.faults.iter().collect();
        sorted.sort_by(|a, b| (a.line, &a.key).cmp(&(b.line, &b.key)));
        sorted.into_iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        for Fault { line, key, problem, fix } in self.iter() {
            writeln!(f, "{file}:{line}: {key}: {problem}")?;
            writeln!(f, "    fix: {fix}")?;
        }
        let count = self.faults.len();
        write!(f, "{count} fault{} in {file}", if count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_on_the_line_that_an_editor_shows() {
        let faults = Faults::new(Path::new("x"), "a\nbb\n\nc");
        for (byte, line) in [(0, 1), (1, 1), (2, 2), (4, 2), (5, 3), (6, 4), (7, 4)] {
            assert_eq!(faults.line(byte), line, "byte {byte}");
        }
    }

    #[test]
    fn faults_are_listed_in_the_order_of_the_file() {
        let mut faults = Faults::new(Path::new("c.toml"), "a\nb\n");
        faults.add(&(2..3), "b", "wrong", "mend b");
        faults.add(&(0..1), "a", "wrong", "mend a");
        let text = "c.toml:1: a: wrong\n    fix: mend a\nc.toml:2: b: wrong\n    fix: mend b\n\
                    2 faults in c.toml";
        assert_eq!(faults.to_string(), text);
    }
}

//! Labels, rendered once for many samples.

use super::{Format, protobuf, text};

/// Room for the labels of most checks, so that they do not move as they grow.
const CAPACITY: usize = 128;

/// Labels as a page of one format holds them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels {
    format: Format,
    rendered: Vec<u8>,
}

impl Labels {
    /// None yet.
    pub fn new(format: Format) -> Self {
        Self { format, rendered: Vec::with_capacity(CAPACITY) }
    }

    /// Adds a label; its value may be anything.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.format {
            Format::Text | Format::OpenMetrics => text::label(&mut self.rendered, name, value),
            Format::Protobuf => protobuf::label(&mut self.rendered, name, value),
        }
        self
    }

    /// As they stand between braces, in the formats that are text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.rendered).into_owned()
    }

    /// As a sample holds them.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.rendered
    }
}

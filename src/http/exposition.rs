//! Pages of metrics, written by hand: families are described once, in whichever format is asked.
//!
//! The exporter crate takes half a second of CPU for a hundred thousand series, in which probes
//! are late; with labels rendered once for all families this takes a hundredth of that.

mod labels;
mod native;
mod protobuf;
mod text;

use jiff::Timestamp;

pub use self::labels::Labels;
pub use self::native::{Native, Span};

/// Which of the formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `text/plain; version=0.0.4`.
    Text,
    /// `application/openmetrics-text; version=1.0.0`.
    OpenMetrics,
    /// `io.prometheus.client.MetricFamily`, each with its length before it.
    Protobuf,
}

impl Format {
    /// The header that goes with it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// What a family measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Always 1; what matters are its labels. Its name ends in `_info`.
    Info,
    /// Counts by upper bound.
    Histogram,
}

/// What a sample says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A count, exact as long as the format has integers.
    Count(u64),
    /// Anything else.
    Number(f64),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// The distribution of something, in seconds.
#[derive(Debug, Clone)]
pub struct Histogram<'a> {
    /// Upper bounds without infinity, and how many values are up to each.
    pub buckets: &'a [(f64, u64)],
    /// How many values there are.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The same counts in exponential buckets, for a format that has them.
    pub native: Option<Native>,
    /// A moment when the count was zero, if one is known.
    pub since: Option<Timestamp>,
}

/// A page that is being written.
#[derive(Debug)]
pub struct Exposition {
    format: Format,
    page: Page,
    samples: usize,
}

#[derive(Debug)]
enum Page {
    Text(text::Page),
    Protobuf(protobuf::Page),
}

impl Exposition {
    /// An empty page.
    pub fn new(format: Format) -> Self {
        Self::within(Vec::new(), format)
    }

    /// A page in room that another one left behind.
    pub fn within(room: Vec<u8>, format: Format) -> Self {
        let page = match format {
            Format::Text => Page::Text(text::Page::within(room, text::Dialect::Prometheus)),
            Format::OpenMetrics => Page::Text(text::Page::within(room, text::Dialect::OpenMetrics)),
            Format::Protobuf => Page::Protobuf(protobuf::Page::within(room)),
        };
        Self { format, page, samples: 0 }
    }

    /// The format of the page.
    pub fn format(&self) -> Format {
        self.format
    }

    /// No labels yet, for this page.
    pub fn labels(&self) -> Labels {
        Labels::new(self.format)
    }

    /// Begins a family; all of its samples follow before the next one begins.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        match &mut self.page {
            Page::Text(page) => page.family(name, kind, help),
            Page::Protobuf(page) => page.family(name, kind, help),
        }
    }

    /// A sample of the family that was begun last.
    pub fn sample(&mut self, labels: &Labels, value: impl Into<Value>) {
        self.sample_with(labels, &[], value);
    }

    /// A sample with labels beyond those that are rendered already.
    pub fn sample_with(&mut self, labels: &Labels, more: &[(&str, &str)], value: impl Into<Value>) {
        self.samples += 1;
        match &mut self.page {
            Page::Text(page) => page.sample(labels.as_bytes(), more, value.into()),
            Page::Protobuf(page) => page.sample(labels.as_bytes(), more, value.into()),
        }
    }

    /// A histogram of the family that was begun last.
    pub fn histogram(&mut self, labels: &Labels, histogram: &Histogram<'_>) {
        // Infinity, sum and count.
        self.samples += histogram.buckets.len() + 3;
        match &mut self.page {
            Page::Text(page) => page.histogram(labels.as_bytes(), histogram),
            Page::Protobuf(page) => page.histogram(labels.as_bytes(), histogram),
        }
    }

    /// How many samples there are, where a histogram counts as in the text format.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The page.
    pub fn finish(self) -> Vec<u8> {
        match self.page {
            Page::Text(page) => page.finish(),
            Page::Protobuf(page) => page.finish(),
        }
    }
}

//! Prometheus' text format 0.0.4 and OpenMetrics 1.0, written by hand.
//!
//! The exporter crate takes half a second of CPU for a hundred thousand series, in which probes
//! are late; with labels rendered once for all families this takes a hundredth of that.

/// Which of the two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text/plain; version=0.0.4`.
    Text,
    /// `application/openmetrics-text; version=1.0.0`.
    OpenMetrics,
}

impl Format {
    /// The header that goes with it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
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

/// A page that is being written.
#[derive(Debug)]
pub struct Exposition {
    format: Format,
    page: Vec<u8>,
    samples: usize,
}

impl Exposition {
    /// An empty page.
    pub fn new(format: Format) -> Self {
        Self { format, page: Vec::new(), samples: 0 }
    }

    /// Begins a family; all of its samples follow before the next one begins.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let (name, word) = match (self.format, kind) {
            (Format::OpenMetrics, Kind::Counter) => (name.trim_end_matches("_total"), "counter"),
            (Format::Text, Kind::Counter) => (name, "counter"),
            (Format::OpenMetrics, Kind::Info) => (name.trim_end_matches("_info"), "info"),
            (_, Kind::Gauge) | (Format::Text, Kind::Info) => (name, "gauge"),
            (_, Kind::Histogram) => (name, "histogram"),
        };
        for part in ["# HELP ", name, " ", help, "\n# TYPE ", name, " ", word, "\n"] {
            self.push(part);
        }
    }

    /// One sample; `labels` as [`Labels`] renders them.
    pub fn sample(&mut self, name: &str, labels: &str, value: f64) {
        self.begin(name, labels, "");
        self.number(value);
        self.push("\n");
    }

    /// One sample with labels beyond those that are rendered already.
    pub fn sample_with(&mut self, name: &str, labels: &str, more: &[(&str, &str)], value: f64) {
        let more =
            more.iter().fold(Labels::default(), |labels, (name, value)| labels.with(name, value));
        self.begin(name, labels, more.as_str());
        self.number(value);
        self.push("\n");
    }

    /// One sample that is a count.
    pub fn count_with(&mut self, name: &str, labels: &str, more: &[(&str, &str)], value: u64) {
        let more =
            more.iter().fold(Labels::default(), |labels, (name, value)| labels.with(name, value));
        self.begin(name, labels, more.as_str());
        self.push(itoa::Buffer::new().format(value));
        self.push("\n");
    }

    /// A histogram: the counts up to each bound, then all of them, and their sum.
    pub fn histogram(
        &mut self,
        name: &str,
        labels: &str,
        buckets: &[(f64, u64)],
        all: u64,
        sum: f64,
    ) {
        let bucket = format!("{name}_bucket");
        let mut buffer = ryu::Buffer::new();
        for (bound, count) in buckets {
            self.count_with(&bucket, labels, &[("le", buffer.format_finite(*bound))], *count);
        }
        self.count_with(&bucket, labels, &[("le", "+Inf")], all);
        self.sample(&format!("{name}_sum"), labels, sum);
        self.count_with(&format!("{name}_count"), labels, &[], all);
    }

    /// Adds what another writer rendered in the text format.
    pub fn append_text(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.is_empty()) {
            let comment = line.strip_prefix("# ").and_then(|rest| rest.split_once(' '));
            match (self.format, comment) {
                (Format::OpenMetrics, Some((word, rest))) => {
                    let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                    let name = name.trim_end_matches("_total");
                    for part in ["# ", word, " ", name, " ", rest, "\n"] {
                        self.push(part);
                    }
                }
                _ => {
                    self.samples += usize::from(comment.is_none());
                    self.push(line);
                    self.push("\n");
                }
            }
        }
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The page.
    pub fn finish(mut self) -> Vec<u8> {
        if self.format == Format::OpenMetrics {
            self.push("# EOF\n");
        }
        self.page
    }

    fn begin(&mut self, name: &str, labels: &str, more: &str) {
        self.samples += 1;
        self.push(name);
        let comma = if labels.is_empty() || more.is_empty() { "" } else { "," };
        if labels.is_empty() && more.is_empty() {
            self.push(" ");
        } else {
            for part in ["{", labels, comma, more, "} "] {
                self.push(part);
            }
        }
    }

    fn number(&mut self, value: f64) {
        let whole = value as i64;
        if value.is_nan() {
            self.push("NaN");
        } else if value.is_infinite() {
            self.push(if value > 0.0 { "+Inf" } else { "-Inf" });
        } else if whole as f64 == value {
            self.push(itoa::Buffer::new().format(whole));
        } else {
            self.push(ryu::Buffer::new().format_finite(value));
        }
    }

    fn push(&mut self, text: &str) {
        self.page.extend_from_slice(text.as_bytes());
    }
}

/// Labels, rendered once for many samples: `a="b",c="d"`.
#[derive(Debug, Clone, Default)]
pub struct Labels(String);

impl Labels {
    /// Adds a label; its value may be anything.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(name);
        self.0.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                c => self.0.push(c),
            }
        }
        self.0.push('"');
        self
    }

    /// As a sample holds them between its braces.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(format: Format, write: impl FnOnce(&mut Exposition)) -> String {
        let mut exposition = Exposition::new(format);
        write(&mut exposition);
        String::from_utf8(exposition.finish()).unwrap()
    }

    #[test]
    fn a_counter_has_its_suffix_where_the_format_wants_it() {
        let write = |e: &mut Exposition| {
            e.family("runs_total", Kind::Counter, "Runs.");
            e.count_with("runs_total", "a=\"b\"", &[("result", "success")], 3);
        };
        assert_eq!(
            page(Format::Text, write),
            "# HELP runs_total Runs.\n# TYPE runs_total counter\nruns_total{a=\"b\",result=\"success\"} 3\n"
        );
        assert_eq!(
            page(Format::OpenMetrics, write),
            "# HELP runs Runs.\n# TYPE runs counter\nruns_total{a=\"b\",result=\"success\"} 3\n# EOF\n"
        );
    }

    #[test]
    fn a_value_in_a_label_can_be_anything() {
        let labels = Labels::default().with("a", "\\ \" \n }").with("b", "ü");
        assert_eq!(labels.as_str(), "a=\"\\\\ \\\" \\n }\",b=\"ü\"");
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let numbers =
            [0.0, 1.0, -2.0, 0.25, 1e-7, 1.8e9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let text = page(Format::Text, |e| numbers.iter().for_each(|n| e.sample("x", "", *n)));
        let values: Vec<_> = text.lines().map(|line| &line[2..]).collect();
        assert_eq!(values, ["0", "1", "-2", "0.25", "1e-7", "1800000000", "NaN", "+Inf", "-Inf"]);
    }

    #[test]
    fn what_another_writer_rendered_is_turned_into_openmetrics() {
        let text = "# HELP x_total X.\n# TYPE x_total counter\nx_total{a=\"b\"} 1\n\n";
        assert_eq!(
            page(Format::OpenMetrics, |e| e.append_text(text)),
            "# HELP x X.\n# TYPE x counter\nx_total{a=\"b\"} 1\n# EOF\n"
        );
    }
}

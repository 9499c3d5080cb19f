//! Prometheus' text format 0.0.4 and OpenMetrics 1.0.

use super::{Histogram, Kind, Value};

/// What the two differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Version 0.0.4.
    Prometheus,
    /// Version 1.0.0: names of families lack the suffix, and the page says where it ends.
    OpenMetrics,
}

/// A page of text.
#[derive(Debug)]
pub struct Page {
    dialect: Dialect,
    /// The family that was begun last.
    name: String,
    text: Vec<u8>,
}

impl Page {
    /// An empty page.
    pub fn within(room: Vec<u8>, dialect: Dialect) -> Self {
        Self { dialect, name: String::new(), text: room }
    }

    /// Begins a family.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        name.clone_into(&mut self.name);
        let (name, word) = match (self.dialect, kind) {
            (Dialect::OpenMetrics, Kind::Counter) => (name.trim_end_matches("_total"), "counter"),
            (Dialect::Prometheus, Kind::Counter) => (name, "counter"),
            (Dialect::OpenMetrics, Kind::Info) => (name.trim_end_matches("_info"), "info"),
            (_, Kind::Gauge) | (Dialect::Prometheus, Kind::Info) => (name, "gauge"),
            (_, Kind::Histogram) => (name, "histogram"),
        };
        for part in ["# HELP ", name, " ", help, "\n# TYPE ", name, " ", word, "\n"] {
            self.push(part);
        }
    }

    /// One line.
    pub fn sample(&mut self, labels: &[u8], more: &[(&str, &str)], value: Value) {
        self.line("", labels, more, value);
    }

    /// A line for each bound, for the sum, and for the count.
    pub fn histogram(&mut self, labels: &[u8], histogram: &Histogram<'_>) {
        let mut buffer = ryu::Buffer::new();
        for (bound, count) in histogram.buckets {
            let bound = [("le", buffer.format_finite(*bound))];
            self.line("_bucket", labels, &bound, Value::Count(*count));
        }
        self.line("_bucket", labels, &[("le", "+Inf")], Value::Count(histogram.count));
        self.line("_sum", labels, &[], Value::Number(histogram.sum));
        self.line("_count", labels, &[], Value::Count(histogram.count));
    }

    /// The page.
    pub fn finish(mut self) -> Vec<u8> {
        if self.dialect == Dialect::OpenMetrics {
            self.push("# EOF\n");
        }
        self.text
    }

    fn line(&mut self, suffix: &str, labels: &[u8], more: &[(&str, &str)], value: Value) {
        self.text.extend_from_slice(self.name.as_bytes());
        self.push(suffix);
        if !(labels.is_empty() && more.is_empty()) {
            self.push("{");
            let begin = self.text.len();
            self.text.extend_from_slice(labels);
            for (name, value) in more {
                pair(&mut self.text, begin, name, value);
            }
            self.push("}");
        }
        self.push(" ");
        match value {
            Value::Count(count) => self.push(itoa::Buffer::new().format(count)),
            Value::Number(number) => self.number(number),
        }
        self.push("\n");
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
        self.text.extend_from_slice(text.as_bytes());
    }
}

/// Adds a label to those that are rendered: `a="b",c="d"`.
pub fn label(rendered: &mut Vec<u8>, name: &str, value: &str) {
    pair(rendered, 0, name, value);
}

/// Adds a label, behind a comma unless it is the first since `begin`.
fn pair(text: &mut Vec<u8>, begin: usize, name: &str, value: &str) {
    if text.len() > begin {
        text.push(b',');
    }
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b"=\"");
    for byte in value.bytes() {
        match byte {
            b'\\' => text.extend_from_slice(b"\\\\"),
            b'"' => text.extend_from_slice(b"\\\""),
            b'\n' => text.extend_from_slice(b"\\n"),
            // Bytes of longer characters are none of these.
            byte => text.push(byte),
        }
    }
    text.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use crate::http::exposition::{Exposition, Format, Histogram, Kind, Labels};

    fn page(format: Format, write: impl FnOnce(&mut Exposition)) -> String {
        let mut exposition = Exposition::new(format);
        write(&mut exposition);
        String::from_utf8(exposition.finish()).unwrap()
    }

    #[test]
    fn a_counter_has_its_suffix_where_the_format_wants_it() {
        let write = |e: &mut Exposition| {
            e.family("runs_total", Kind::Counter, "Runs.");
            e.sample_with(&e.labels().with("a", "b"), &[("result", "success")], 3);
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
    fn a_histogram_has_a_line_for_each_bound() {
        let text = page(Format::Text, |e| {
            e.family("x", Kind::Histogram, "X.");
            let buckets = [(0.5, 1), (1.0, 3)];
            let histogram =
                Histogram { buckets: &buckets, count: 4, sum: 7.25, native: None, since: None };
            e.histogram(&e.labels(), &histogram);
        });
        let (_, lines) = text.split_once("histogram\n").unwrap();
        assert_eq!(
            lines,
            "x_bucket{le=\"0.5\"} 1\nx_bucket{le=\"1.0\"} 3\nx_bucket{le=\"+Inf\"} 4\nx_sum 7.25\nx_count 4\n"
        );
    }

    #[test]
    fn a_value_in_a_label_can_be_anything() {
        let labels = Labels::new(Format::Text).with("a", "\\ \" \n }").with("b", "ü");
        assert_eq!(labels.as_bytes(), "a=\"\\\\ \\\" \\n }\",b=\"ü\"".as_bytes());
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let numbers =
            [0.0, 1.0, -2.0, 0.25, 1e-7, 1.8e9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let text = page(Format::Text, |e| {
            e.family("x", Kind::Gauge, "X.");
            numbers.iter().for_each(|number| e.sample(&e.labels(), *number));
        });
        let values: Vec<_> = text.lines().skip(2).map(|line| &line[2..]).collect();
        assert_eq!(values, ["0", "1", "-2", "0.25", "1e-7", "1800000000", "NaN", "+Inf", "-Inf"]);
    }

    /// Reads `a="b",c="d"` as the formats' own grammar says, and nothing else.
    fn read_labels(text: &str) -> Option<Vec<(String, String)>> {
        let mut labels = Vec::new();
        let mut chars = text.chars();
        loop {
            let name: String = chars.by_ref().take_while(|c| *c != '=').collect();
            let mut value = String::new();
            (chars.next()? == '"').then_some(())?;
            loop {
                match chars.next()? {
                    '"' => break,
                    '\n' => return None,
                    '\\' => value.push(match chars.next()? {
                        'n' => '\n',
                        c @ ('"' | '\\') => c,
                        _ => return None,
                    }),
                    c => value.push(c),
                }
            }
            labels.push((name, value));
            match chars.next() {
                Some(',') => {}
                Some(_) => return None,
                None => return Some(labels),
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_label_is_read_back(first: String, second in "[\"\\\\\n,={}# a]{0,20}") {
            for format in [Format::Text, Format::OpenMetrics] {
                let page = page(format, |e| {
                    e.family("x", Kind::Gauge, "X.");
                    e.sample_with(&e.labels().with("a", &first), &[("b", &second)], 1);
                });
                let lines: Vec<_> = page.split_terminator('\n').filter(|line| !line.starts_with("# ")).collect();
                prop_assert_eq!(lines.len(), 1);
                let inside = lines[0].strip_prefix("x{").and_then(|rest| rest.strip_suffix("} 1"));
                let wanted = [("a", &first), ("b", &second)].map(|(name, value)| (name.to_owned(), value.clone()));
                prop_assert_eq!(inside.and_then(read_labels), Some(wanted.to_vec()));
            }
        }
    }
}

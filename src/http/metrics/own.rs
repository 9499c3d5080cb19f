//! The daemon's own numbers, which the exporter crate renders in the text format alone.
//!
//! Its protobuf wants a compiler of schemas at build time, and OpenMetrics it has none.

use crate::http::exposition::{Exposition, Histogram, Kind, Labels};

/// Writes those families of a page in the text format that are `shown`.
pub fn write(e: &mut Exposition, text: &str, shown: impl Fn(&str) -> bool) {
    let mut is_shown = true;
    let mut help = "";
    let mut family = ("", Kind::Gauge);
    let (mut buckets, mut sum) = (Vec::new(), 0.0);
    for line in text.lines() {
        if let Some((_, text)) = comment(line, "# HELP ") {
            help = text;
        } else if let Some((name, word)) = comment(line, "# TYPE ") {
            family = (name, kind(word));
            is_shown = shown(name);
            let help = std::mem::take(&mut help);
            if is_shown {
                e.family(name, family.1, help);
            }
        } else if let Some(sample) = Sample::parse(line).filter(|_| is_shown) {
            let labels = sample.labels(e.labels());
            let suffix = match family {
                (name, Kind::Histogram) => sample.name.strip_prefix(name),
                _ => None,
            };
            match suffix {
                Some("_bucket") => buckets.extend(sample.bucket()),
                Some("_sum") => sum = sample.value,
                // Behind all the others.
                Some("_count") => {
                    let count = sample.value as u64;
                    let histogram =
                        Histogram { buckets: &buckets, count, sum, native: None, since: None };
                    e.histogram(&labels, &histogram);
                    buckets.clear();
                }
                _ => e.sample(&labels, sample.value),
            }
        }
    }
}

/// The name in a comment of this kind, and what is said of it.
fn comment<'a>(line: &'a str, begin: &str) -> Option<(&'a str, &'a str)> {
    line.strip_prefix(begin)?.split_once(' ')
}

fn kind(word: &str) -> Kind {
    match word {
        "counter" => Kind::Counter,
        "histogram" => Kind::Histogram,
        // There are no summaries, because buckets are set for everything.
        _ => Kind::Gauge,
    }
}

/// One line of numbers.
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, mut rest) = series.split_once('{').unwrap_or((series, ""));
        let mut labels = Vec::new();
        while let Some((label, quoted)) = rest.split_once("=\"") {
            let (value, behind) = unquote(quoted)?;
            labels.push((label.trim_start_matches(','), value));
            rest = behind;
        }
        Some(Self { name, labels, value: value.parse().ok()? })
    }

    /// All but the bound of a bucket.
    fn labels(&self, none: Labels) -> Labels {
        let labels = self.labels.iter().filter(|(name, _)| *name != "le");
        labels.fold(none, |labels, (name, value)| labels.with(name, value))
    }

    /// A bound and the count up to it; infinity is counted in `_count`.
    fn bucket(&self) -> Option<(f64, u64)> {
        let (_, bound) = self.labels.iter().find(|(name, _)| *name == "le")?;
        let bound: f64 = bound.parse().ok()?;
        bound.is_finite().then_some((bound, self.value as u64))
    }
}

/// What stands before the closing quote, and what behind it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '"' => return Some((value, rest.as_str())),
            '\\' => value.push(match rest.next()? {
                'n' => '\n',
                c => c,
            }),
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::http::exposition::Format;

    fn page(format: Format, text: &str) -> String {
        let mut e = Exposition::new(format);
        write(&mut e, text, |family| family != "hidden");
        String::from_utf8(e.finish()).unwrap()
    }

    #[test]
    fn what_the_exporter_rendered_says_the_same() {
        let recorder = PrometheusBuilder::new().set_buckets(&[0.25, 5.0]).unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            metrics::describe_counter!("x_total", "X.");
            metrics::counter!("x_total", "a" => "b, {c}=\"d\" \\ \n", "e" => "").increment(7);
            metrics::describe_gauge!("hidden", "H.");
            metrics::gauge!("hidden", "a" => "b").set(1.0);
            metrics::describe_gauge!("y", "Y y.");
            metrics::gauge!("y").set(f64::NAN);
            metrics::describe_histogram!("z", "Z.");
            for value in [0.125, 1.0, 9.0] {
                metrics::histogram!("z", "route" => "/").record(value);
            }
        });
        assert_eq!(
            page(Format::OpenMetrics, &recorder.handle().render()),
            "# HELP x X.\n# TYPE x counter\n\
             x_total{a=\"b, {c}=\\\"d\\\" \\\\ \\n\",e=\"\"} 7\n\
             # HELP y Y y.\n# TYPE y gauge\ny NaN\n\
             # HELP z Z.\n# TYPE z histogram\n\
             z_bucket{route=\"/\",le=\"0.25\"} 1\nz_bucket{route=\"/\",le=\"5.0\"} 2\n\
             z_bucket{route=\"/\",le=\"+Inf\"} 3\nz_sum{route=\"/\"} 10.125\nz_count{route=\"/\"} 3\n\
             # EOF\n"
        );
    }
}

//! Which format a scraper gets: RFC 9110 section 12.5.1, for the three that there are.

use super::exposition::Format;

/// The best of what an `Accept` header asks for; the oldest format for whoever does not say.
pub fn format(accept: &str) -> Format {
    let mut best = (0.0, Format::Text);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some(served) = parts.next().and_then(served) else { continue };
        let (mut quality, mut version, mut proto, mut encoding) = (1.0, None, None, None);
        for (key, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match key.trim().to_ascii_lowercase().as_str() {
                "q" => quality = weight(value),
                "version" => version = Some(value),
                "proto" => proto = Some(value),
                "encoding" => encoding = Some(value),
                _ => {}
            }
        }
        let spoken = match served {
            Format::OpenMetrics => matches!(version, None | Some("1.0.0" | "0.0.1")),
            Format::Text => matches!(version, None | Some("0.0.4")),
            // Without these the type says nothing: anything may be written in protobuf.
            Format::Protobuf => {
                (proto, encoding) == (Some("io.prometheus.client.MetricFamily"), Some("delimited"))
            }
        };
        if spoken && quality > best.0 {
            best = (quality, served);
        }
    }
    best.1
}

/// A weight between 0 and 1; nothing is asked for by what is none.
fn weight(text: &str) -> f64 {
    text.parse().ok().filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0)
}

fn served(media_type: &str) -> Option<Format> {
    match media_type.to_ascii_lowercase().as_str() {
        "application/openmetrics-text" => Some(Format::OpenMetrics),
        "application/vnd.google.protobuf" => Some(Format::Protobuf),
        "text/plain" | "text/*" | "*/*" => Some(Format::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scraper_gets_what_it_likes_best() {
        for (accept, expected) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html, */*;q=0.1", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Format::Text),
            ("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", Format::Text),
            ("application/openmetrics-text;q=0.2,text/plain;version=0.0.4;q=0.4", Format::Text),
            ("application/openmetrics-text; version=\"1.0.0\"; q=junk", Format::Text),
            ("application/vnd.google.protobuf", Format::Text),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text,text/plain;q=0.1",
                Format::Text,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.2,text/plain;q=0.3",
                Format::Text,
            ),
            ("text/plain; Q=0.5, application/openmetrics-text; Q=0.2", Format::Text),
            ("text/plain; q=0.9, application/openmetrics-text; q=inf", Format::Text),
            // Prometheus 2.42; the same and 3.5 with native histograms on.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::Protobuf,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::Protobuf,
            ),
        ] {
            assert_eq!(format(accept), expected, "{accept}");
        }
    }
}

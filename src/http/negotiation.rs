//! Which format a scraper gets: RFC 9110 section 12.5.1, for the two that there are.

use super::exposition::Format;

/// The best of what an `Accept` header asks for; the oldest format for whoever does not say.
pub fn format(accept: &str) -> Format {
    let mut best = (0.0, Format::Text);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some(served) = parts.next().and_then(served) else { continue };
        let (mut quality, mut version) = (1.0, None);
        for parameter in parts {
            match parameter.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
                Some(("q", value)) => quality = value.parse().unwrap_or(0.0),
                Some(("version", value)) => version = Some(value.trim_matches('"')),
                _ => {}
            }
        }
        let spoken = match served {
            Format::OpenMetrics => matches!(version, None | Some("1.0.0" | "0.0.1")),
            Format::Text => matches!(version, None | Some("0.0.4")),
        };
        if spoken && quality > best.0 {
            best = (quality, served);
        }
    }
    best.1
}

fn served(media_type: &str) -> Option<Format> {
    match media_type.to_ascii_lowercase().as_str() {
        "application/openmetrics-text" => Some(Format::OpenMetrics),
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
            // Prometheus 2.42, and 3.5 with native histograms on.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::OpenMetrics,
            ),
        ] {
            assert_eq!(format(accept), expected, "{accept}");
        }
    }
}

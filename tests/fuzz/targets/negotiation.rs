//! `Accept` of whoever scrapes: what is not ours changes nothing, nor does spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watchpost::http::exposition::Format;
use watchpost::http::negotiation::format;

fuzz_target!(|accept: &str| {
    let chosen = format(accept);
    let lower = accept.to_ascii_lowercase();
    match chosen {
        Format::Text => {}
        Format::OpenMetrics => assert!(lower.contains("application/openmetrics-text")),
        Format::Protobuf => assert!(accept.contains("io.prometheus.client.MetricFamily")),
    }
    // The name of a message is the one thing that is spelt in one way only.
    if !lower.contains("protobuf") {
        assert_eq!(format(&lower), chosen);
        assert_eq!(format(&accept.to_ascii_uppercase()), chosen);
    }
    assert_eq!(format(&format!("image/png, {accept}")), chosen);
    assert_eq!(format(&format!("{accept},, image/*;q=1 ")), chosen);
    assert_eq!(format(&accept.replace(',', " ,\t").replace(';', " ; ")), chosen);
    // A weight is at most 1: nothing outweighs what is asked for first without one.
    assert_eq!(format(&format!("text/plain,{accept}")), Format::Text);
    assert_eq!(format(&format!("application/openmetrics-text,{accept}")), Format::OpenMetrics);
});

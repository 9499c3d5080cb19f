//! Labels: whatever stands in them reads back, and a sample stays one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watchpost::http::exposition::{Exposition, Format, Kind};
use watchpost_fuzz::{exposition, labels, texts};

fuzz_target!(|input: &[u8]| {
    let Some((number, values)) = input.split_first_chunk() else { return };
    let (number, values) = (f64::from_be_bytes(*number), texts(values));
    let names: Vec<_> = (0..values.len()).map(|index| format!("n{index}")).collect();
    let pairs: Vec<_> =
        names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
    for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
        let mut page = Exposition::new(format);
        page.family("x_info", Kind::Info, "X.");
        let rendered =
            pairs.iter().fold(page.labels(), |labels, (name, value)| labels.with(name, value));
        page.sample(&rendered, number);
        let one = page.labels().with("a", "b");
        page.sample_with(&one, &pairs, number);
        assert_eq!(page.samples(), 2);
        let page = page.finish();
        exposition(format, &page);
        if format == Format::Protobuf {
            continue;
        }
        let text = std::str::from_utf8(&page).unwrap();
        let lines: Vec<_> = text.split_terminator('\n').collect();
        assert_eq!(lines.len(), if format == Format::Text { 4 } else { 5 });
        let (series, value) = lines[2].rsplit_once(' ').unwrap();
        let inside =
            series.strip_prefix("x_info{").and_then(|rest| rest.strip_suffix('}')).unwrap();
        let read = labels(inside).expect("labels");
        assert!(read.iter().map(|(name, value)| (&**name, &**value)).eq(pairs.iter().copied()));
        let read: f64 = value.parse().unwrap();
        assert!(read == number || (read.is_nan() && number.is_nan()), "{number} as {value}");
    }
});

//! Labels: whatever stands in them reads back, and a sample stays one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watchpost::http::exposition::{Exposition, Format, Kind, Labels};
use watchpost_fuzz::{exposition, labels, texts};

fuzz_target!(|input: &[u8]| {
    let Some((number, values)) = input.split_first_chunk() else { return };
    let (number, values) = (f64::from_be_bytes(*number), texts(values));
    let names: Vec<_> = (0..values.len()).map(|index| format!("n{index}")).collect();
    let pairs = || names.iter().zip(&values);
    let rendered =
        pairs().fold(Labels::default(), |labels, (name, value)| labels.with(name, value));
    if !values.is_empty() {
        let read = labels(rendered.as_str()).expect("labels");
        let wanted: Vec<_> = pairs().map(|(name, value)| (name.clone(), value.clone())).collect();
        assert_eq!(read, wanted);
    }
    for format in [Format::Text, Format::OpenMetrics] {
        let mut page = Exposition::new(format);
        page.family("x_info", Kind::Info, "X.");
        page.sample("x_info", rendered.as_str(), number);
        let more: Vec<_> = pairs().map(|(name, value)| (&**name, &**value)).collect();
        page.sample_with("x_info", "a=\"b\"", &more, number);
        assert_eq!(page.samples(), 2);
        let page = page.finish();
        let lines = page.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(lines, if format == Format::Text { 4 } else { 5 });
        exposition(&page);
        let text = std::str::from_utf8(&page).unwrap();
        let value = text.lines().nth(2).unwrap().rsplit_once(' ').unwrap().1;
        let read: f64 = value.parse().unwrap();
        assert!(read == number || (read.is_nan() && number.is_nan()), "{number} as {value}");
    }
});

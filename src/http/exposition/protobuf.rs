//! `io.prometheus.client.MetricFamily`, delimited: the only format that has native histograms.
//!
//! Messages are written field by field, because structs of a protobuf crate own their strings:
//! that is ten allocations for each sample, where this copies labels that are rendered already.
//! The schema is metrics.proto of github.com/prometheus/client_model.

use super::{Histogram, Kind, Native, Value};

/// Numbers of fields, by message.
mod field {
    pub mod family {
        pub const NAME: u32 = 1;
        pub const HELP: u32 = 2;
        pub const TYPE: u32 = 3;
        pub const METRIC: u32 = 4;
    }
    pub mod metric {
        pub const LABEL: u32 = 1;
        pub const GAUGE: u32 = 2;
        pub const COUNTER: u32 = 3;
        pub const HISTOGRAM: u32 = 7;
    }
    pub mod label {
        pub const NAME: u32 = 1;
        pub const VALUE: u32 = 2;
    }
    /// The same in Gauge and in Counter.
    pub const VALUE: u32 = 1;
    pub mod histogram {
        pub const COUNT: u32 = 1;
        pub const SUM: u32 = 2;
        pub const BUCKET: u32 = 3;
        pub const SCHEMA: u32 = 5;
        pub const ZERO_THRESHOLD: u32 = 6;
        pub const ZERO_COUNT: u32 = 7;
        pub const POSITIVE_SPAN: u32 = 12;
        pub const POSITIVE_DELTA: u32 = 13;
        pub const CREATED: u32 = 15;
    }
    pub mod bucket {
        pub const CUMULATIVE_COUNT: u32 = 1;
        pub const UPPER_BOUND: u32 = 2;
    }
    pub mod span {
        pub const OFFSET: u32 = 1;
        pub const LENGTH: u32 = 2;
    }
    pub mod timestamp {
        pub const SECONDS: u32 = 1;
        pub const NANOS: u32 = 2;
    }
}

/// The enum MetricType.
mod metric_type {
    pub const COUNTER: u64 = 0;
    pub const GAUGE: u64 = 1;
    pub const HISTOGRAM: u64 = 4;
}

/// A page of messages.
#[derive(Debug, Default)]
pub struct Page {
    wire: Wire,
    /// Where the family that was begun last begins, and what it is.
    open: Option<(usize, Kind)>,
}

impl Page {
    /// An empty page.
    pub fn within(room: Vec<u8>) -> Self {
        Self { wire: Wire(room), open: None }
    }

    /// Begins a family, and ends the one before. A counter keeps its suffix here.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        self.close();
        self.open = Some((self.wire.begin(), kind));
        self.wire.bytes(field::family::NAME, name.as_bytes());
        self.wire.bytes(field::family::HELP, help.as_bytes());
        let number = match kind {
            Kind::Counter => metric_type::COUNTER,
            Kind::Gauge | Kind::Info => metric_type::GAUGE,
            Kind::Histogram => metric_type::HISTOGRAM,
        };
        self.wire.uint(field::family::TYPE, number);
    }

    /// One metric.
    pub fn sample(&mut self, labels: &[u8], more: &[(&str, &str)], value: Value) {
        let of_kind = match self.open {
            Some((_, Kind::Counter)) => field::metric::COUNTER,
            _ => field::metric::GAUGE,
        };
        let value = match value {
            Value::Count(count) => count as f64,
            Value::Number(number) => number,
        };
        self.wire.message(field::family::METRIC, |metric| {
            metric.0.extend_from_slice(labels);
            for (name, value) in more {
                metric.label(name, value);
            }
            metric.message(of_kind, |wire| wire.double(field::VALUE, value));
        });
    }

    /// One metric with both kinds of buckets.
    pub fn histogram(&mut self, labels: &[u8], histogram: &Histogram<'_>) {
        self.wire.message(field::family::METRIC, |metric| {
            metric.0.extend_from_slice(labels);
            metric.message(field::metric::HISTOGRAM, |wire| wire.histogram(histogram));
        });
    }

    /// The page.
    pub fn finish(mut self) -> Vec<u8> {
        self.close();
        self.wire.0
    }

    fn close(&mut self) {
        if let Some((begin, _)) = self.open.take() {
            self.wire.end(begin);
        }
    }
}

/// Adds a label to those that are rendered.
pub fn label(rendered: &mut Vec<u8>, name: &str, value: &str) {
    let mut wire = Wire(std::mem::take(rendered));
    wire.label(name, value);
    *rendered = wire.0;
}

/// Fields, one behind the other.
#[derive(Debug, Default)]
struct Wire(Vec<u8>);

/// How the bytes of a field are to be read.
#[derive(Clone, Copy)]
enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
}

impl Wire {
    fn label(&mut self, name: &str, value: &str) {
        self.message(field::metric::LABEL, |pair| {
            pair.bytes(field::label::NAME, name.as_bytes());
            pair.bytes(field::label::VALUE, value.as_bytes());
        });
    }

    fn histogram(&mut self, histogram: &Histogram<'_>) {
        self.uint(field::histogram::COUNT, histogram.count);
        self.double(field::histogram::SUM, histogram.sum);
        // Infinity is implied by the count.
        for (bound, count) in histogram.buckets {
            self.message(field::histogram::BUCKET, |bucket| {
                bucket.uint(field::bucket::CUMULATIVE_COUNT, *count);
                bucket.double(field::bucket::UPPER_BOUND, *bound);
            });
        }
        if let Some(native) = &histogram.native {
            self.native(native);
        }
        if let Some(since) = histogram.since {
            self.message(field::histogram::CREATED, |timestamp| {
                // It came out of a clock that does not show times before 1970.
                timestamp.uint(field::timestamp::SECONDS, since.as_second().unsigned_abs());
                let nanos = since.subsec_nanosecond().unsigned_abs();
                timestamp.uint(field::timestamp::NANOS, nanos.into());
            });
        }
    }

    fn native(&mut self, native: &Native) {
        self.sint(field::histogram::SCHEMA, native.schema().into());
        self.double(field::histogram::ZERO_THRESHOLD, Native::ZERO_THRESHOLD);
        self.uint(field::histogram::ZERO_COUNT, native.zero_count());
        for span in native.spans() {
            self.message(field::histogram::POSITIVE_SPAN, |wire| {
                wire.sint(field::span::OFFSET, span.offset.into());
                wire.uint(field::span::LENGTH, span.length.into());
            });
        }
        // One by one rather than packed: the schema is of version 2.
        for delta in native.deltas() {
            self.sint(field::histogram::POSITIVE_DELTA, delta);
        }
    }

    /// A field that holds a message.
    fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.key(field, WireType::Delimited);
        let begin = self.begin();
        write(self);
        self.end(begin);
    }

    /// Leaves a byte for the length of what comes, which is enough for most.
    fn begin(&mut self) -> usize {
        self.0.push(0);
        self.0.len()
    }

    /// Puts the length of what was written since `begin` before it.
    fn end(&mut self, begin: usize) {
        let end = self.0.len();
        let mut length = (end - begin) as u64;
        let mut place = begin - 1;
        while length > 0x7f {
            self.put(place, length as u8 | 0x80);
            // Further bytes wait at the end for their turn.
            place = self.0.len();
            self.0.push(0);
            length >>= 7;
        }
        self.put(place, length as u8);
        let more = self.0.len() - end;
        if let Some(written) = self.0.get_mut(begin..)
            && more > 0
        {
            written.rotate_right(more);
        }
    }

    fn put(&mut self, place: usize, byte: u8) {
        if let Some(old) = self.0.get_mut(place) {
            *old = byte;
        }
    }

    fn bytes(&mut self, field: u32, value: &[u8]) {
        self.key(field, WireType::Delimited);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn double(&mut self, field: u32, value: f64) {
        self.key(field, WireType::Fixed64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn uint(&mut self, field: u32, value: u64) {
        self.key(field, WireType::Varint);
        self.varint(value);
    }

    /// Zigzag: small values of either sign are short.
    fn sint(&mut self, field: u32, value: i64) {
        self.uint(field, ((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    fn key(&mut self, field: u32, wire_type: WireType) {
        self.varint(u64::from(field) << 3 | wire_type as u64);
    }

    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

//! Times in answers: RFC 3339, or milliseconds since 1970.

use jiff::Timestamp;
use serde_json::Value;

/// What is not from these decades is no time of anything here.
const BELIEVED: std::ops::Range<i64> = 946_684_800..4_102_444_800;

/// Reads one.
pub fn read(value: &Value) -> Option<Timestamp> {
    let at = match value {
        Value::String(text) => text.parse().ok()?,
        Value::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok()?,
        _ => return None,
    };
    BELIEVED.contains(&at.as_second()).then_some(at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_are_read_and_nonsense_is_not() {
        let at = "2026-11-21T12:00:00.25Z".parse::<Timestamp>().unwrap();
        assert_eq!(read(&json!("2026-11-21T13:00:00.250+01:00")), Some(at));
        assert_eq!(read(&json!(at.as_millisecond())), Some(at));
        for wrong in [json!("soon"), json!(7), json!(1e300), json!(null), json!(["x"])] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }
}

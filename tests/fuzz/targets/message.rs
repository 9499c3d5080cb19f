//! Messages against what is awaited: the pointer against RFC 6901 written down once more.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use watchpost::check::conversation::{Matcher, Pattern, Place};
use watchpost_fuzz::texts;

fn find<'a>(mut value: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.is_empty() {
        return Some(value);
    }
    for token in pointer.strip_prefix('/')?.split('/') {
        let token = token.replace("~1", "/").replace("~0", "~");
        value = match value {
            Value::Object(fields) => fields.get(&token)?,
            Value::Array(values) => {
                let canonical = token == "0" || !token.starts_with(['0', '+']);
                values.get(token.parse::<usize>().ok().filter(|_| canonical)?)?
            }
            _ => return None,
        };
    }
    Some(value)
}

fuzz_target!(|input: &[u8]| {
    let mut texts = texts(input).into_iter();
    let mut next = || texts.next().unwrap_or_default();
    let [message, pointer, equals, pattern] = [next(), next(), next(), next()];
    let equals = serde_json::from_str::<Value>(&equals).ok();
    let any = Matcher::Json(Place { pointer: pointer.clone(), equals: None });
    let json: Option<Value> = serde_json::from_str(&message).ok();
    let found = json.as_ref().and_then(|json| find(json, &pointer));
    assert_eq!(any.matches(&message), found.is_some());
    if let (Some(found), Some(equals)) = (found, equals) {
        let same = *found == equals;
        let matcher = Matcher::Json(Place { pointer, equals: Some(equals) });
        assert_eq!(matcher.matches(&message), same);
        assert!(!matcher.to_string().is_empty());
    }
    // A long pattern takes long to compile, and comes from the config.
    if pattern.len() < 32
        && let Ok(compiled) = Pattern::new(&pattern)
    {
        let matcher = Matcher::Regex(compiled);
        let first = matcher.matches(&message);
        assert_eq!(matcher.matches(&message), first);
        assert_eq!(matcher.to_string(), format!("/{pattern}/"));
    }
});

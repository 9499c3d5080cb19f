//! Text of strangers: short, harmless, and the same when it is quoted again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watchpost::outcome::quoted::{MAX_CHARS, Quoted};

fuzz_target!(|bytes: &[u8]| {
    let quoted = Quoted::bytes(bytes);
    watchpost_fuzz::quoted(&quoted);
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(Quoted::text(&text), quoted);
    assert_eq!(Quoted::text(quoted.as_str()), quoted);
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        let kept = text.get(..MAX_CHARS).map_or_else(|| text.to_string(), str::to_owned);
        assert_eq!(quoted.as_str().trim_end_matches('…'), kept);
    }
    // What may stand in a log line is a string of JSON as it is.
    let json = serde_json::to_string(&quoted).unwrap();
    assert_eq!(serde_json::from_str::<String>(&json).unwrap(), quoted.as_str());
});

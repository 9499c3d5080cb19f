//! Frames of a messaging application: whatever comes, what is told of it is harmless, and only an
//! answer to the question that was asked is taken for one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use watchpost::genesys::messaging::{Awaited, Envelope, Heard};
use watchpost::outcome::failure::Failure;
use watchpost_fuzz::{can_strike, first, quoted};

fuzz_target!(|input: &[u8]| {
    let (kind, input) = first(input);
    let awaited = match kind % 3 {
        0 => Awaited::Configuration,
        1 => Awaited::Session,
        _ => Awaited::Echo("ping"),
    };
    let text = String::from_utf8_lossy(input);
    let Some(envelope) = Envelope::read(&text) else { return };
    let frame: Value = serde_json::from_str(&text).expect("an envelope is JSON");
    let tracing = frame["tracingId"].as_str();
    match envelope.heard(awaited, "t-1") {
        Heard::Awaited(envelope) => {
            assert!(tracing.is_none_or(|tracing| tracing == "t-1"));
            envelope.session();
            envelope.id().iter().for_each(quoted);
        }
        Heard::Refused(refused) => {
            assert!(tracing.is_none_or(|tracing| tracing == "t-1"));
            quoted(&refused.said);
            can_strike(&Failure::Messaging(refused));
        }
        Heard::NeedsAuthentication(said) => quoted(&said),
        Heard::Other => {}
    }
});

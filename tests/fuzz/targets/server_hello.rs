//! The answer to the ClientHello that offers what the probe does not speak.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watchpost::probe::server_hello::{MAX_BYTES, Reply, read};
use watchpost_fuzz::harmless;

fuzz_target!(|input: &[u8]| {
    let whole = read(input);
    if let Reply::Hello(choice) = whole {
        assert!((0x0300..=0x0303).contains(&choice.version));
        assert!(choice.to_string().starts_with("TLS 1.") || choice.version == 0x0300);
        harmless(&choice.to_string());
    }
    if input.len() >= MAX_BYTES {
        assert_ne!(whole, Reply::Incomplete, "there is an end to waiting");
    }
    // What is settled stays so, whatever comes behind.
    let mut settled = None;
    for end in 0..input.len().min(MAX_BYTES) {
        let reply = read(&input[..end]);
        if let Some(before) = settled {
            assert_eq!(reply, before);
        } else if reply != Reply::Incomplete {
            settled = Some(reply);
        }
    }
    assert!(settled.is_none_or(|before| before == whole));
});

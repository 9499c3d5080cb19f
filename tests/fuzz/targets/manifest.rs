//! A file of deployments: any text is either a list of faults, each with its place and fix, or
//! objects in which everything is legal.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use watchpost::apply::manifest::{By, Manifest, Setting};
use watchpost::apply::plan::{changes, merged};
use watchpost::check::origin::Expect;
use watchpost::genesys::Compat;
use watchpost::genesys::domains::OriginMatch;

fuzz_target!(|input: (bool, bool, &str)| {
    let (seed, strict, text) = input;
    let compat = if seed { Compat::Seed } else { Compat::Genesys };
    let rule = if strict { OriginMatch::Strict } else { OriginMatch::Genesys };
    let setting = Setting { compat, rule, receivers: &[] };
    let path = Path::new("/nonexistent/fuzz.toml");
    let manifest = match Manifest::parse(path, text.to_owned(), setting) {
        Ok(manifest) => manifest,
        Err(faults) => {
            assert!(!faults.is_empty());
            let lines = text.lines().count().max(1) + 1;
            for fault in faults.iter() {
                assert!((1..=lines).contains(&fault.line), "{fault:?} of {lines} lines");
                assert!(
                    !fault.key.is_empty() && !fault.problem.is_empty() && !fault.fix.is_empty()
                );
            }
            return;
        }
    };
    assert!(!manifest.objects.is_empty() || manifest.webhook.is_some());
    for wanted in &manifest.objects {
        match &wanted.by {
            By::Id(id) => assert!(!id.as_str().contains(['/', '?', '#', '%', '.'])),
            By::Name(name) => assert!(!name.is_empty() && !name.contains(char::is_control)),
        }
        assert!(wanted.doors.len() <= 64);
        let allowed = wanted.doors.iter().any(|door| door.expect == Expect::Allow);
        assert!(wanted.doors.is_empty() || allowed != wanted.shut, "nobody, or somebody");
        // Whatever is declared fits into an object, and is then there.
        let object = merged(&json!({}), &changes(&wanted.fields, &json!({}))).unwrap();
        assert!(changes(&wanted.fields, &object).is_empty());
    }
});

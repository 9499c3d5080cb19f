//! Reports as JSON on standard output.

use serde::Serialize;

/// Prints an object where there is one, else a list.
pub fn print(reports: &[impl Serialize]) {
    let json = match reports {
        [one] => serde_json::to_string_pretty(one),
        several => serde_json::to_string_pretty(several),
    };
    match json {
        Ok(json) => anstream::println!("{json}"),
        Err(error) => anstream::eprintln!("watchpost: {error}"),
    }
}

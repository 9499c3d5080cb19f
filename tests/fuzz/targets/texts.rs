//! Texts of the config and the command line, each by itself: what is legal reads back as it is
//! written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watchpost::check::header::Header;
use watchpost::check::origin::Origin;
use watchpost::check::target::{ConnectTo, Scheme, Target};
use watchpost::config::values::{HumanDuration, Ratio, legal};

fuzz_target!(|text: &str| {
    let safe =
        |text: &str| assert!(!text.contains(|c: char| c.is_control() || c == ' '), "{text:?}");
    if let Ok(target) = text.parse::<Target>() {
        let written = target.to_string();
        safe(&written);
        safe(&target.path);
        assert!(target.port != 0 && target.path.starts_with('/'));
        let again: Target = written.parse().expect("it has been read before");
        // Of a port that speaks TLS alone the path is not shown.
        let path =
            if target.scheme == Scheme::Tls { again.path.clone() } else { target.path.clone() };
        assert_eq!(again, Target { path, ..target });
    }
    if let Ok(origin) = text.parse::<Origin>() {
        let written = origin.to_string();
        safe(&written);
        assert!(!written.ends_with('/') && !written.contains('@'), "{written}");
        assert_eq!(written.parse(), Ok(origin));
    }
    if let Ok(to) = text.parse::<ConnectTo>() {
        let written = match to.port {
            Some(port) => std::net::SocketAddr::new(to.address, port).to_string(),
            None => to.address.to_string(),
        };
        assert_eq!(written.parse(), Ok(to));
    }
    if let Ok(HumanDuration(duration)) = legal::<HumanDuration>(text) {
        assert!(text.contains(|c: char| c.is_ascii_digit()), "{duration:?} out of nothing");
    }
    if let Ok(number) = text.parse::<f64>() {
        assert_eq!(Ratio::try_from(number).is_ok(), number > 0.0 && number < 1.0);
    }
    if let Some((name, value)) = text.split_once(':')
        && let Ok(header) = Header::new(name, value)
    {
        assert_eq!(header.name(), name.to_ascii_lowercase());
        assert_eq!(header.value(), value.as_bytes());
        assert!(!header.value().iter().any(|byte| b"\r\n\0".contains(byte)));
        let own = ["host", "connection", "upgrade", "origin"].contains(&header.name());
        assert!(!own && !header.name().starts_with("sec-websocket-"));
        let other = Header::new(name, "x").expect("the name is good");
        assert_eq!(format!("{header:?}"), format!("{other:?}"), "a value shows");
    }
});

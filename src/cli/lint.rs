//! `watchpost lint`: what is wrong with a config, or what it comes to.

use std::path::Path;
use std::process::ExitCode;

use super::run::refuse;
use crate::config::Config;
use crate::config::forecast::Forecast;
use crate::config::whereabouts::Purpose;
use crate::rules::{Places, rules};

/// Lists every fault, or the figures of a good config.
pub fn lint(path: &Path) -> ExitCode {
    match Config::load_for(path, Purpose::Lint) {
        Err(error) => refuse(&error),
        Ok(config) => {
            anstream::print!("{}", Forecast::new(&config));
            for caution in &config.cautions {
                anstream::println!("\nodd: {caution}");
            }
            if let Err(hasty) = rules(&config, &Places::default()) {
                anstream::println!("\nodd: `watchpost rules` makes none of this: {hasty}");
            }
            ExitCode::SUCCESS
        }
    }
}

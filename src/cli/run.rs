//! `watchpost run`: the life of the daemon.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

use super::exit;
use crate::app::reload::{By, Reloads};
use crate::app::{App, AppError};
use crate::config::values::LogFormat;
use crate::config::{Config, ConfigError};
use crate::log;
use crate::systemd;

/// Runs the daemon until it is told to end.
pub fn run(path: &Path) -> ExitCode {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    let log = log_to_stderr(config.daemon.log_format, "info");
    let checks = config.checks.len();
    for caution in &config.cautions {
        warn!("config: {caution}");
    }
    daemon(config, log, |address| info!(checks, "watching; see http://{address}/"))
}

/// Says what is wrong with a config.
pub fn refuse(error: &ConfigError) -> ExitCode {
    match error {
        ConfigError::Unreadable { .. } => anstream::eprintln!("watchpost: {error}"),
        // Each has its file and its line.
        ConfigError::Faults(faults) => anstream::eprintln!("{faults}"),
    }
    ExitCode::from(exit::CONFIG)
}

/// Sets up the log: `RUST_LOG`, or this level. It lasts as long as the guard.
pub fn log_to_stderr(format: LogFormat, level: &str) -> log::Guard {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let colour = std::io::stderr().is_terminal();
    let (writer, guard) = log::to_stderr();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(colour)
        .with_target(false);
    let set = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if let Err(error) = set {
        anstream::eprintln!("watchpost: no log: {error}");
    }
    guard
}

/// Runs a config until it is told to end; `ready` learns where it listens.
pub fn daemon(config: Config, log: log::Guard, ready: impl FnOnce(SocketAddr)) -> ExitCode {
    let ended = serve(config, ready);
    if ended.is_ok() {
        info!("ended");
    }
    // What is printed below may point to the log above.
    drop(log);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("watchpost: {error}");
            ExitCode::from(exit::TROUBLE)
        }
    }
}

fn serve(config: Config, ready: impl FnOnce(SocketAddr)) -> Result<(), AppError> {
    let passed = systemd::listener()?;
    let (is_passed, configured) = (passed.is_some(), config.daemon.listen);
    let app = App::open_on(config, passed)?;
    let address = app.address()?;
    if is_passed && address != configured {
        info!("systemd listens on {address}; daemon.listen = {configured} is not used");
    }
    let stop = CancellationToken::new();
    heed_signals(stop.clone(), app.reloads())?;
    app.run(stop, || {
        ready(address);
        systemd::ready();
    })
}

/// The first SIGTERM or SIGINT ends the daemon in order, the second at once. SIGHUP has the config
/// read again.
fn heed_signals(stop: CancellationToken, reloads: Reloads) -> Result<(), AppError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut terminate, mut interrupt, mut hang_up) = {
        let _entered = runtime.enter();
        (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        )
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hang_up.recv() => {
                        reloads.ask(By::Signal);
                        continue;
                    }
                }
                if stop.is_cancelled() {
                    std::process::exit(i32::from(exit::TROUBLE));
                }
                info!("ending: runs under way have a few seconds");
                systemd::stopping();
                stop.cancel();
            }
        });
    })?;
    Ok(())
}

//! Other programs that do the same: a script with Node's `ws`, and forks.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use super::process::Process;
use super::server::HOST;

const CHECK_HTTP: &str = "/usr/lib/nagios/plugins/check_http";

/// Where `tests/run` installs the modules of Node.
fn modules() -> PathBuf {
    let counterparts = std::env::var_os("COUNTERPARTS").map(PathBuf::from);
    let counterparts = counterparts.unwrap_or_else(|| "target/counterparts".into());
    counterparts.join("node_modules")
}

/// Whether a program is there: in the `PATH`, or under its own.
pub fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Starts the script, which probes as fast as it can.
pub fn node(folder: &Path, port: u16) -> Result<Process, &'static str> {
    let modules = modules();
    if !is_there("node") || !modules.join("ws").is_dir() {
        return Err("install nodejs and ws, as tests/run does");
    }
    let script = folder.join("peer.js");
    std::fs::write(&script, include_str!("peer.js")).unwrap();
    let mut command = Command::new("node");
    command.arg(script).arg(format!("wss://{HOST}:{port}/")).arg(folder.join("ca.pem"));
    Ok(Process::start(command.env("NODE_PATH", modules)))
}

/// Starts one process for each check, one after the other.
pub fn forks(folder: &Path, port: u16, program: &str) -> Result<Process, &'static str> {
    match program {
        "check_http" if !Path::new(CHECK_HTTP).exists() => {
            return Err("install monitoring-plugins-basic");
        }
        "openssl" if !is_there("openssl") => return Err("install openssl"),
        _ => {}
    }
    let (folder, port) = (folder.to_str().unwrap(), port.to_string());
    Ok(Process::start(&mut Process::itself(&["--fork", folder, &port, program])))
}

/// What the process of [`forks`] does.
pub fn fork_for_ever(folder: &Path, port: &str, program: &str) -> ExitCode {
    loop {
        let mut command = match program {
            "check_http" => {
                let mut command = Command::new(CHECK_HTTP);
                command.args(["-I", "127.0.0.1", "-p", port, "-H", HOST, "-S", "--sni"]);
                command
            }
            _ => {
                let mut command = Command::new("openssl");
                let connect = format!("127.0.0.1:{port}");
                command.args(["s_client", "-brief", "-verify_return_error"]);
                command.args(["-connect", &connect, "-servername", HOST]);
                command.args(["-verify_hostname", HOST, "-CAfile"]).arg(folder.join("ca.pem"));
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().unwrap();
        assert!(status.success(), "{command:?}: {status}");
    }
}

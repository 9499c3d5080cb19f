//! Programs that are started for a test and end with it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// Longest that a program may take to begin, or something to come true.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running program.
pub struct Program {
    child: Child,
    name: String,
}

impl Program {
    /// Starts one. What it says goes to the test's output.
    pub fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).spawn();
        Self {
            child: child.unwrap_or_else(|error| panic!("{name}: {error}; tests/run installs it")),
            name,
        }
    }

    /// Waits until it takes connections.
    pub fn listening(mut self, port: u16) -> Self {
        until(&format!("{} on port {port}", self.name), || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} has ended: {status}", self.name);
            }
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        self
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        // Not SIGKILL: servers with children take those along. It may have ended by itself.
        Command::new("kill").args(["-s", "TERM", &pid]).status().ok();
        self.child.wait().ok();
    }
}

/// Asks again and again until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "no {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Where `tests/run` has put what is neither Rust nor Debian.
pub fn installed(path: &str) -> PathBuf {
    let root = std::env::var_os("COUNTERPARTS").expect("COUNTERPARTS is set by tests/run");
    PathBuf::from(root).join(path)
}

/// A file of this folder.
pub fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/counterparts").join(path)
}

/// Runs the built program.
pub fn watchpost(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_watchpost")).args(args).output().unwrap()
}

/// Starts the daemon on a config in a folder, and waits for its port.
pub fn daemon(folder: &Path, port: u16, config: &str) -> Program {
    let path = folder.join("config.toml");
    std::fs::write(&path, format!("[daemon]\nlisten = \"127.0.0.1:{port}\"\n{config}")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchpost"));
    command.args(["run", "--config"]).arg(path).env("RUST_LOG", "error");
    Program::start(&mut command).listening(port)
}

/// Starts an Alertmanager with this config, which lies in a folder with what it keeps.
pub fn alertmanager(folder: &Path, port: u16, config: &str) -> Program {
    let path = folder.join("alertmanager.yml");
    std::fs::write(&path, config).unwrap();
    let mut command = Command::new("prometheus-alertmanager");
    command
        .arg(format!("--config.file={}", path.display()))
        .arg(format!("--storage.path={}", folder.join("alerts").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(["--cluster.listen-address=", "--log.level=error"]);
    Program::start(&mut command).listening(port)
}

/// Starts a Prometheus with this config, which lies in a folder with what it keeps.
pub fn prometheus(folder: &Path, port: u16, config: &str, arguments: &[&str]) -> Program {
    let path = folder.join("prometheus.yml");
    std::fs::write(&path, config).unwrap();
    let mut command = Command::new("prometheus");
    command
        .args(arguments)
        .arg(format!("--config.file={}", path.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("tsdb").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--log.level=error");
    Program::start(&mut command).listening(port)
}

/// An Alertmanager's config by which nobody is called.
pub const CALLS_NOBODY: &str = "route: { receiver: none }\nreceivers: [{ name: none }]\n";

/// Its JSON.
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The output of a command that must succeed.
pub fn said(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let name = command.get_program().to_string_lossy().into_owned();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

//! Parts of the daemon that stand still, held by strace; and what systemd hears then.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::program::{PATIENCE, Program, until};

/// After how long without a word systemd gives the daemon up.
const WATCHDOG: Duration = Duration::from_secs(3);

/// A daemon that systemd watches.
struct Watched {
    child: Child,
    systemd: UnixDatagram,
    log: Receiver<String>,
    _folder: tempfile::TempDir,
}

impl Watched {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        let text = "[daemon]\nlisten = \"127.0.0.1:0\"\n[[endpoints]]\nname = \"nobody\"\n\
            url = \"ws://127.0.0.1:9/\"\ninterval = \"1s\"\n";
        fs::write(&config, text).unwrap();
        let socket = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&socket).unwrap();
        systemd.set_read_timeout(Some(WATCHDOG)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_watchpost"))
            .args(["run", "--config"])
            .arg(&config)
            .env("NOTIFY_SOCKET", &socket)
            .env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // The test may have ended.
                sender.send(line).ok();
            }
        });
        let watched = Self { child, systemd, log, _folder: folder };
        watched.is_well("READY=1");
        watched.is_well("WATCHDOG=1");
        watched
    }

    /// Whether systemd hears anything before it gives up; it must be this.
    fn is_well(&self, word: &str) -> bool {
        let mut message = [0; 256];
        let Ok(length) = self.systemd.recv(&mut message) else { return false };
        assert_eq!(String::from_utf8_lossy(&message[..length]).trim(), word);
        true
    }

    /// The ids of its threads of this name.
    fn threads(&self, name: &str) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let tasks = tasks.map(|task| task.unwrap().path());
        let named =
            tasks.filter(|task| fs::read_to_string(task.join("comm")).unwrap().trim() == name);
        named.map(|task| task.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    fn wait_for_line(&self, text: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no line with {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Holds threads of this name for 40 seconds wherever they wait; systemd must give the daemon
/// up, and the log must say why. Then they go on.
#[track_caller]
fn held(thread: &str, stuck: &str) {
    let watched = Watched::start();
    assert!(watched.is_well("WATCHDOG=1"));
    let threads = watched.threads(thread);
    assert!(!threads.is_empty());
    let mut strace = Command::new("strace");
    let waits = "clock_nanosleep,epoll_wait";
    strace.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={waits}")]);
    strace.args(["-e", &format!("inject={waits}:delay_enter=40000000")]);
    strace.args(threads.iter().flat_map(|id| ["-p", id]));
    let strace = Program::start(&mut strace);
    until("end of the words to systemd", || (!watched.is_well("WATCHDOG=1")).then_some(()));
    let line = watched.wait_for_line("no progress");
    assert!(line.contains(&format!("stuck=\"{stuck}\"")), "{line}");
    drop(strace);
    watched.wait_for_line("everything makes progress again");
    assert!(watched.is_well("WATCHDOG=1"));
}

#[test]
fn systemd_gives_up_a_daemon_whose_recorder_stands_still() {
    held("recorder", "recorder");
}

#[test]
fn systemd_gives_up_a_daemon_whose_scheduler_stands_still() {
    // On the first thread, which bears the program's name.
    held("watchpost", "scheduler");
}

#[test]
fn systemd_gives_up_a_daemon_whose_page_stands_still() {
    held("http", "http server");
}

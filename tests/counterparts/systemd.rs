//! The units, as systemd reads them, and the daemon as a real systemd runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::machine::{Machine, PACKAGE};
use crate::package::package;
use crate::program::{Program, free_port, said, until};

const CONFIG: &str = "/etc/watchpost/config.toml";

/// One door, where nobody is.
const NOBODY: &str = "[[endpoints]]\nname = \"nobody\"\nurl = \"ws://127.0.0.1:9/\"\n";

/// Another, which is asked with a secret.
const KNOWN: &str = "[[endpoints]]\nname = \"known\"\nurl = \"ws://127.0.0.1:9/\"\n\
    headers = { Authorization = { credential = \"token\" } }\n";

fn unit(name: &str) -> String {
    format!("{}/systemd/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn systemd_has_nothing_to_say_about_the_units() {
    let folder = tempfile::tempdir().unwrap();
    let mut verify = Command::new("systemd-analyze");
    // Of keys that it does not know it only speaks. Without --man it would look for installed pages.
    verify.args(["verify", "--man=no"]);
    for name in ["watchpost.service", "watchpost.socket"] {
        let text = fs::read_to_string(unit(name)).unwrap();
        let path = folder.path().join(name);
        let text = text.replace("/usr/bin/watchpost", env!("CARGO_BIN_EXE_watchpost"));
        fs::write(&path, text).unwrap();
        verify.arg(path);
    }
    let output = verify.output().unwrap();
    let words = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&words), "");
    assert!(output.status.success());
}

#[test]
fn the_service_is_exposed_to_little() {
    let mut security = Command::new("systemd-analyze");
    // Ten times the level of exposure: above 1.5 it fails.
    security.args(["security", "--offline=true", "--threshold=15", &unit("watchpost.service")]);
    assert!(said(&mut security).contains("Overall exposure level"));
}

#[test]
fn a_socket_that_systemd_passes_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, NOBODY).unwrap();
    let port = free_port();
    // It listens, and becomes the daemon once somebody connects.
    let mut command = Command::new("systemd-socket-activate");
    command.arg(format!("--listen=127.0.0.1:{port}")).arg("--fdname=watchpost.socket");
    command.args([env!("CARGO_BIN_EXE_watchpost"), "run", "--config"]).arg(config);
    let _daemon = Program::start(command.stderr(Stdio::null())).listening(port);
    let url = format!("http://127.0.0.1:{port}/metrics");
    let page = said(Command::new("curl").args(["-sSf", "--max-time", "20", &url]));
    assert!(page.contains("watchpost_build_info"), "{page}");
}

/// A machine with the package, a config and what else `systemctl edit` would say.
fn machine(name: &str, config: &str, more: &str) -> Machine {
    let machine = Machine::boot(name, package());
    machine.said(&format!("dpkg --install {PACKAGE}"));
    machine.write(CONFIG, config);
    let folder = "/etc/systemd/system/watchpost.service.d";
    machine.said(&format!("mkdir -p {folder}"));
    machine.write(&format!("{folder}/test.conf"), &format!("[Service]\n{more}"));
    machine.said("systemctl daemon-reload");
    machine
}

mod on_a_machine {
    use super::*;

    #[test]
    fn the_daemon_starts_shut_in_and_reads_its_config_again() {
        let machine = machine("watchpost-service", NOBODY, "");
        machine.said("systemctl enable --now watchpost");
        assert_eq!(machine.property("ActiveState"), "active");
        is_shut_in(&machine);
        is_kept(&machine, "/var/lib/private/watchpost/watchpost.db");

        machine.write(CONFIG, &format!("{NOBODY}{}", NOBODY.replace("nobody", "another")));
        machine.said("systemctl reload watchpost");
        machine.wait_for("StatusText", "1 added");
        machine.write(CONFIG, "nonsense");
        machine.said("systemctl reload watchpost");
        machine.wait_for("StatusText", "wrong");
        assert_eq!(machine.property("ActiveState"), "active", "it goes on with what it had");

        machine.said("systemctl stop watchpost");
        assert_eq!(machine.property("Result"), "success");
        assert_eq!(machine.property("ExecMainStatus"), "0");
    }

    /// Nobody, with no right, who can write nowhere but in the state directory.
    fn is_shut_in(machine: &Machine) {
        let pid = machine.property("MainPID");
        let status = machine.said(&format!("cat /proc/{pid}/status"));
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().to_owned()
        };
        assert_ne!(field("Uid:"), "0");
        for rights in ["CapPrm:", "CapEff:", "CapBnd:"] {
            assert_eq!(field(rights), "0000000000000000", "{rights}");
        }
        assert_eq!((field("NoNewPrivs:").as_str(), field("Seccomp:").as_str()), ("1", "2"));
        let mounts = machine.said(&format!("cat /proc/{pid}/mountinfo"));
        let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/")).unwrap();
        assert!(root.split(' ').nth(5).unwrap().starts_with("ro"), "{root}");
    }

    fn is_kept(machine: &Machine, path: &str) {
        let state = machine.said(&format!("stat --format '%a %U' {}", parent(path)));
        assert!(state.starts_with("700 ") && !state.ends_with("root"), "{state}");
        machine.said(&format!("test -s {path}"));
    }

    fn parent(path: &str) -> String {
        Path::new(path).parent().unwrap().display().to_string()
    }

    #[test]
    fn a_daemon_that_stands_still_is_killed_and_started_anew() {
        let machine = machine("watchpost-watchdog", NOBODY, "WatchdogSec=2\n");
        machine.said("systemctl start watchpost");
        let first = machine.property("MainPID");
        machine.said(&format!("kill -STOP {first}"));
        machine.wait_for("NRestarts", "1");
        machine.wait_for("ActiveState", "active");
        assert_ne!(machine.property("MainPID"), first);
        let log = machine.log();
        assert!(log.contains("Watchdog timeout") && log.contains("result 'watchdog'"), "{log}");
    }

    #[test]
    fn a_config_that_is_wrong_is_not_tried_again_and_again() {
        let machine = machine("watchpost-wrong", KNOWN, "");
        let start = machine.run("systemctl start watchpost");
        assert!(!start.status.success(), "there is no such credential");
        machine.wait_for("ActiveState", "failed");
        assert_eq!(machine.property("ExecMainStatus"), "78");
        assert_eq!(machine.property("NRestarts"), "0");
        let log = machine.log();
        assert!(log.contains("endpoints[0].headers.Authorization"), "{log}");
    }

    #[test]
    fn a_credential_reaches_the_daemon() {
        let load = "LoadCredential=token:/etc/watchpost/token\n";
        let machine = machine("watchpost-credential", KNOWN, load);
        machine.write("/etc/watchpost/token", "Bearer secret");
        machine.said("chmod 600 /etc/watchpost/token && systemctl start watchpost");
        assert_eq!(machine.property("ActiveState"), "active");
        let pid = machine.property("MainPID");
        let environment = machine.said(&format!("tr '\\0' '\\n' </proc/{pid}/environ"));
        assert!(!environment.contains("secret"), "{environment}");
        // Root asks by hand with what the daemon was given, and looks into what it keeps.
        let config = "--config /etc/watchpost/config.toml";
        machine.said(&format!("watchpost incidents {config} && watchpost events list {config}"));
        let checked = machine.run(&format!("watchpost check known {config}"));
        let said = String::from_utf8_lossy(&checked.stdout);
        assert!(said.contains("connection_refused"), "{checked:?}");
    }

    #[test]
    fn a_restart_refuses_nobody_where_systemd_listens() {
        let machine = machine("watchpost-socket", NOBODY, "");
        machine.said("systemctl enable --now watchpost.socket");
        assert_eq!(machine.property("ActiveState"), "inactive");
        let url = "http://127.0.0.1:9720/metrics";
        // The first who comes starts it.
        assert!(said(&mut machine.curl(url)).contains("watchpost_build_info"));
        assert_eq!(machine.property("ActiveState"), "active");

        let readers: Vec<_> = (0..40)
            .map(|number| {
                if number % 10 == 5 {
                    machine.said("systemctl --no-block restart watchpost");
                }
                machine.curl(url).stdout(Stdio::null()).spawn().unwrap()
            })
            .collect();
        for mut reader in readers {
            assert!(reader.wait().unwrap().success(), "{}", machine.log());
        }

        let pid = machine.property("MainPID");
        machine.said(&format!("kill -KILL {pid}"));
        assert!(said(&mut machine.curl(url)).contains("watchpost_build_info"), "it waited");
        until("another daemon", || (machine.property("MainPID") != pid).then_some(()));
    }

    #[test]
    fn a_socket_outlives_a_config_that_is_wrong() {
        let machine = machine("watchpost-wrong-socket", "nonsense", "");
        machine.said("systemctl enable --now watchpost.socket");
        let url = "http://127.0.0.1:9720/metrics";
        let mut reader = machine.curl(url);
        let reader = reader.args(["--max-time", "100"]).stdout(Stdio::null());
        let mut reader = reader.spawn().unwrap();
        // As many as systemd takes in 10 seconds: without a pause it gives up before the next.
        let starts = || machine.log().matches("status=78").count();
        until("fifth start", || (starts() >= 5).then_some(()));
        let socket = machine.said("systemctl is-active watchpost.socket");
        assert_eq!(socket, "active", "{}", machine.log());
        assert!(reader.try_wait().unwrap().is_none(), "whoever came waits");
        machine.write(CONFIG, NOBODY);
        assert!(reader.wait().unwrap().success(), "{}", machine.log());
        assert_eq!(machine.property("ActiveState"), "active");
    }
}

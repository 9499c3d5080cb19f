//! A machine with a real systemd: Debian in systemd-nspawn, which forgets all that is done to it.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::program::{installed, until};

/// Where the package lies in it.
pub const PACKAGE: &str = "/root/watchpost.deb";

/// A machine that has booted.
pub struct Machine {
    nspawn: Child,
    /// Its systemd, as this machine numbers it.
    init: String,
}

impl Machine {
    /// Boots one that has a network of its own, with nobody in it.
    pub fn boot(name: &str, package: &Path) -> Self {
        let mut command = Command::new("systemd-nspawn");
        command
            .args(["--quiet", "--volatile=overlay", "--register=no", "--keep-unit"])
            .args(["--private-network", "--console=pipe", "--boot"])
            .arg(format!("--machine={name}"))
            .arg(format!("--directory={}", installed("bookworm").display()))
            .arg(format!("--bind-ro={}:{PACKAGE}", package.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // It speaks of its own end.
            .stderr(Stdio::null());
        let nspawn = command.spawn().expect("tests/run installs systemd-container");
        let mut machine = Self { nspawn, init: String::new() };
        let children = format!("/proc/{0}/task/{0}/children", machine.nspawn.id());
        until("machine that has booted", || {
            let ended = machine.nspawn.try_wait().unwrap();
            assert!(ended.is_none(), "systemd-nspawn: {ended:?}");
            // Anew each time: the first of them only makes the room.
            let children = std::fs::read_to_string(&children).unwrap();
            machine.init = children.split_whitespace().next()?.to_owned();
            let target = machine.run("systemctl is-active multi-user.target");
            (target.stdout == b"active\n").then_some(())
        });
        machine
    }

    /// Runs a command line in it.
    pub fn run(&self, line: &str) -> Output {
        self.nsenter("--all").args(["--", "sh", "-c", line]).output().unwrap()
    }

    /// What a command says that must succeed there.
    #[track_caller]
    pub fn said(&self, line: &str) -> String {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}\n{error}\n{}", self.log());
        said
    }

    /// A property of the daemon's unit.
    pub fn property(&self, name: &str) -> String {
        self.said(&format!("systemctl show --property={name} --value watchpost"))
    }

    /// Waits until a property of the daemon's unit has this value.
    pub fn wait_for(&self, name: &str, value: &str) {
        let wanted = || {
            let is = self.property(name);
            is.contains(value).then_some(())
        };
        until(&format!("{name} with {value}"), wanted);
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(format!("/proc/{}/root{path}", self.init), text).unwrap();
    }

    /// A program of this machine in that one's network.
    pub fn curl(&self, url: &str) -> Command {
        let mut command = self.nsenter("--net");
        command.args(["--", "curl", "--silent", "--show-error", "--fail", "--max-time", "20", url]);
        command
    }

    /// What the journal has of the daemon.
    pub fn log(&self) -> String {
        let output = self.run("journalctl --unit watchpost --output cat --no-pager");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn nsenter(&self, what: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.init, what]).stdin(Stdio::null());
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It powers off, and what was written is gone.
        let pid = self.nspawn.id().to_string();
        Command::new("kill").args(["-s", "TERM", &pid]).status().ok();
        self.nspawn.wait().ok();
    }
}

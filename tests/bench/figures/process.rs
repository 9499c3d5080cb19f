//! A process that is measured from outside, through `/proc`.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

/// Time between two ticks of `/proc/PID/stat`, on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// A process of ours; it ends with this value.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a program.
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// This program, to do something else.
    pub fn itself(args: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(args);
        command
    }

    /// For its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// CPU time so far, with that of children that have ended.
    pub fn cpu(&self) -> Duration {
        let stat = self.read("stat");
        // The name may hold anything but ends with the last parenthesis.
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
        // utime, stime, cutime, cstime.
        let ticks: u32 = fields.skip(11).take(4).map(|ticks| ticks.parse::<u32>().unwrap()).sum();
        TICK * ticks
    }

    /// CPU time of the threads with a name, and how long they waited for a CPU.
    pub fn threads(&self, name: &str) -> (Duration, Duration) {
        let mut sum = (Duration::ZERO, Duration::ZERO);
        for thread in fs::read_dir(self.path("task")).unwrap() {
            let thread = thread.unwrap().path();
            // A thread may end while it is looked at.
            let read = |file| fs::read_to_string(thread.join(file)).unwrap_or_default();
            if read("comm").trim() == name {
                let stat = read("schedstat");
                let mut nanos = stat.split_whitespace().map(|nanos| nanos.parse().unwrap());
                sum.0 += Duration::from_nanos(nanos.next().unwrap_or(0));
                sum.1 += Duration::from_nanos(nanos.next().unwrap_or(0));
            }
        }
        sum
    }

    /// Resident memory in MiB.
    pub fn rss(&self) -> f64 {
        self.status("VmRSS:")
    }

    /// The most resident memory since [`Self::forget_peak`], in MiB.
    pub fn peak(&self) -> f64 {
        self.status("VmHWM:")
    }

    /// The peak begins anew.
    pub fn forget_peak(&self) {
        fs::write(self.path("clear_refs"), "5").unwrap();
    }

    fn status(&self, key: &str) -> f64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    fn path(&self, file: &str) -> PathBuf {
        format!("/proc/{}/{file}", self.0.id()).into()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

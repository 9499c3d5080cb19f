//! `watchpost genesys apply` against the simulated Genesys Cloud, as users run it.

mod conflicts;
mod doors;
mod seed;
mod shown;

use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use watchpost::clock;
use watchpost::simulator::{Org, Simulator, Surface};

use super::fixture::daemon::watchpost;

/// An organisation, and a folder with a config that names it.
pub struct Desk {
    pub simulator: Simulator,
    folder: TempDir,
}

/// A run that has ended.
pub struct Done {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Done {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let status = output.status.code().unwrap();
        Self { status, out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl std::fmt::Debug for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {}\n--- out\n{}\n--- err\n{}", self.status, self.out, self.err)
    }
}

impl Desk {
    /// The shop, and a file that is to be applied to it.
    pub fn new(file: &str) -> Self {
        Self::with("", file)
    }

    /// The same, with more keys in `[genesys]`, and tables behind it.
    pub fn with(keys: &str, file: &str) -> Self {
        let simulator = Simulator::shop(clock::now()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (http, socket) = (simulator.base(), simulator.socket_base());
        let client = Org::CLIENT;
        let config = format!(
            "[[endpoints]]\nname = \"door\"\nurl = \"wss://127.0.0.1:1/\"\n\
             [genesys]\nregion = \"eu-west-1\"\nclient-id = \"{client}\"\n\
             client-secret = {{ file = \"secret\" }}\nca-file = \"ca.pem\"\n\
             login-url = \"{http}\"\napi-url = \"{http}\"\ncdn-url = \"{http}\"\n\
             messaging-url = \"{socket}\"\n{keys}\n"
        );
        for (name, text) in [
            ("config.toml", config.as_str()),
            ("secret", Org::SECRET),
            ("ca.pem", simulator.root_pem()),
            ("file.toml", file),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { simulator, folder }
    }

    /// Another file.
    pub fn write(&self, file: &str) {
        std::fs::write(self.folder.path().join("file.toml"), file).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, options: &[&str]) -> std::process::Command {
        let mut command = watchpost(&["genesys", "apply", "file.toml"]);
        command.args(options).current_dir(self.folder.path());
        for name in ["GENESYS_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID", "GC_CLIENT_ID"] {
            command.env_remove(name);
        }
        command
    }

    /// Applies the file.
    pub fn apply(&self, options: &[&str]) -> Done {
        Done::of(&self.command(options).output().unwrap())
    }

    /// Begins to.
    pub fn begin(&self, options: &[&str]) -> Child {
        self.command(options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits for its end.
    pub fn end(child: Child) -> Done {
        Done::of(&child.wait_with_output().unwrap())
    }

    /// The bodies that were put to a surface.
    pub fn puts(&self, surface: Surface) -> Vec<Value> {
        let seen = self.simulator.seen(surface).into_iter();
        let puts = seen.filter(|seen| seen.method == "PUT");
        puts.map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect()
    }

    /// Waits until a surface has been asked so often.
    #[track_caller]
    pub fn until_asked(&self, surface: Surface, times: usize) {
        for _ in 0..2000 {
            if self.simulator.requests(surface) >= times {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("{surface:?} was asked {} times", self.simulator.requests(surface));
    }
}

/// A file for the shop's deployment.
pub fn shop(keys: &str) -> String {
    format!("[[deployments]]\nid = \"{}\"\n{keys}\n", Org::SHOP)
}

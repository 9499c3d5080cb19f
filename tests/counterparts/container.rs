//! The image that the Containerfile makes, on a Debian that is at hand in the place of the usual
//! base: what that has more, nobody needs.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{Program, free_port, installed, said};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn nothing_is_wrong_with_the_containerfile() {
    let hadolint = installed("venv/bin/hadolint");
    said(Command::new(hadolint).arg(format!("{ROOT}/Containerfile")));
}

/// A store of images that goes with the test.
struct Images(tempfile::TempDir);

impl Images {
    fn buildah(&self, verb: &str) -> Command {
        let mut command = Command::new("buildah");
        command
            .arg(format!("--root={}", self.0.path().join("images").display()))
            .arg(format!("--runroot={}", self.0.path().join("running").display()))
            .args(["--storage-driver=vfs", verb]);
        command
    }

    /// A container of an image.
    fn container(&self, image: &str) -> String {
        said(self.buildah("from").arg(image)).trim().to_owned()
    }
}

/// What the first stage leaves, with the program that is tested; a release takes a quarter of an
/// hour.
fn built(folder: &Path) {
    let out = folder.join("out");
    for path in ["usr/bin", "etc/watchpost", "var/lib/watchpost"] {
        fs::create_dir_all(out.join(path)).unwrap();
    }
    fs::copy(env!("CARGO_BIN_EXE_watchpost"), out.join("usr/bin/watchpost")).unwrap();
    fs::copy(format!("{ROOT}/config.toml"), out.join("etc/watchpost/config.toml")).unwrap();
}

mod on_a_machine {
    use super::*;

    #[test]
    fn the_image_runs_the_daemon_as_nobody_in_particular() {
        let images = Images(tempfile::tempdir().unwrap());
        let base = images.container("scratch");
        said(images.buildah("copy").args(["--quiet", &base]).arg(installed("bookworm")).arg("/"));
        said(images.buildah("commit").args(["--quiet", &base, "localhost/base"]));
        let folder = tempfile::tempdir().unwrap();
        built(folder.path());
        let build = format!("build={}", folder.path().display());
        let mut bud = images.buildah("bud");
        bud.args(["--quiet", "--isolation=chroot", "--build-context", &build]);
        bud.args(["--build-arg=BASE=localhost/base", "--tag=watchpost"]);
        said(bud.arg(format!("--file={ROOT}/Containerfile")).arg(ROOT));

        let container = images.container("localhost/watchpost");
        let run = |command: &str| {
            let mut run = images.buildah("run");
            run.args(["--isolation=chroot", &container, "--", "sh", "-c", command]);
            run
        };
        let lint = said(&mut run("watchpost lint --config /etc/watchpost/config.toml"));
        assert!(lint.contains("checks, up to"), "{lint}");

        let port = free_port();
        let config = folder.path().join("config.toml");
        let listen = format!("[daemon]\nlisten = \"127.0.0.1:{port}\"\n");
        let nobody = "[[endpoints]]\nname = \"nobody\"\nurl = \"ws://127.0.0.1:9/\"\n";
        fs::write(&config, listen + nobody).unwrap();
        let mut start = images.buildah("run");
        start.arg(format!("--volume={}:/etc/watchpost/config.toml:ro", config.display()));
        start.args(["--isolation=chroot", &container, "--", "watchpost", "run", "--config"]);
        start.arg("/etc/watchpost/config.toml").stderr(Stdio::null());
        let _daemon = Program::start(&mut start).listening(port);
        let store = said(&mut run("stat --format '%u:%g %n' /var/lib/watchpost/watchpost.db"));
        assert_eq!(store.trim(), "65532:65532 /var/lib/watchpost/watchpost.db");
    }
}

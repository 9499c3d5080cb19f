//! The image that the Containerfile makes, on what the program needs of a Debian that is at hand,
//! in the place of the usual base; with a shell and `stat`, which the test needs.
//!
//! Every container and every image is a whole copy here: all of that Debian, and a program with its
//! symbols, would take gigabytes.

use std::fs;
use std::path::{Path, PathBuf};
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
            .args(["--storage-driver=vfs", verb])
            // What it has for a moment lies there too.
            .env("TMPDIR", self.0.path());
        command
    }

    /// A container of an image.
    fn container(&self, image: &str) -> String {
        said(self.buildah("from").arg(image)).trim().to_owned()
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        // Whatever is mounted would keep the folder.
        for verb in ["rm", "rmi"] {
            self.buildah(verb).arg("--all").stdout(Stdio::null()).status().ok();
        }
    }
}

/// The C library, the authorities, a shell and `stat`, each where that Debian has it.
fn base(folder: &Path) -> PathBuf {
    let base = folder.join("base");
    fs::create_dir(&base).unwrap();
    let copy = "cd \"$1\" && program=$(ldd \"$3\" | grep -o '/[^ ]*') \
        && own=$(chroot . ldd /bin/sh /usr/bin/stat | grep -o '/[^ )]*[^ ):]') \
        && for path in $own $program /etc/ssl/certs/ca-certificates.crt; do \
        cp --parents --dereference \".$path\" \"$2\" || exit 1; done; mkdir --mode=1777 \"$2/tmp\"";
    let mut command = Command::new("bash");
    command.args(["-e", "-o", "pipefail", "-c", copy, "bash"]);
    command.arg(installed("bookworm")).arg(&base).arg(env!("CARGO_BIN_EXE_watchpost"));
    said(&mut command);
    base
}

/// What the first stage leaves, with the program that is tested; a release takes a quarter of an
/// hour.
fn built(folder: &Path) {
    let out = folder.join("out");
    for path in ["usr/bin", "etc/watchpost", "var/lib/watchpost"] {
        fs::create_dir_all(out.join(path)).unwrap();
    }
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(out.join("usr/bin/watchpost")).arg(env!("CARGO_BIN_EXE_watchpost"));
    said(&mut strip);
    fs::copy(format!("{ROOT}/config.toml"), out.join("etc/watchpost/config.toml")).unwrap();
}

mod on_a_machine {
    use super::*;

    #[test]
    fn the_image_runs_the_daemon_as_nobody_in_particular() {
        let images = Images(tempfile::tempdir().unwrap());
        let folder = tempfile::tempdir().unwrap();
        built(folder.path());
        let scratch = images.container("scratch");
        let base = base(folder.path());
        said(images.buildah("copy").args(["--quiet", &scratch]).arg(base).arg("/"));
        said(images.buildah("commit").args(["--quiet", "--rm", &scratch, "localhost/base"]));
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
        let used = said(Command::new("du").arg("-sm").arg(images.0.path()));
        let used: u32 = used.split_whitespace().next().unwrap().parse().unwrap();
        assert!(used < 300, "{used} MiB: the disk of whoever tests is not ours");
    }
}

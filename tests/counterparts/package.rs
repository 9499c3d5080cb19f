//! The Debian package, installed; what shells and `man` make of what it brings.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::machine::{Machine, PACKAGE};
use crate::program::{installed, said};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The package with the program that is tested, built once.
pub fn package() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        // Symbols make it ten times as large.
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("watchpost");
        said(Command::new("strip").arg("-o").arg(&program).arg(env!("CARGO_BIN_EXE_watchpost")));
        let mut build = Command::new(format!("{ROOT}/packaging/deb"));
        let path = std::env::var("PATH").unwrap();
        build.env("PATH", format!("{path}:{}", installed("cargo/bin").display()));
        let path = said(build.arg(&program).arg("--fast"));
        Path::new(ROOT).join(path.trim_end())
    })
}

/// What it has, unpacked.
fn unpacked() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    said(Command::new("dpkg-deb").arg("--extract").arg(package()).arg(folder.path()));
    folder
}

/// Every file below a folder, as paths from there.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_package_has_what_it_should() {
    let root = unpacked();
    let has = |path: &str| {
        let path = root.path().join(path);
        assert!(path.is_file(), "{}", path.display());
        path
    };
    for unit in ["watchpost.service", "watchpost.socket"] {
        let packed = fs::read(has(&format!("usr/lib/systemd/system/{unit}"))).unwrap();
        assert_eq!(packed, fs::read(format!("{ROOT}/systemd/{unit}")).unwrap());
    }
    for path in [
        "usr/bin/watchpost",
        "usr/share/doc/watchpost/copyright",
        "usr/share/doc/watchpost/NOTICES",
        "usr/share/man/man1/watchpost.1.gz",
        "usr/share/man/man1/watchpost-check.1.gz",
        "usr/share/bash-completion/completions/watchpost",
        "usr/share/fish/vendor_completions.d/watchpost.fish",
        "usr/share/zsh/vendor-completions/_watchpost",
    ] {
        has(path);
    }
    let dashboards = format!("{ROOT}/dashboards");
    let rules = below(Path::new(&dashboards));
    assert!(rules.len() >= 2, "{rules:?}");
    for file in rules {
        let path = file.strip_prefix(&dashboards).unwrap();
        let packed = has(&format!("usr/share/watchpost/dashboards/{}", path.display()));
        assert_eq!(fs::read(packed).unwrap(), fs::read(file).unwrap());
    }
    let config = has("etc/watchpost/config.toml");
    let mut lint = Command::new(root.path().join("usr/bin/watchpost"));
    let lint = said(lint.args(["lint", "--config"]).arg(config));
    assert!(!lint.contains("odd:"), "{lint}");
}

#[test]
fn the_package_knows_what_it_needs_and_what_is_the_administrators() {
    let field = |name: &str| said(Command::new("dpkg-deb").arg("--field").arg(package()).arg(name));
    let needs = field("Depends");
    assert!(needs.contains("libc6 (>=") && needs.contains("ca-certificates"), "{needs}");
    let conffiles = said(Command::new("dpkg-deb").arg("--info").arg(package()).arg("conffiles"));
    assert_eq!(conffiles.trim(), "/etc/watchpost/config.toml");
    assert_eq!(field("Version").trim().split('-').next(), Some(env!("CARGO_PKG_VERSION")));
}

#[test]
fn lintian_finds_no_fault_in_the_package() {
    let mut lintian = Command::new("lintian");
    lintian.args(["--allow-root", "--no-cfg", "--fail-on", "error,warning"]);
    // It is not for Debian's own archive, whose list of bugs would have asked for it.
    lintian.args(["--suppress-tags", "initial-upload-closes-no-bugs"]);
    said(lintian.arg(package()));
}

#[test]
fn every_crate_that_is_built_in_is_named_with_its_licence() {
    let notices = said(&mut Command::new(format!("{ROOT}/packaging/notices")));
    for part in ["\nrustls v", "\ntokio v", "Permission is hereby granted", "aws-lc-sys"] {
        assert!(notices.contains(part), "{part}");
    }
}

#[test]
fn notices_fail_where_a_program_that_they_need_does() {
    use std::os::unix::fs::PermissionsExt;
    for name in ["cargo", "sha256sum", "paste"] {
        let folder = tempfile::tempdir().unwrap();
        let fake = folder.path().join(name);
        // It says something, as far as it came.
        fs::write(&fake, "#!/bin/sh\necho 'rustls v0.0.0|MIT'\nexit 101\n").unwrap();
        fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
        let mut notices = Command::new(format!("{ROOT}/packaging/notices"));
        let output = notices.env("PATH", path).output().unwrap();
        assert!(!output.status.success(), "{name}");
    }
}

#[test]
fn shells_complete_the_command_line() {
    let root = unpacked();
    let share = root.path().join("usr/share");
    let share = share.to_str().unwrap();
    let bash = "source \"$0/bash-completion/completions/watchpost\" && COMP_CWORD=1 && \
        COMP_WORDS=(watchpost li) && _watchpost watchpost li watchpost && echo \"${COMPREPLY[*]}\"";
    assert_eq!(said(Command::new("bash").args(["--norc", "-c", bash, share])).trim(), "lint");
    let fish = format!(
        "source {share}/fish/vendor_completions.d/watchpost.fish; complete -C 'watchpost li'"
    );
    let completed = said(Command::new("fish").args(["--no-config", "-c", &fish]));
    assert!(completed.starts_with("lint\t") && completed.lines().count() == 1, "{completed}");
    let zsh = "fpath=($0/zsh/vendor-completions $fpath); autoload -U compinit; compinit -u -D; \
        autoload +X -U _watchpost && echo $_comps[watchpost]";
    assert_eq!(said(Command::new("zsh").args(["-f", "-c", zsh, share])).trim(), "_watchpost");
}

#[test]
fn man_has_nothing_to_say_about_the_pages() {
    let root = unpacked();
    let pages = below(&root.path().join("usr/share/man/man1"));
    assert!(pages.len() > 5, "{pages:?}");
    for page in pages {
        let name = page.file_name().unwrap().to_str().unwrap().to_owned();
        let mut mandoc = Command::new("mandoc");
        let output = mandoc.args(["-T", "lint", "-W", "warning"]).arg(&page).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let mut man = Command::new("man");
        man.args(["--warnings", "--local-file"]).arg(&page);
        let output = man.env("MANROFFSEQ", "").env("LC_ALL", "C.UTF-8").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("SYNOPSIS"), "{name}");
    }
}

mod on_a_machine {
    use super::*;

    const OWN: &str = "[[endpoints]]\nname = \"nobody\"\nurl = \"ws://127.0.0.1:9/\"\n";

    #[test]
    fn the_package_comes_stays_and_goes() {
        let machine = Machine::boot("watchpost-package", package());
        let install = format!("dpkg --install {PACKAGE}");
        machine.said(&install);
        for unit in ["watchpost.service", "watchpost.socket"] {
            let is = |what: &str| machine.run(&format!("systemctl {what} {unit}")).stdout;
            assert_eq!(is("is-enabled"), b"disabled\n", "{unit}");
            assert_eq!(is("is-active"), b"inactive\n", "{unit}");
        }
        assert_eq!(machine.said("dpkg --verify watchpost"), "");
        machine.said("watchpost lint --config /etc/watchpost/config.toml");
        machine.said("systemd-analyze verify --man=no watchpost.service watchpost.socket");

        // An upgrade keeps the administrator's config, and starts the new program; systemd listens
        // all the while.
        machine.write("/etc/watchpost/config.toml", OWN);
        machine.said("systemctl enable --now watchpost.socket watchpost");
        let before = machine.property("MainPID");
        let listening = "systemctl show --property=InvocationID watchpost.socket";
        let since = machine.said(listening);
        machine.said(&format!("{install} </dev/null"));
        assert_eq!(machine.property("ActiveState"), "active");
        assert_ne!(machine.property("MainPID"), before);
        assert_eq!(machine.said(listening), since);
        assert_eq!(machine.said("cat /etc/watchpost/config.toml"), OWN.trim_end());

        // Whoever removes it keeps config and store; whoever purges it, nothing.
        machine.said("dpkg --remove watchpost");
        assert_eq!(machine.run("systemctl is-active watchpost").stdout, b"inactive\n");
        machine.said("test -s /etc/watchpost/config.toml -a -s /var/lib/watchpost/watchpost.db");
        machine.said("dpkg --purge watchpost");
        let left = "find / -xdev -name '*watchpost*' -not -path '/proc/*' -not -path '/root/*' \
            -not -path '/var/log/*'";
        assert_eq!(machine.said(left), "");
    }
}

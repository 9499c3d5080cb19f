//! The imports of the sources, against the table in the README's architecture section.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The module at the top that a file belongs to.
fn module(path: &Path, root: &Path) -> String {
    let first = path.strip_prefix(root).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The text of a file without its tests.
fn production(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    if path.file_name().unwrap() == "tests.rs" { String::new() } else { text[..end].to_owned() }
}

/// `| module | may use |` rows of the README.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let readme = include_str!("../../README.md");
    let section = readme.split("## Architecture").nth(1).expect("an architecture section");
    let rows = section.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let module = cells.next()?.trim_matches('`').to_owned();
        let allowed = cells.next()?.split(',').map(|name| name.trim().trim_matches('`').to_owned());
        Some((module, allowed.filter(|name| !name.is_empty() && name != "nothing").collect()))
    });
    rows.collect()
}

#[test]
fn imports_run_as_the_readme_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table = table();
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in &files {
        let own = module(path, &root);
        if own == "lib" {
            continue;
        }
        let text = production(path);
        let names = text.split("crate::").skip(1).map(|rest| {
            rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap().to_owned()
        });
        for name in names.filter(|name| *name != own && !name.is_empty()) {
            let allowed =
                table.get(&own).unwrap_or_else(|| panic!("the README has no row for {own}"));
            if !allowed.contains(&name) {
                wrong.push(format!("{} uses {name}", path.display()));
            }
            used.entry(own.clone()).or_default().insert(name);
        }
    }
    assert_eq!(wrong, [""; 0], "imports that the README does not list");
    for (module, allowed) in &table {
        let unused: Vec<_> = allowed
            .iter()
            .filter(|name| !used.get(module).is_some_and(|used| used.contains(*name)))
            .collect();
        assert!(unused.is_empty(), "the README lets {module} use {unused:?}, and it does not");
    }
}

#[test]
fn pure_modules_are_pure() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for path in files {
        let own = module(&path, &root);
        let text = production(&path);
        let banned: &[&str] = match own.as_str() {
            "check" | "outcome" | "health" | "event" | "receiver" | "genesys" => {
                &["tokio::", "std::net::Tcp", "std::fs", "clock::", "Instant", ".await", "std::env"]
            }
            "record" => &["axum", "TcpStream", "hyper"],
            "probe" | "schedule" => &["rusqlite", "metrics::", "axum"],
            _ => &[],
        };
        for word in banned {
            // The key of a handshake is computed by a pure function of that crate.
            let text = text.replace("tokio_tungstenite::", "");
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn rooms_are_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut sizes: Vec<_> = files
        .iter()
        .map(|path| {
            (production(path).lines().count(), path.strip_prefix(&root).unwrap().to_owned())
        })
        .filter(|(lines, _)| *lines > 0)
        .collect();
    sizes.sort();
    let (median, _) = sizes[sizes.len() / 2];
    assert!(median <= 150, "the median file has {median} lines");
    let (largest, path) = sizes.last().unwrap();
    assert!(*largest <= 400, "{} has {largest} lines", path.display());
}

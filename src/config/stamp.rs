//! Whether a file is still the one that was read.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells one version of a file from another, without reading it.
///
/// Links are followed, so that another target behind a link is another version, as when Kubernetes
/// swaps its `..data`. The inode tells a file that was moved into place, the time of change one
/// whose time of modification was set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file; none where there is no file to be seen.
    pub fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        Some(Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_way_to_replace_a_file_shows() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
        let mut seen = vec![Stamp::of(&path("config"))];
        assert_eq!(seen, [None]);
        let mut see = |what: &str| {
            let stamp = Stamp::of(&path("config"));
            assert!(!seen.contains(&stamp), "{what} does not show");
            assert_eq!(stamp, Stamp::of(&path("config")), "it stays as long as the file does");
            seen.push(stamp);
        };
        write("config", "one");
        see("a new file");
        write("config", "longer");
        see("another length");
        write("new", "second");
        fs::rename(path("new"), path("config")).unwrap();
        see("a file moved into place");
        let file = fs::File::options().write(true).open(path("config")).unwrap();
        let old = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        file.set_times(old).unwrap();
        see("a time that was set back");
        fs::create_dir_all(path("v1")).unwrap();
        fs::create_dir_all(path("v2")).unwrap();
        write("v1/config", "first.");
        write("v2/config", "second");
        fs::remove_file(path("config")).unwrap();
        symlink("v1", path("..data")).unwrap();
        symlink("..data/config", path("config")).unwrap();
        see("a link");
        symlink("v2", path("..new")).unwrap();
        fs::rename(path("..new"), path("..data")).unwrap();
        see("another target of a folder behind a link");
    }
}
